import { z } from 'zod';
import { ALIGNMENTS } from '../../kernel/calendar.ts';
import { fromMinorUnits, toMinorUnits } from '../../kernel/money.ts';
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
export const SHORTFALLS = ['CAP', 'GO_NEGATIVE'] as const;

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

export const asset = z.strictObject({
  code,
  kind: z.enum(ASSET_KINDS),
  name: localized,
  /** What one of it is called. */
  unit: localized.optional(),
  /** How many decimal places an amount has when people read it: with 2, an amount of 1234 reads 12.34. */
  scale: z.int().min(0).max(6).default(0),
  /** Whether members may spend it. */
  spendable: z.boolean().default(true),
  transferable: z.boolean().default(false),
  /** The least that a balance may come to: zero, an amount below, or NONE. */
  floor: z.union([z.literal('NONE'), amountBelow]).default('0'),
  /** What it is worth: so much of it is so much money of the program's currency. */
  rate: z.strictObject({ amount, money: decimal }).optional(),
  /** When what is earned falls due, unless its rule or request says so; at once, when missing. */
  maturity: maturity.optional(),
  /** When what is earned expires; never, when missing. */
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
export type ExpiryDefinition = z.infer<typeof expiry>;
