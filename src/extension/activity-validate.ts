import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';
import { activity, code, exampleActivity, exampleMember, member } from './shapes.ts';

/** Asked before an activity is recorded: whether it is what it says, and whether it may be. */
export const activityValidate = defineExtensionPoint({
  name: 'activity.validate',
  version: 1,
  description:
    'Asked before an activity is recorded, by whom and how ever it is sent, once it is known whose it is. The ' +
    'first REFUSE wins: nothing is recorded, nobody is enrolled by it, and its reason is shown. Not asked ' +
    'about refunds, nor about what comes of itself: birthdays and changes of tier.',
  kind: 'ASKED',
  onThrow: 'FAIL_CLOSED',
  input: z.object({
    activity: activity.describe('What the member is said to have done.'),
    member: member.describe('Who is said to have done it.'),
  }),
  output: z.strictObject({
    decision: z.enum(['ACCEPT', 'REFUSE']).describe('Whether it is recorded.'),
    reason: z.string().max(500).optional().describe('Why it was refused, as the caller reads it.'),
    score: z
      .int()
      .min(0)
      .max(100)
      .optional()
      .describe('How suspicious it is, up to 100; kept with the call, it changes nothing.'),
    flags: z
      .array(code)
      .max(16)
      .optional()
      .describe('What was noticed; kept with the call, it changes nothing.'),
  }),
  neutral: { decision: 'ACCEPT' },
  example: {
    input: {
      activity: {
        ...exampleActivity,
        ...{ type: 'sign_in', amount: null, order: null, source: { channel: 'script', store: null } },
      },
      member: exampleMember,
    },
    output: { decision: 'REFUSE', reason: 'Sign in by our mini program.', score: 80, flags: ['odd-channel'] },
  },
});

export type ActivityValidateInput = z.infer<typeof activityValidate.input>;
export type ActivityValidateOutput = z.infer<typeof activityValidate.output>;
