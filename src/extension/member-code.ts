import { z } from 'zod';
import { defineExtensionPoint } from './extension-point.ts';
import { exampleMember, identities, member } from './shapes.ts';

/** Asked for the code that a till scans, and whose a scanned one is. */
export const memberCode = defineExtensionPoint({
  name: 'member.code',
  version: 1,
  description:
    'Asked for the code that a till scans (`issueMemberCode`, "wanted" is CODE), and whose a scanned code is ' +
    '(`memberByCode`, "wanted" is MEMBER). The first answer that says something counts. Where none does, the ' +
    'product makes a code of its own, and a scanned one is nobody’s. Not asked about codes of the product’s own ' +
    'and numbers of membership cards: it knows whose they are. Nothing is kept of an answer, so whoever gives ' +
    'codes answers both. A filter sees the activity types `member_code` and, without a member, `member_by_code`; ' +
    'a canary is asked whose every scanned code is.',
  kind: 'DELEGATED',
  onThrow: 'FAIL_OPEN',
  input: z.object({
    wanted: z.enum(['CODE', 'MEMBER']).describe('A code for the member, or the member of the code.'),
    member: member.nullable().describe('With CODE: whose code it is going to be; null with MEMBER.'),
    identities: identities.describe('With CODE: what finds the member; empty with MEMBER.'),
    code: z.string().nullable().meta({
      description: 'With MEMBER: what was scanned, as the till sent it; null with CODE.',
      pii: true,
    }),
  }),
  output: z.strictObject({
    code: z
      .string()
      .max(512)
      .regex(/^[\x21-\x7e]+$/)
      .optional()
      .meta({ description: 'To CODE: what the till scans, e.g. as a QR code.', pii: true }),
    barcode: z
      .string()
      .regex(/^[\x20-\x7e]{1,48}$/)
      .optional()
      .meta({ description: 'To CODE, with a code: the same for scanners of one dimension.', pii: true }),
    expiresAt: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('To CODE, with a code: until when it can be used; it has no end when missing.'),
    memberId: z.string().optional().describe('To MEMBER: the public id of whose the code is.'),
    identity: z
      .strictObject({
        kind: z.string().describe('PHONE, EMAIL, CARD, WECHAT_OPENID, WECHAT_UNIONID or EXTERNAL.'),
        value: z.string().meta({ description: 'In its normal spelling.', pii: true }),
      })
      .optional()
      .describe('To MEMBER: what finds whose the code is, instead of an id.'),
  }),
  neutral: {},
  example: {
    input: {
      wanted: 'CODE',
      member: exampleMember,
      identities: [{ kind: 'PHONE', value: '+8613800138000' }],
      code: null,
    },
    output: { code: '6901234567892', barcode: '6901234567892' },
  },
});

export type MemberCodeInput = z.infer<typeof memberCode.input>;
export type MemberCodeOutput = z.infer<typeof memberCode.output>;
