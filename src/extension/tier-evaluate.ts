import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';
import { code, exampleMember, member } from './shapes.ts';

/** Asked which tier a member holds, of ladders whose evaluation the program leaves to extensions. */
export const tierEvaluate = defineExtensionPoint({
  name: 'tier.evaluate',
  version: 1,
  description:
    'Asked which tier a member holds in a ladder that the program declares with `evaluation: EXTENSION`: right ' +
    'after a commit that counts toward it, and after a review that would change it; never under a lock. The ' +
    'first answer with a tier holds; where there is none, the program’s own evaluation. Who fails closed leaves the tier as ' +
    'it is, and is asked again with growing pauses; who fails open leaves it to the program. What was counted ' +
    'meanwhile is asked about anew, with another idempotency key. Not asked about tiers that were set by hand, ' +
    'before their end. A filter sees the activity type `tier_evaluate`.',
  kind: 'DELEGATED',
  onThrow: 'FAIL_CLOSED',
  input: z.object({
    member: member.describe('Whose tier it is.'),
    ladder: code.describe('The code of the ladder.'),
    cause: z
      .enum(['REACHED', 'REVIEWED', 'PROGRAM'])
      .describe('Why it is asked: something was counted, a daily review, or a new version of the program.'),
    tier: z.string().nullable().describe('The tier that they hold in it now; null without one.'),
    since: z.iso.datetime({ offset: true }).describe('Since when they hold it.'),
    proposed: z
      .string()
      .nullable()
      .describe('The tier that the program itself would give them; null for none.'),
    metric: z.string().describe('What the ladder counts, e.g. `growth`.'),
    current: z.string().describe('How much of it, in the window around now; a decimal number as a string.'),
    previous: z.string().describe('The same for the year before, in windows of years; else "0".'),
  }),
  output: z.strictObject({
    tier: code
      .nullable()
      .optional()
      .describe('The tier that they hold from now on; null for none, where the lowest isn’t for everybody.'),
    reason: z.string().max(500).optional().describe('Why, as the change of their tier will show it.'),
  }),
  neutral: {},
  example: {
    input: {
      member: exampleMember,
      ladder: 'main',
      cause: 'REACHED',
      tier: 'gold',
      since: '2026-03-08T02:30:00.000Z',
      proposed: 'gold',
      metric: 'growth',
      current: '5120',
      previous: '0',
    },
    output: { tier: 'platinum', reason: 'Spends as much in our other brand.' },
  },
});

export type TierEvaluateInput = z.infer<typeof tierEvaluate.input>;
export type TierEvaluateOutput = z.infer<typeof tierEvaluate.output>;
