import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';
import { code, exampleMember, member } from './shapes.ts';

/** Asked before a person or server gives a member a tier by hand. */
export const tierSet = defineExtensionPoint({
  name: 'tier.set',
  version: 1,
  description:
    'Asked before a person or server gives a member a tier by hand (`setTier`), with no transaction open. The ' +
    'first REFUSE wins: nothing is changed, and its reason is shown. Else the tier is the last one that an ' +
    'answer names, or the one that was asked for. A filter sees the activity type `tier_set`.',
  kind: 'ASKED',
  onThrow: 'FAIL_CLOSED',
  input: z.object({
    member: member.describe('Whose tier it is.'),
    ladder: code.describe('The code of the ladder.'),
    from: z.string().nullable().describe('The tier that they hold in it now; null without one.'),
    to: code.describe('The tier that is asked for.'),
    until: z.iso
      .datetime({ offset: true })
      .nullable()
      .describe('Until when it is to be held; null = for ever.'),
    reason: z.string().describe('Why, in the words of who sets it.'),
  }),
  output: z.strictObject({
    decision: z.enum(['APPROVE', 'REFUSE']).describe('Whether they get a tier by hand.'),
    reason: z.string().max(500).optional().describe('Why it was refused, as the caller reads it.'),
    tier: code.optional().describe('Another tier of the same ladder, instead of the one that was asked for.'),
  }),
  neutral: { decision: 'APPROVE' },
  example: {
    input: {
      member: exampleMember,
      ladder: 'main',
      from: 'gold',
      to: 'black',
      until: '2027-03-08T00:00:00.000Z',
      reason: 'a complaint',
    },
    output: { decision: 'APPROVE', tier: 'platinum' },
  },
});

export type TierSetInput = z.infer<typeof tierSet.input>;
export type TierSetOutput = z.infer<typeof tierSet.output>;
