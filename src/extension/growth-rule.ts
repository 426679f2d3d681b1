import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';
import { activity, exampleActivity, exampleMember, member, postings, proposed } from './shapes.ts';

/** Asked about every activity but refunds, for what it gives in growth: what tiers are reached by. */
export const growthRule = defineExtensionPoint({
  name: 'growth.rule',
  version: 1,
  description:
    'Asked about an activity before anything is written, where the program has assets of the kind GROWTH: what ' +
    'it gives in them. The postings of all answers are added to what the program’s rules propose; one ' +
    '"replace": true drops the growth that the rules proposed, and neither their other assets, tags and ' +
    'benefits nor what other extensions give. A refund takes back its share by itself.',
  kind: 'ASKED',
  onThrow: 'FAIL_OPEN',
  input: z.object({
    activity: activity.describe('What the member did.'),
    member: member.describe('Who did it.'),
    proposed: proposed.describe('What the program’s rules propose in growth, before caps and budgets.'),
  }),
  output: z.strictObject({
    postings: postings.describe('What is given, in assets of the kind GROWTH; at most one for an asset.'),
    replace: z.boolean().optional().describe('Whether the growth that the rules proposed is dropped.'),
  }),
  neutral: { postings: [] },
  example: {
    input: {
      activity: exampleActivity,
      member: exampleMember,
      proposed: [{ rule: 'grow', asset: 'growth', amount: '268' }],
    },
    output: { postings: [{ asset: 'growth', amount: '402', reason: 'gold grows faster' }], replace: true },
  },
});

export type GrowthRuleInput = z.infer<typeof growthRule.input>;
export type GrowthRuleOutput = z.infer<typeof growthRule.output>;
