import {
  answers,
  definePlugin,
  type PointsReverseOutput,
  pointsReverse,
} from '../../../../src/extension/index.ts';

/** Nothing is undone without a reason; the order's number is that of the reversal, too. */
export const plugin = definePlugin({
  id: 'reasons-wanted',
  version: 1,
  description: 'Answers points.reverse: nothing is undone without a reason.',
  answers: [
    answers(pointsReverse, ({ reason, operation: { reference } }): PointsReverseOutput => {
      if (reason === null) return { decision: 'REFUSE', reason: 'Say why it is undone.' };
      if (reference === null) return { decision: 'APPROVE' };
      return { decision: 'APPROVE', reference: { type: 'crm-reversal', id: reference.id } };
    }),
  ],
});
