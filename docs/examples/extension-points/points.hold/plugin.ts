import { answers, definePlugin, type PointsHoldOutput, pointsHold } from '../../../../src/extension/index.ts';

const MOST = 100n;
const MOST_FROM_THIRD_TIER = 500n;
const THIRD = 3;

/** At most 100 points, and 500 from the third tier on. */
export const plugin = definePlugin({
  id: 'small-holds',
  version: 1,
  description: 'Answers points.hold: how much can be reserved at once, by tier.',
  answers: [
    answers(pointsHold, ({ member, amount }): PointsHoldOutput => {
      const most = member.tier.rank < THIRD ? MOST : MOST_FROM_THIRD_TIER;
      if (BigInt(amount ?? 0) <= most) return { decision: 'APPROVE' };
      return { decision: 'REFUSE', reason: `At most ${most} points can be reserved.` };
    }),
  ],
});
