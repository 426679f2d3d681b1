import { z } from 'zod';

/** Methods of Youzan Cloud's SCRM extension points that are asked here; a query may be asked at any time. */
export const METHODS = [
  'CreateCustomerExtPoint.execute',
  'CreateMemberExtPoint.execute',
  'IncreasePointsExtPoint.invoke',
  'DecreasePointsExtPoint.invoke',
  'ConsumePointsExtPoint.invoke',
  'FreezePointsExtPoint.invoke',
  'UnfreezePointsExtPoint.invoke',
  'RevertPointsExPoint.invoke',
  'ExpiredPointsExtPoint.invoke',
  'IncreaseGrowthExtPoint.invoke',
  'DecreaseGrowthExtPoint.invoke',
  'GetCustomerExtPoint.execute',
  'GetCustomerPointsExtPoint.invoke',
  'GetCustomerPointsLogExtPoint.invoke',
  'GetCustomerGrowthExtPoint.invoke',
  'BenefitPluginExtPoint.getCoreBenefit',
] as const;

export type Method = (typeof METHODS)[number];

/** Codes of the platform: what points are about, and how it came to it. */
export const EVENT = { activity: 100, trade: 101 };
export const OPERATION = { purchase: 101, sign_in: 102, byHand: 301 };
const CONSUME_TYPES = [100, 102] as const;

export const ACCOUNT_TYPES = ['WxOpenId', 'WxUnionId', 'Mobile', 'YouZanAccount'] as const;

/** How the platform names somebody. */
export const account = z.object({
  accountId: z.string().min(1).max(256),
  accountType: z.enum(ACCOUNT_TYPES),
});

export type Account = z.infer<typeof account>;

const code = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/);
/** The platform doesn't publish what a line of a log consists of. */
const logFields = z.strictObject({
  reference: z.string().min(1),
  amount: z.string().min(1),
  occurredAt: z.string().min(1),
  reason: z.string().min(1).nullable().default(null),
});

export type LogFields = z.infer<typeof logFields>;

const kdtId = z.int().min(1);

/** What is configured, for a tenant or for all. Without paths, nobody is asked anything. */
export const configuration = z
  .strictObject({
    baseUrl: z
      .url({ protocol: /^https?$/ })
      .nullable()
      .default(null)
      .describe('Where the endpoints are, e.g. "https://scrm.example.com/ext".'),
    paths: z
      .partialRecord(z.enum(METHODS), z.string().regex(/^\/[\w./~-]{0,255}$/))
      .default({})
      .describe('The path of each method that is asked, after the base; others are not asked.'),
    kdtId: kdtId.nullable().default(null).describe('The shop’s id at Youzan, as the endpoints know it.'),
    stores: z
      .record(z.string().min(1).max(100), kdtId)
      .default({})
      .describe('The ids of branches by our codes of stores; the shop’s own for those that are missing.'),
    accounts: z
      .array(z.enum(ACCOUNT_TYPES))
      .min(1)
      .default(['YouZanAccount', 'WxOpenId', 'WxUnionId', 'Mobile'])
      .describe('What names a new member; of several identities, the first one of this order.'),
    externalIsYzOpenId: z
      .boolean()
      .default(false)
      .describe('Whether identities of the kind EXTERNAL are open ids of Youzan.'),
    attribute: z
      .string()
      .regex(/^[A-Za-z][\w-]{0,63}$/)
      .default('youzanAccount')
      .describe('The member’s attribute that keeps what names them: { accountId, accountType }.'),
    headers: z
      .record(z.string().regex(/^(authorization|x-[a-z0-9-]{1,60})$/), z.string().max(4_096))
      .default({})
      .describe('Sent with each request, e.g. { "authorization": "Bearer …" }.'),
    signing: z
      .strictObject({
        secret: z.string().min(16).max(256),
        header: z.string().regex(/^x-[a-z0-9-]{1,60}$/),
      })
      .nullable()
      .default(null)
      .describe('Signs each body: HMAC-SHA256 in hexadecimal, in this header.'),
    failureCodes: z
      .array(z.string().min(1).max(100))
      .default([])
      .describe('Codes of "success": false that mean that the endpoint failed, and not that it refuses.'),
    benefits: z
      .array(code)
      .default([])
      .describe('Codes of the benefits that getCoreBenefit decides; empty = all of the kind FREE_SHIPPING.'),
    asset: code
      .default('points')
      .describe('The asset that the points’ methods hear of before something happens, as gates.'),
    records: z
      .strictObject({ points: code.nullable().default(null), growth: code.nullable().default(null) })
      .prefault({})
      .describe('The assets that the endpoints keep (`recordOf: EXTERNAL`): no gate is asked about them.'),
    logFields: logFields
      .nullable()
      .default(null)
      .describe('What the endpoint calls the fields of its log’s lines; `amount` has its sign.'),
    moments: z
      .enum(['SECONDS', 'MILLISECONDS'])
      .default('MILLISECONDS')
      .describe('What moments are told in, since 1970.'),
    consumeTypes: z
      .record(z.string().min(1).max(64), z.literal(CONSUME_TYPES))
      .default({})
      .describe('The `consumeType` by what a spend refers to, e.g. { "order": 102 }; else none is sent.'),
  })
  .refine(({ paths, baseUrl }) => Object.keys(paths).length === 0 || baseUrl !== null, {
    path: ['baseUrl'],
    error: 'is needed where a method has a path',
  })
  .refine(({ paths, kdtId: shop }) => Object.keys(paths).length === 0 || shop !== null, {
    path: ['kdtId'],
    error: 'is needed where a method has a path',
  })
  .refine(
    ({ paths, logFields: fields }) => !paths['GetCustomerPointsLogExtPoint.invoke'] || fields !== null,
    {
      path: ['logFields'],
      error: 'is needed where the log has a path',
    },
  );

export type Settings = z.infer<typeof configuration>;

/** The id of the branch, or of the shop where nobody said which. */
export function branchOf({ stores, kdtId: shop }: Settings, store: string | null): number | null {
  return store !== null && Object.hasOwn(stores, store) ? (stores[store] ?? shop) : shop;
}

/**
 * An amount as the platform writes it, as a number of JSON.
 * @throws when it is larger than JSON's numbers hold exactly
 */
export function toAmount(amount: bigint): number {
  if (!Number.isSafeInteger(Number(amount)))
    throw new Error('The endpoint can’t be told so large an amount.');
  return Number(amount);
}
