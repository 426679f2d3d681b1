import { answers, definePlugin, type TierListOutput, tierList } from '../../../../src/extension/index.ts';

/** The shop shows the highest tier first, and none below the one that a member holds. */
export const plugin = definePlugin({
  id: 'tiers-downwards',
  version: 1,
  description: 'Answers tier.list: the highest tier first, down to the one that the member holds.',
  answers: [
    answers(tierList, ({ ladder, tiers }): TierListOutput => {
      const held = tiers.find(({ isHeld }) => isHeld)?.rank ?? 0;
      const shown = tiers.filter(({ rank }) => rank >= held).toReversed();
      return {
        tiers: shown.map(({ code, threshold }) => ({ code, requirement: `${threshold} ${ladder.metric}` })),
      };
    }),
  ],
});
