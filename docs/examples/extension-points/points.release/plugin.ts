import {
  answers,
  definePlugin,
  type PointsReleaseOutput,
  pointsRelease,
} from '../../../../src/extension/index.ts';

/** What is left of a hold is given back unless its order is being packed. */
export const plugin = definePlugin({
  id: 'packed-orders',
  version: 1,
  description: 'Answers points.release: not once the order is packed.',
  answers: [
    answers(pointsRelease, ({ hold, reason }): PointsReleaseOutput => {
      if (reason === 'packed') return { decision: 'REFUSE', reason: 'The order is packed already.' };
      return { decision: 'APPROVE', reference: { type: 'crm-release', id: hold.id } };
    }),
  ],
});
