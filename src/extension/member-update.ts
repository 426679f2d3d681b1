import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';
import { code, consents, exampleMember, identities, json, member, profile } from './shapes.ts';

const tagChange = z.strictObject({
  add: z.array(code).max(32).optional().describe('Codes of tags that the member gets.'),
  remove: z.array(code).max(32).optional().describe('Codes of tags that the member loses.'),
});

/** Asked before a member is changed by a person or server. */
export const memberUpdate = defineExtensionPoint({
  name: 'member.update',
  version: 1,
  description:
    'Asked before a person or server changes a member (`updateMember`, `changeTags`), with no transaction open. ' +
    'The first REFUSE wins: nothing is changed, and its reason is shown. What answers add is written on top of ' +
    'the change, later ones win. A filter sees the activity type `member_update`.',
  kind: 'ASKED',
  onThrow: 'FAIL_CLOSED',
  input: z.object({
    member: member.describe('The member, as they are.'),
    change: z
      .object({
        profile: profile.meta({
          description: 'What changes in the profile: what is missing stays, null empties.',
          pii: true,
        }),
        addIdentities: identities.describe('What will find the member besides, in the order given.'),
        consents: consents.describe('What the member agrees to from now on, and what not.'),
        attributes: json
          .nullable()
          .meta({ description: 'The attributes from now on, as a whole; null where they stay.', pii: true }),
        tags: z
          .object({
            add: z.array(z.string()).describe('Codes of tags that the member gets.'),
            remove: z.array(z.string()).describe('Codes of tags that the member loses.'),
          })
          .describe('How the tags change.'),
        status: z.string().nullable().describe('ACTIVE, BLOCKED or CLOSED; null where it stays.'),
      })
      .describe('What is asked for.'),
  }),
  output: z.strictObject({
    decision: z.enum(['APPROVE', 'REFUSE']).describe('Whether the member is changed.'),
    reason: z.string().max(500).optional().describe('Why it was refused, as the caller reads it.'),
    profile: profile
      .strict()
      .meta({ description: 'Written over what is asked for; later answers win.', pii: true })
      .optional(),
    tags: tagChange.optional().describe('Tags that come and go besides; later answers win.'),
    attributes: json
      .meta({ description: 'Merged into the attributes, key by key; later answers win.', pii: true })
      .optional(),
  }),
  neutral: { decision: 'APPROVE' },
  example: {
    input: {
      member: exampleMember,
      change: {
        profile: { region: 'CN-11' },
        addIdentities: [],
        consents: [],
        attributes: null,
        tags: { add: [], remove: [] },
        status: null,
      },
    },
    output: { decision: 'APPROVE', tags: { add: ['moved'] }, attributes: { movedFrom: 'CN-31' } },
  },
});

export type MemberUpdateInput = z.infer<typeof memberUpdate.input>;
export type MemberUpdateOutput = z.infer<typeof memberUpdate.output>;
