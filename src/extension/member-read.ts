import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';
import { exampleMember, identities, json, member, profile } from './shapes.ts';

/** The most members that one question is about. */
export const MOST_MEMBERS_READ = 20;

const suppliedProfile = profile.strict().extend({
  email: z.string().max(254).nullish().describe('Where they can be written to.'),
  address: z.string().max(500).nullish().describe('Where they live, as one line to show.'),
  avatarUrl: z
    .url({ protocol: /^https$/, hostname: z.regexes.domain })
    .max(1_000)
    .nullish()
    .describe('Their picture: `https://…`.'),
  attributes: json.optional().describe('Merged into the attributes that are shown, key by key.'),
});

/** Asked for profiles that another system keeps. */
export const memberRead = defineExtensionPoint({
  name: 'member.read',
  version: 1,
  description:
    'Asked where somebody selects `Member.profile`: what it says is shown instead of what the product keeps, and ' +
    'is written nowhere. Rules, filters, jobs and subscriptions go on with what is kept. Asked about up to 20 ' +
    'members at once, or one by one while anybody who answers has a filter or is in CANARY; an answer is shown ' +
    'for five seconds. Of several, the first who names a member counts. Where it fails, what is kept is shown, ' +
    'and marked. A filter sees the activity type `member_read`.',
  kind: 'DELEGATED',
  onThrow: 'FAIL_OPEN',
  input: z.object({
    members: z
      .array(
        z.object({
          member: member.describe('The member, as they are kept.'),
          identities: identities.describe('What finds the member.'),
        }),
      )
      .describe('Whose profiles are to be shown.'),
  }),
  output: z.strictObject({
    profiles: z
      .array(
        z.strictObject({
          memberId: z.string().describe('Whose it is: one of the members who were asked about, once.'),
          profile: suppliedProfile.meta({
            description: 'What is shown: what is missing is as it is kept, null is shown as unknown.',
            pii: true,
          }),
        }),
      )
      .max(MOST_MEMBERS_READ)
      .describe('What is known; who is missing is shown as they are kept.'),
  }),
  neutral: { profiles: [] },
  example: {
    input: {
      members: [{ member: exampleMember, identities: [{ kind: 'PHONE', value: '+8613800138000' }] }],
    },
    output: {
      profiles: [
        {
          memberId: exampleMember.id,
          profile: { displayName: '林小满', avatarUrl: 'https://img.example.com/c-2041.jpg' },
        },
      ],
    },
  },
});

export type MemberReadInput = z.infer<typeof memberRead.input>;
export type MemberReadOutput = z.infer<typeof memberRead.output>;
export type SuppliedProfile = MemberReadOutput['profiles'][number]['profile'];
