import {
  answers,
  definePlugin,
  type TierEvaluateOutput,
  tierEvaluate,
} from '../../../../src/extension/index.ts';

const ENOUGH_FOR_PLATINUM = 5_000;

/** Who loves tea needs less for the tier above; everybody else holds what the program says. */
export const plugin = definePlugin({
  id: 'tea-lovers-tier',
  version: 1,
  description: 'Answers tier.evaluate: tea lovers are platinum earlier.',
  answers: [
    answers(tierEvaluate, ({ member, ladder, proposed, current }): TierEvaluateOutput => {
      if (ladder !== 'main' || proposed !== 'gold' || !member.tags.includes('tea-lover')) return {};
      if (Number(current) < ENOUGH_FOR_PLATINUM) return {};
      return { tier: 'platinum', reason: 'Spends as much in our other brand.' };
    }),
  ],
});
