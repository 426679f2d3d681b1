import { z } from 'zod';
import { isTimeZone } from '../../kernel/calendar.ts';
import { asset, assetFromStored } from './asset.schema.ts';
import { amount, code, decimal, duration, lifetime, localized } from './definition-parts.schema.ts';

export const BENEFIT_KINDS = [
  'PERCENT_OFF',
  'AMOUNT_OFF',
  'FREE_SHIPPING',
  'GIFT',
  'MULTIPLIER',
  'ACCESS',
] as const;
export const BENEFIT_LEVELS = ['BASIC', 'ADVANCED', 'TOP'] as const;
export const TIER_WINDOWS = ['LIFETIME', 'CALENDAR_YEAR', 'ENROLMENT_YEAR', 'ROLLING_DAYS'] as const;
/** Spans of the tenant's calendar in which a limit counts; a week begins on Monday. */
export const LIMIT_WINDOWS = ['day', 'week', 'month', 'year', 'lifetime'] as const;
export const ROUNDINGS = ['DOWN', 'HALF_UP', 'UP'] as const;

const currency = z
  .string()
  .refine(
    (value) => Intl.supportedValuesOf('currency').includes(value),
    'a currency of ISO 4217, e.g. "CNY"',
  );
const expression = z.string().min(1).max(2_000);
const count = z.int().min(1).max(1_000_000_000);

const ruleAmount = z.union(
  [
    amount,
    /** `gives` for each `each` of the activity's amount; parts of it count as the rule's rounding says. */
    z.strictObject({ each: decimal, gives: amount }),
    /** A CEL expression of type int. */
    z.strictObject({ expression }),
  ],
  'a whole amount above zero, { each: "100.00", gives: 10 } or { expression: … }',
);

const posting = z.strictObject({
  asset: code,
  amount: ruleAmount,
  /** When it becomes available: `P1D` is the start of the next local day (T+1); as the asset says, when missing. */
  availableAfter: duration.optional(),
  /** An activity type: sooner, as soon as such an activity names the same order. */
  availableOn: code.optional(),
});

const cap = z.strictObject({
  asset: code,
  /** Whose share is capped: each member's, or that of the whole program (a budget). */
  per: z.enum(['member', 'program']),
  window: z.enum(LIMIT_WINDOWS),
  most: amount,
});

const rule = z.strictObject({
  code,
  name: localized,
  /** The activity type that the rule answers: `enrolment`, `purchase`, or any other code. */
  trigger: code,
  /** A CEL expression of type bool; the rule gives nothing where it is false. */
  when: expression.optional(),
  /** Lower ones are asked first; equal ones in the order of the file. */
  order: z.int().min(-10_000).max(10_000).default(0),
  /** Of the rules of one group that would give something, only the first does. */
  exclusive: code.optional(),
  /** At most once for a member in each window. */
  once: z.strictObject({ per: z.enum(['member']), window: z.enum(LIMIT_WINDOWS) }).optional(),
  caps: z.array(cap).max(8).default([]),
  /** How fractions of a unit count, in `each` and in `mulDiv`. */
  rounding: z.enum(ROUNDINGS).default('DOWN'),
  postings: z.array(posting).max(16).default([]),
  tags: z
    .strictObject({ add: z.array(code).max(16).default([]), remove: z.array(code).max(16).default([]) })
    .optional(),
  /** Codes of benefits that the member is granted. */
  grants: z.array(code).max(16).default([]),
});

const tier = z.strictObject({
  code,
  name: localized,
  /** How much of the ladder's metric it asks: whole, or of money in the major unit. */
  threshold: decimal,
  /** A hidden tier is never shown as the next one. */
  hidden: z.boolean().default(false),
  /** Codes of benefits that are granted while it is held. */
  benefits: z.array(code).max(64).default([]),
});

const retention = z.strictObject({
  /** The share of a tier's threshold that keeps it. */
  percent: z.int().min(1).max(100).default(100),
  /** How many months in a row below that share, before the member is warned. */
  monthsBelow: z.int().min(0).max(60).default(0),
  /** How many months after that, before a step down. */
  graceMonths: z.int().min(0).max(60).default(0),
});

const ladder = z.strictObject({
  code,
  name: localized,
  /** What is counted: an asset's code, `spend`, `orders`, `activities:<type>` or `tags:<code>,<code>…`. */
  metric: z.string().min(1).max(200),
  window: z.enum(TIER_WINDOWS).default('LIFETIME'),
  /** How many local days a rolling window has, today included. */
  windowDays: z.int().min(1).max(3_660).optional(),
  /** Who says which tier a member holds: the program by itself, or extensions (`tier.evaluate`). */
  evaluation: z.enum(['PROGRAM', 'EXTENSION']).optional(),
  /** What keeps a tier; without it, a review lowers whoever no longer reaches the threshold. */
  retention: retention.optional(),
  tiers: z.array(tier).min(1).max(32),
});

const benefit = z.strictObject({
  code,
  name: localized,
  kind: z.enum(BENEFIT_KINDS),
  level: z.enum(BENEFIT_LEVELS).default('BASIC'),
  /** What the till applies: percent, an amount of money, a factor, an article, a door. */
  value: z.string().min(1).max(200).optional(),
  /** How long a grant is valid, from its beginning; for ever, when missing. */
  validity: lifetime.optional(),
  /** How often it can be used: each grant, a member on one local day, all members together. */
  uses: z
    .strictObject({ perGrant: count.optional(), perDay: count.optional(), total: count.optional() })
    .optional(),
  /** How often it is granted by rule or hand: to one member, on one local day, in all. */
  limits: z
    .strictObject({ perMember: count.optional(), perDay: count.optional(), total: count.optional() })
    .optional(),
  /** How many pieces there are; an unused grant that is revoked gives its piece back. */
  stock: z.int().min(0).max(1_000_000_000).optional(),
});

const tag = z.strictObject({ code, name: localized });

/** A tenant's whole loyalty definition, part by part; `findFaults` tells what is wrong between the parts. */
export const definitionSchema = z.strictObject({
  name: localized,
  timeZone: z.string().refine(isTimeZone, 'an IANA time zone, e.g. "Asia/Shanghai"'),
  currency,
  /** How far back an activity may lie. */
  backdating: duration.default('P90D'),
  assets: z.array(asset).min(1).max(32),
  /** The first one is the primary one: `Member.tier` is of it. */
  ladders: z.array(ladder).max(8).default([]),
  benefits: z.array(benefit).max(256).default([]),
  tags: z.array(tag).max(1_000).default([]),
  rules: z.array(rule).max(512).default([]),
});

/** A version that was stored by an older release, with what has come to the definition since. */
export function fromStored(stored: unknown): ProgramDefinition {
  const { ladder: single, assets, ...rest } = stored as Record<string, unknown>;
  const now = { ...rest, assets: Array.isArray(assets) ? assets.map(assetFromStored) : assets };
  return definitionSchema.parse(single === undefined ? now : { ...now, ladders: [single] });
}

export type ProgramDefinition = z.infer<typeof definitionSchema>;
export type RuleDefinition = ProgramDefinition['rules'][number];
export type LadderDefinition = ProgramDefinition['ladders'][number];
export type TierDefinition = LadderDefinition['tiers'][number];
export type BenefitDefinition = ProgramDefinition['benefits'][number];
export type LimitWindow = (typeof LIMIT_WINDOWS)[number];
