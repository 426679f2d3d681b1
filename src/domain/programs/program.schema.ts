import { z } from 'zod';
import { ALIGNMENTS, isTimeZone, parseDuration } from '../../kernel/calendar.ts';
import { isDecimal, toMinorUnits } from '../../kernel/money.ts';
import { parsePoints } from '../../kernel/points.ts';

export const ASSET_KINDS = ['POINTS', 'GROWTH', 'STORED_VALUE', 'TOKEN'] as const;
export const BENEFIT_KINDS = [
  'PERCENT_OFF',
  'AMOUNT_OFF',
  'FREE_SHIPPING',
  'GIFT',
  'MULTIPLIER',
  'ACCESS',
] as const;
export const BENEFIT_LEVELS = ['BASIC', 'ADVANCED', 'TOP'] as const;
export const TIER_WINDOWS = ['LIFETIME'] as const;

const code = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'a code: lower-case letters, digits, "-" and "_"');
const text = z.string().min(1).max(200);
const localized = z
  .strictObject({ en: text.optional(), 'zh-CN': text.optional() })
  .refine(
    (names) => names.en !== undefined || names['zh-CN'] !== undefined,
    'a name in "en", "zh-CN" or both',
  );
const duration = z
  .string()
  .refine((value) => parseDuration(value) !== null, 'an ISO 8601 duration, e.g. "P12M"');
const decimal = z.string().refine(isDecimal, 'a decimal as a string, e.g. "100.00"');
const currency = z
  .string()
  .refine(
    (value) => Intl.supportedValuesOf('currency').includes(value),
    'a currency of ISO 4217, e.g. "CNY"',
  );

/** A whole, positive amount: a YAML integer, or a string of digits when it is larger than 2^53. */
const amount = z
  .union([z.int(), z.string()])
  .transform((value) => String(value))
  .refine((value) => (parsePoints(value) ?? 0n) > 0n, 'a whole amount above zero');

const asset = z.strictObject({
  code,
  kind: z.enum(ASSET_KINDS),
  name: localized,
  /** Whether members may spend it. */
  spendable: z.boolean().default(true),
  transferable: z.boolean().default(false),
  /** Whether a balance may fall below zero, e.g. when earned points are taken back after they were spent. */
  mayGoNegative: z.boolean().default(false),
  /** When what is earned expires; never, when missing. */
  expiry: z.strictObject({ after: duration, until: z.enum(ALIGNMENTS).default('MOMENT') }).optional(),
});

const ruleAmount = z.union([
  amount,
  /** `gives` for each full `each` of the activity's amount. */
  z.strictObject({ each: decimal, gives: amount }),
]);

const posting = z.strictObject({
  asset: code,
  amount: ruleAmount,
  /** When it becomes available: `P1D` is the start of the next local day (T+1); at once, when missing. */
  availableAfter: duration.optional(),
});

const rule = z.strictObject({
  code,
  name: localized,
  /** The activity type that the rule answers: `enrolment`, `purchase`, or any other code. */
  trigger: code,
  postings: z.array(posting).min(1).max(16),
});

const tier = z.strictObject({ code, name: localized, threshold: decimal });

const ladder = z.strictObject({
  code,
  name: localized,
  /** What is counted: the asset whose balance qualifies, usually growth. */
  metric: code,
  window: z.enum(TIER_WINDOWS).default('LIFETIME'),
  tiers: z.array(tier).min(1).max(32),
});

const benefit = z.strictObject({
  code,
  name: localized,
  kind: z.enum(BENEFIT_KINDS),
  level: z.enum(BENEFIT_LEVELS).default('BASIC'),
});

const tag = z.strictObject({ code, name: localized });

const base = z.strictObject({
  name: localized,
  timeZone: z.string().refine(isTimeZone, 'an IANA time zone, e.g. "Asia/Shanghai"'),
  currency,
  /** How far back an activity may lie. */
  backdating: duration.default('P90D'),
  assets: z.array(asset).min(1).max(32),
  ladder: ladder.optional(),
  benefits: z.array(benefit).max(256).default([]),
  tags: z.array(tag).max(1_000).default([]),
  rules: z.array(rule).max(512).default([]),
});

type Draft = z.infer<typeof base>;

interface Finding {
  readonly path: (string | number)[];
  readonly message: string;
}

function repeatedCodes(list: readonly { code: string }[], path: string): Finding[] {
  const seen = new Set<string>();
  const findings: Finding[] = [];
  list.forEach(({ code: own }, index) => {
    if (seen.has(own))
      findings.push({ path: [path, index, 'code'], message: `the code "${own}" is there already` });
    seen.add(own);
  });
  return findings;
}

function unknownAssets(program: Draft): Finding[] {
  const assets = new Set(program.assets.map((one) => one.code));
  const unknown = (own: string, path: (string | number)[]): Finding[] =>
    assets.has(own) ? [] : [{ path, message: `no asset of this program is called "${own}"` }];
  const inRules = program.rules.flatMap((one, r) =>
    one.postings.flatMap((each, p) => unknown(each.asset, ['rules', r, 'postings', p, 'asset'])),
  );
  const ofLadder = program.ladder === undefined ? [] : unknown(program.ladder.metric, ['ladder', 'metric']);
  return [...inRules, ...ofLadder];
}

function unusableAmounts(program: Draft): Finding[] {
  return program.rules.flatMap((one, r) =>
    one.postings.flatMap((each, p) => {
      if (typeof each.amount === 'string') return [];
      const minor = toMinorUnits(each.amount.each, program.currency);
      if (minor !== null && minor > 0n) return [];
      const path = ['rules', r, 'postings', p, 'amount', 'each'];
      return [{ path, message: `an amount of ${program.currency} above zero, no finer than its minor unit` }];
    }),
  );
}

function unorderedTiers({ ladder: own }: Draft): Finding[] {
  if (own === undefined) return [];
  return own.tiers.flatMap((one, index) => {
    const before = own.tiers[index - 1];
    const isWhole = /^\d+$/.test(one.threshold);
    if (!isWhole)
      return [{ path: ['ladder', 'tiers', index, 'threshold'], message: 'a whole number, as a string' }];
    if (before === undefined || !/^\d+$/.test(before.threshold)) return [];
    if (BigInt(before.threshold) < BigInt(one.threshold)) return [];
    return [{ path: ['ladder', 'tiers', index, 'threshold'], message: 'more than the tier before asks' }];
  });
}

/** A tenant's whole loyalty definition, as a program file says it. */
export const programSchema = base.superRefine((program, context) => {
  const findings = [
    ...repeatedCodes(program.assets, 'assets'),
    ...repeatedCodes(program.benefits, 'benefits'),
    ...repeatedCodes(program.tags, 'tags'),
    ...repeatedCodes(program.rules, 'rules'),
    ...repeatedCodes(program.ladder?.tiers ?? [], 'ladder.tiers'),
    ...unknownAssets(program),
    ...unusableAmounts(program),
    ...unorderedTiers(program),
  ];
  for (const { path, message } of findings) context.addIssue({ code: 'custom', path, message });
});

export type ProgramDefinition = z.infer<typeof programSchema>;
export type AssetDefinition = ProgramDefinition['assets'][number];
export type RuleDefinition = ProgramDefinition['rules'][number];
export type LadderDefinition = NonNullable<ProgramDefinition['ladder']>;
