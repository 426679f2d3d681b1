import { z } from 'zod';
import {
  answers,
  type CallContext,
  definePlugin,
  type PointsRuleOutput,
  pointsRule,
} from '../../../src/extension/index.ts';

const configuration = z.strictObject({
  bonus: z
    .string()
    .regex(/^[1-9]\d{0,8}$/)
    .default('10'),
});
type Settings = z.infer<typeof configuration>;

export const plugin = definePlugin({
  id: 'review-bonus', // the folder's name
  version: 1,
  description: 'Answers points.rule: some points for a review.',
  configuration,
  answers: [
    answers(pointsRule, ({ activity }, context: CallContext<Settings>): PointsRuleOutput => {
      if (activity.type !== 'review') return { postings: [] };
      context.log(`a review by way of ${activity.source.channel}`);
      return { postings: [{ asset: 'points', amount: context.configuration.bonus, reason: 'review' }] };
    }),
  ],
});
