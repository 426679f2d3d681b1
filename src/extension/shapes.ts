import { z } from 'zod';
import { isInRange } from '../kernel/points.ts';

/** A code of a tenant's own data: an asset, a tag, a tier… */
export const code = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/);

/** A tenant's own JSON. */
export const json = z.record(z.string(), z.unknown());

const moment = z.iso.datetime({ offset: true });

export const money = z.object({
  value: z.string().describe('A decimal in the currency’s major unit, e.g. "268.00".'),
  currency: z.string().describe('The program’s currency (ISO 4217).'),
});

export const source = z.object({
  channel: z.string().nullable().describe('Where it came in, e.g. `pos`, `wechat-mini-program`.'),
  store: z.string().nullable().describe('The tenant’s own code of the store.'),
});

/** What a member tells about themselves. */
export const profile = z.object({
  displayName: z.string().max(200).nullish().describe('What the member is called.'),
  gender: z.enum(['FEMALE', 'MALE', 'OTHER', 'UNDISCLOSED']).nullish().describe('As the member gave it.'),
  birthday: z.iso.date().nullish().describe('`YYYY-MM-DD`.'),
  locale: z.string().max(35).nullish().describe('The member’s language, e.g. `zh-CN`.'),
  region: z.string().max(64).nullish().describe('Where the member lives, e.g. `CN-31`.'),
});

/** What finds a member. */
export const identities = z.array(
  z.object({
    kind: z.string().describe('PHONE, EMAIL, CARD, WECHAT_OPENID, WECHAT_UNIONID or EXTERNAL.'),
    value: z.string().meta({
      description: 'In its normal spelling; a phone number in E.164, e.g. `+8613800138000`.',
      pii: true,
    }),
  }),
);

export const consents = z.array(
  z.object({
    purpose: z.string().describe('What for, e.g. `MARKETING`.'),
    granted: z.boolean().describe('Whether the member agreed.'),
  }),
);

/** A member, as extensions are told about them. */
export const member = z.object({
  id: z.string().describe('The member’s public id.'),
  enrolledAt: moment.nullable().describe('Since when they are a member; null while they are enrolling.'),
  tier: z
    .object({
      code: z.string().nullable().describe('Null without a tier.'),
      rank: z.int().describe('From 1, the lowest; 0 without a tier.'),
    })
    .describe('The tier in the primary ladder.'),
  tags: z.array(z.string()).describe('Codes of the tags that the member has.'),
  birthday: z.iso.date().nullable().meta({ description: '`YYYY-MM-DD`; null when unknown.', pii: true }),
  gender: z
    .string()
    .nullable()
    .meta({ description: 'FEMALE, MALE, OTHER or UNDISCLOSED; null when unknown.', pii: true }),
  locale: z.string().nullable().describe('The member’s language, e.g. `zh-CN`.'),
  region: z.string().nullable().meta({ description: 'Where the member lives, e.g. `CN-31`.', pii: true }),
  source: source.describe('Where the member enrolled.'),
  attributes: json.meta({ description: 'What the tenant keeps with the member.', pii: true }),
});

/** What a member did, as extensions are told about it. */
export const activity = z.object({
  id: z.string().describe('The activity’s public id.'),
  type: z.string().describe('What was done: `purchase`, `sign_in`, `review`…'),
  occurredAt: z.iso.datetime({ offset: true }).describe('When it was done.'),
  amount: money.nullable().describe('What it came to; null where it is about no money.'),
  order: z
    .object({
      number: z.string().describe('The tenant’s own number of the order.'),
      lines: z
        .array(
          z.object({
            sku: z.string().describe('The article.'),
            category: z.string().nullable().describe('The tenant’s own category of the article.'),
            quantity: z.int().describe('How many pieces.'),
            amount: money.describe('What the line came to.'),
          }),
        )
        .describe('What was bought; empty where nobody said.'),
    })
    .nullable()
    .describe('The order behind it; null without one.'),
  source: source.describe('Where it was done.'),
});

/** A balance: a whole number as a string, of either sign. */
export const wholeNumber = z
  .string()
  .regex(/^(0|-?[1-9]\d{0,18})$/)
  .refine((text) => isInRange(BigInt(text)), { error: 'is more than 64 bits hold' });

/** A credit that an extension proposes. `amount` is an integer as a string: JSON's numbers end at 2^53. */
export const posting = z.strictObject({
  asset: code.describe('The code of an asset of the program, e.g. `points`.'),
  amount: z
    .string()
    .regex(/^[1-9]\d{0,18}$/)
    .refine((text) => isInRange(BigInt(text)), { error: 'is more than 64 bits hold' })
    .describe('A whole number above 0, as a string: JSON’s own numbers end at 2^53.'),
  reason: z.string().min(1).max(200).describe('Kept with the operation, and shown as its reason.'),
  availableAt: moment.optional().describe('When it can be spent; as the asset’s policy says when missing.'),
  expiresAt: moment.optional().describe('When it ends; as the asset’s policy says when missing.'),
});

/** What the rules of a program propose to give. */
export const proposed = z.array(
  z.object({
    rule: z.string().describe('The code of the program’s rule.'),
    asset: code.describe('The code of the asset.'),
    amount: z.string().describe('A whole number, as a string.'),
  }),
);

/** At most one posting for an asset. */
export const postings = z.array(posting).max(16);

export const exampleMember: z.infer<typeof member> = {
  id: 'mem_01jdb2zq7fe3psh0m2x1c9v4ta',
  enrolledAt: '2026-03-08T02:30:00.000Z',
  tier: { code: 'gold', rank: 2 },
  tags: ['tea-lover'],
  birthday: '1995-05-20',
  gender: 'FEMALE',
  locale: 'zh-CN',
  region: 'CN-31',
  source: { channel: 'wechat-mini-program', store: 'shanghai-01' },
  attributes: {},
};

export const exampleActivity: z.infer<typeof activity> = {
  id: 'act_01jdb2zq7fe3psh0m2x1c9v4tb',
  type: 'purchase',
  occurredAt: '2026-11-11T04:00:00.000Z',
  amount: { value: '268.00', currency: 'CNY' },
  order: {
    number: 'SO-20261111-0001',
    lines: [
      {
        sku: 'TEA-0042',
        category: 'tea',
        quantity: 2,
        amount: { value: '268.00', currency: 'CNY' },
      },
    ],
  },
  source: { channel: 'pos', store: 'shanghai-01' },
};
