import { answers, definePlugin, type TierSetOutput, tierSet } from '../../../../src/extension/index.ts';

const HIGHEST_BY_HAND = 'platinum';

/** The highest tier is reached, never given: by hand it is the one below. */
export const plugin = definePlugin({
  id: 'no-black-by-hand',
  version: 1,
  description: 'Answers tier.set: the highest tier is never given by hand.',
  answers: [
    answers(tierSet, ({ to }): TierSetOutput => {
      if (to !== 'black') return { decision: 'APPROVE' };
      return { decision: 'APPROVE', tier: HIGHEST_BY_HAND };
    }),
  ],
});
