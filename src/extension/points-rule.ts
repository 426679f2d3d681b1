import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';
import { activity, exampleActivity, exampleMember, member, postings, proposed } from './shapes.ts';

/** Asked about every activity but refunds, once the program's own rules have proposed. */
export const pointsRule = defineExtensionPoint({
  name: 'points.rule',
  version: 1,
  description:
    'Asked about an activity before anything is written, once the program’s rules have proposed what they ' +
    'give. The postings of all answers are added to that; one "replace": true drops what the rules ' +
    'proposed, and not what other extensions do. A refund takes back its share by itself.',
  kind: 'ASKED',
  onThrow: 'FAIL_OPEN',
  input: z.object({
    activity: activity.describe('What the member did.'),
    member: member.describe('Who did it.'),
    proposed: proposed.describe('What the program’s rules propose, before caps and budgets.'),
  }),
  output: z.strictObject({
    postings: postings.describe('What is given, at most one posting for an asset.'),
    replace: z.boolean().optional().describe('Whether what the rules proposed is dropped.'),
  }),
  neutral: { postings: [] },
  example: {
    input: {
      activity: exampleActivity,
      member: exampleMember,
      proposed: [{ rule: 'spend', asset: 'points', amount: '268' }],
    },
    output: { postings: [{ asset: 'points', amount: '20', reason: 'tea-lovers' }] },
  },
});

export type PointsRuleInput = z.infer<typeof pointsRule.input>;
export type PointsRuleOutput = z.infer<typeof pointsRule.output>;
