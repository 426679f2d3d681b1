import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';
import { code, consents, identities, json, postings, profile, source } from './shapes.ts';

/** Asked before a member exists. Answers can refuse, name an existing member, or enrich what is written. */
export const memberCreate = defineExtensionPoint({
  name: 'member.create',
  version: 1,
  description:
    'Asked before a member is created, with no transaction open. The first REFUSE wins and its reason is ' +
    'shown; the first USE_EXISTING answers with the member whom it names, and nothing is written. ' +
    'Enrichments are merged, later ones win; postings are given on top of what the rules give.',
  kind: 'ASKED',
  onThrow: 'FAIL_CLOSED',
  input: z.object({
    identities: identities.describe('What will find the member, in the order given.'),
    profile: profile.meta({ description: 'What the new member told about themselves.', pii: true }),
    source: source.describe('Where they enrol.'),
    attributes: json.meta({ description: 'What the caller wants kept with the member.', pii: true }),
    consents: consents.describe('To what the member did and did not agree.'),
  }),
  output: z.strictObject({
    decision: z
      .enum(['APPROVE', 'REFUSE', 'USE_EXISTING'])
      .describe('Whether they are enrolled, kept out, or somebody who is a member already.'),
    reason: z.string().max(500).optional().describe('Why it was refused, as the caller reads it.'),
    memberId: z.string().max(64).optional().describe('With USE_EXISTING: whose enrolment it really is.'),
    profile: profile
      .strict()
      .meta({ description: 'Merged into what the member told; later answers win.', pii: true })
      .optional(),
    tags: z.array(code).max(32).optional().describe('Codes of tags that the member gets.'),
    tier: code
      .optional()
      .describe('In the primary ladder; the member keeps it as one that was given by hand.'),
    attributes: json
      .meta({ description: 'Merged into the member’s attributes, key by key; later answers win.', pii: true })
      .optional(),
    postings: postings.optional().describe('Given on top of what the rules give for enrolling.'),
  }),
  neutral: { decision: 'APPROVE' },
  example: {
    input: {
      identities: [{ kind: 'PHONE', value: '+8613800138000' }],
      profile: { displayName: '林小满', birthday: '1995-05-20', locale: 'zh-CN', region: 'CN-31' },
      source: { channel: 'wechat-mini-program', store: 'shanghai-01' },
      attributes: {},
      consents: [{ purpose: 'MARKETING', granted: true }],
    },
    output: { decision: 'APPROVE', tags: ['from-crm'], attributes: { crmId: 'C-2041' } },
  },
});

export type MemberCreateInput = z.infer<typeof memberCreate.input>;
export type MemberCreateOutput = z.infer<typeof memberCreate.output>;
