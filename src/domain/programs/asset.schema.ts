import { z } from 'zod';
import { ALIGNMENTS } from '../../kernel/calendar.ts';
import { currencyExponent, fromMinorUnits, toMinorUnits } from '../../kernel/money.ts';
import {
  amount,
  amountBelow,
  code,
  date,
  dayOfYear,
  decimal,
  duration,
  lifetime,
  localized,
} from './definition-parts.schema.ts';

export const ASSET_KINDS = ['POINTS', 'GROWTH', 'STORED_VALUE', 'TOKEN'] as const;
/** Who keeps the record of an asset: our ledgers, or another system of which ours are the mirror. */
export const ASSET_RECORDS = ['INTERNAL', 'EXTERNAL'] as const;
/** What a difference between a mirror and its record comes to. */
export const DIFFERENCE_POLICIES = ['REPORT', 'ADOPT'] as const;
export const SHORTFALLS = ['CAP', 'GO_NEGATIVE'] as const;
/** Of stored value: what members have paid in, and what was given on top. */
export const PORTIONS = ['PAID', 'BONUS'] as const;
export type Portion = (typeof PORTIONS)[number];
export const PAY_BACKS = ['PAID', 'ALL', 'NONE'] as const;

/** When what is earned falls due. */
const maturity = z.strictObject({
  /** A duration after the act; `P1D` is the start of the next local day (T+1). */
  after: duration.optional(),
  /** The start of a local day; what is earned later is available at once. */
  date: date.optional(),
  /** An activity type: sooner, as soon as such an activity names the same order. */
  event: code.optional(),
});

/** When what is earned expires. */
const expiry = z.union(
  [
    lifetime,
    /** At the end of a local day: the only one, or that day of every year, at least `after` later. */
    z.strictObject({ on: z.union([date, dayOfYear]), after: duration.optional() }),
    /** When nothing has happened in the ledger for so long: everything that is left at once. */
    z.strictObject({ inactive: duration, until: z.enum(ALIGNMENTS).default('MOMENT') }),
  ],
  '{ after: P12M }, { on: "03-31" } or { inactive: P12M }',
);

const most = z.strictObject({
  /** In one operation. */
  perOperation: amount.optional(),
  /** By one member on one local day. */
  perDay: amount.optional(),
});

/** How the portions of stored value are spent and paid back. */
const storedValue = z.strictObject({
  /** Which portion is spent first; within it what expires first. */
  spendFirst: z.enum(PORTIONS).default('BONUS'),
  /** What may be paid back to members in money. */
  payBack: z.enum(PAY_BACKS).default('PAID'),
  /** Whether the bonus is lost in the proportion in which the paid portion is paid back. */
  forfeitBonus: z.boolean().default(false),
});

export const asset = z.strictObject({
  code,
  kind: z.enum(ASSET_KINDS),
  /** Who keeps its record; our ledgers, when missing. Fixed once it has entries. */
  recordOf: z.enum(ASSET_RECORDS).optional(),
  /** Of an EXTERNAL one: whether a record that differs is taken over; only reported, when missing. */
  onDifference: z.enum(DIFFERENCE_POLICIES).optional(),
  name: localized,
  /** What one of it is called. */
  unit: localized.optional(),
  /**
   * How many decimal places an amount has when people read it: with 2, an amount of 1234 reads 12.34. None
   * when missing; of stored value those of the currency.
   */
  scale: z.int().min(0).max(6).optional(),
  /** Whether members may spend it. */
  spendable: z.boolean().default(true),
  transferable: z.boolean().default(false),
  /** The least that a balance may come to: zero, an amount below, or NONE. */
  floor: z.union([z.literal('NONE'), amountBelow]).default('0'),
  /** What it is worth: so much of it is so much money of the program's currency. */
  rate: z.strictObject({ amount, money: decimal }).optional(),
  /** When what is earned falls due, unless its rule or request says so; at once, when missing. */
  maturity: maturity.optional(),
  /** When what is earned expires; never, when missing. Of stored value, the bonus alone. */
  expiry: expiry.optional(),
  /** The most that may be earned, and spent, held or given away. Corrections by hand are not bound by it. */
  limits: z.strictObject({ earn: most.optional(), spend: most.optional() }).optional(),
  reversal: z
    .strictObject({
      /** What of an earning that is taken back was spent, and lacks: let go, or taken below zero. */
      shortfall: z.enum(SHORTFALLS).default('CAP'),
      /** For how many local days what goes back to a lot that has expired may be used; gone, when missing. */
      graceDays: z.int().min(1).max(3_660).optional(),
    })
    .optional(),
  /** Of stored value alone; as its defaults say when missing. */
  storedValue: storedValue.optional(),
});

/** What an asset allows a member in a day, as `domain/limits` counts it; null: as much as they like. */
export function dailyLimit(
  { code: own, limits }: Pick<AssetDefinition, 'code' | 'limits'>,
  side: 'earn' | 'spend',
  memberKey: string,
): { subject: string; memberKey: string; window: 'day'; most: bigint } | null {
  const perDay = limits?.[side]?.perDay;
  if (perDay === undefined) return null;
  return { subject: `asset:${own}:${side}:day`, memberKey, window: 'day', most: BigInt(perDay) };
}

/** Whether the record of an asset is kept by another system, and its ledgers are the mirror of that. */
export function isExternal({ recordOf }: Pick<AssetDefinition, 'recordOf'>): boolean {
  return recordOf === 'EXTERNAL';
}

/** How an asset that is stored value is spent and paid back; null for all others. */
export function storedValueOf({ kind, storedValue: own }: AssetDefinition): StoredValueDefinition | null {
  if (kind !== 'STORED_VALUE') return null;
  return own ?? { spendFirst: 'BONUS', payBack: 'PAID', forfeitBonus: false };
}

/** How many decimal places an amount has when people read it. */
export function scaleOf({ kind, scale = 0 }: AssetDefinition, currency: string): number {
  return kind === 'STORED_VALUE' ? currencyExponent(currency) : scale;
}

/** What an asset is worth; stored value is the money itself, in minor units. */
export function rateOf({ kind, rate }: AssetDefinition, currency: string): AssetDefinition['rate'] {
  if (kind !== 'STORED_VALUE') return rate;
  return { amount: String(10n ** BigInt(currencyExponent(currency))), money: '1' };
}

/** What an amount is worth at a rate; parts of the currency's minor unit are left out. */
export function moneyOf(
  rate: NonNullable<AssetDefinition['rate']>,
  worth: bigint,
  currency: string,
): { value: string; currency: string } {
  const minor = (worth * (toMinorUnits(rate.money, currency) ?? 0n)) / BigInt(rate.amount);
  return { value: fromMinorUnits(minor, currency), currency };
}

/** An asset as an older release stored it. */
export function assetFromStored(stored: unknown): unknown {
  const { mayGoNegative, ...rest } = stored as Record<string, unknown>;
  if (mayGoNegative === undefined) return stored;
  return mayGoNegative === true ? { ...rest, floor: 'NONE', reversal: { shortfall: 'GO_NEGATIVE' } } : rest;
}

export type AssetDefinition = z.infer<typeof asset>;
export type StoredValueDefinition = z.infer<typeof storedValue>;
export type ExpiryDefinition = z.infer<typeof expiry>;
