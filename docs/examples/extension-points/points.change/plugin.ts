import {
  answers,
  definePlugin,
  type PointsChangeOutput,
  pointsChange,
} from '../../../../src/extension/index.ts';

/** What was answered about each operation; a real one keeps this where it keeps its balances. */
const known = new Map<string, PointsChangeOutput>();

/** Books every change once, however often it is asked for. */
export const plugin = definePlugin({
  id: 'record-in-memory',
  version: 1,
  description: 'Answers points.change: it takes no more than 10,000 at once, and knows each operation again.',
  answers: [
    answers(pointsChange, ({ operation: { id }, amount }): PointsChangeOutput => {
      const before = known.get(id);
      if (before !== undefined) return before;
      const answer: PointsChangeOutput =
        BigInt(amount) < -10_000n
          ? { decision: 'REFUSE', reason: 'At most 10,000 can be taken at once.' }
          : { decision: 'DONE', reference: { type: 'crm-booking', id } };
      known.set(id, answer);
      return answer;
    }),
  ],
});
