import {
  answers,
  definePlugin,
  type PointsRedeemOutput,
  pointsRedeem,
} from '../../../../src/extension/index.ts';

const MOST = 1_000n;

/** At most 1,000 points at once, and the till's order is the booking's number. */
export const plugin = definePlugin({
  id: 'most-at-once',
  version: 1,
  description: 'Answers points.redeem: at most 1,000 points at once.',
  answers: [
    answers(pointsRedeem, ({ amount, hold, reference }): PointsRedeemOutput => {
      const spent = BigInt(amount ?? hold?.left ?? 0);
      if (spent > MOST) return { decision: 'REFUSE', reason: `At most ${MOST} points can be spent at once.` };
      if (reference === null) return { decision: 'APPROVE' };
      return { decision: 'APPROVE', reference: { type: 'crm-booking', id: reference.id } };
    }),
  ],
});
