import { answers, definePlugin, type PointsRuleOutput, pointsRule } from '../../../../src/extension/index.ts';

const POINTS_A_PIECE = 10;

/** Ten points more for each piece of tea. */
export const plugin = definePlugin({
  id: 'tea-points',
  version: 1,
  description: 'Answers points.rule: ten points more for each piece of tea.',
  answers: [
    answers(pointsRule, ({ activity }): PointsRuleOutput => {
      const lines = activity.order?.lines ?? [];
      const pieces = lines
        .filter(({ category }) => category === 'tea')
        .reduce((sum, { quantity }) => sum + quantity, 0);
      if (activity.type !== 'purchase' || pieces <= 0) return { postings: [] };
      return {
        postings: [{ asset: 'points', amount: String(pieces * POINTS_A_PIECE), reason: 'tea-lovers' }],
      };
    }),
  ],
});
