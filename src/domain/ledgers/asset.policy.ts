import {
  endOfDay,
  endOfDayOfYear,
  expiresAt,
  maturesAt,
  parseDuration,
  startOfDay,
} from '../../kernel/calendar.ts';
import {
  type AssetDefinition,
  type ExpiryDefinition,
  isExternal,
  type PinnedProgram,
  type ProgramDefinition,
  type StoredValueDefinition,
  storedValueOf,
} from '../programs/index.ts';

/** What an asset's part of the program asks of its ledgers. */
export interface AssetPolicy {
  /** The least that a balance may come to; null: nothing bounds it. */
  readonly floor: bigint | null;
  /** Whether what lacks of an earning that is taken back is taken below zero. */
  readonly goesNegative: boolean;
  /** The most that one operation may earn, and spend; null: nothing bounds it. */
  readonly mostEarned: bigint | null;
  readonly mostSpent: bigint | null;
  /** For how many local days what goes back to a lot that has expired may be used; null: it is gone. */
  readonly graceDays: number | null;
  /** How long a ledger may lie idle before what is in it expires; null: idleness costs nothing. */
  readonly idleness: Extract<ExpiryDefinition, { inactive: string }> | null;
  /** How its portions are spent and paid back; null where it is no stored value. */
  readonly storedValue: StoredValueDefinition | null;
  readonly timeZone: string;
}

/** What holds where the program says nothing. */
export const PLAIN_POLICY: AssetPolicy = {
  floor: 0n,
  goesNegative: false,
  mostEarned: null,
  mostSpent: null,
  graceDays: null,
  idleness: null,
  storedValue: null,
  timeZone: 'UTC',
};

const policies = new WeakMap<ProgramDefinition, Map<string, AssetPolicy>>();

/** The policy of an asset in a version of the program; worked out once. */
export function policyOf({ definition, assets }: PinnedProgram, asset: string): AssetPolicy {
  const known = policies.get(definition) ?? new Map<string, AssetPolicy>();
  policies.set(definition, known);
  const own = known.get(asset);
  if (own !== undefined) return own;
  const found = assets.get(asset);
  const policy = found === undefined ? PLAIN_POLICY : toPolicy(found, definition.timeZone);
  known.set(asset, policy);
  return policy;
}

function toPolicy(asset: AssetDefinition, timeZone: string): AssetPolicy {
  const { floor, limits, reversal, expiry } = asset;
  return {
    // A mirror follows its record wherever that goes; spending never goes below zero.
    floor: floor === 'NONE' || isExternal(asset) ? null : BigInt(floor),
    goesNegative: reversal?.shortfall === 'GO_NEGATIVE',
    mostEarned: amountOf(limits?.earn?.perOperation),
    mostSpent: amountOf(limits?.spend?.perOperation),
    graceDays: reversal?.graceDays ?? null,
    idleness: expiry !== undefined && 'inactive' in expiry ? expiry : null,
    storedValue: storedValueOf(asset),
    timeZone,
  };
}

function amountOf(text: string | undefined): bigint | null {
  return text === undefined ? null : BigInt(text);
}

/** When what goes back now to a lot that has expired is lost for good; null: at once. */
export function graceEnd({ graceDays, timeZone }: AssetPolicy, now: Date): Date | null {
  const after = graceDays === null ? null : parseDuration(`P${graceDays}D`);
  return after === null ? null : expiresAt(now, after, 'END_OF_DAY', timeZone);
}

/** When what is in a ledger expires if nothing happens after a moment; null: idleness costs nothing. */
export function idleEnd({ idleness, timeZone }: AssetPolicy, at: Date): Date | null {
  return idleness === null ? null : expiryOf({ expiry: idleness }, at, timeZone);
}

/** When what is earned falls due, where neither its rule nor its request says so; null: at once. */
export function maturityOf(
  { maturity }: Pick<AssetDefinition, 'maturity'>,
  occurredAt: Date,
  zone: string,
): Date | null {
  if (maturity?.date !== undefined) return startOfDay(maturity.date, zone);
  const after = parseDuration(maturity?.after ?? '');
  return after === null ? null : maturesAt(occurredAt, after, zone);
}

/** When what was earned at a moment expires, as its asset says; null: never. */
export function expiryOf(
  { expiry }: Pick<AssetDefinition, 'expiry'>,
  occurredAt: Date,
  zone: string,
): Date | null {
  if (expiry === undefined) return null;
  const after = parseDuration(('inactive' in expiry ? expiry.inactive : expiry.after) ?? '');
  if ('on' in expiry) {
    return expiry.on.length === 'MM-DD'.length
      ? endOfDayOfYear(occurredAt, after, expiry.on, zone)
      : endOfDay(expiry.on, zone);
  }
  return after === null ? null : expiresAt(occurredAt, after, expiry.until, zone);
}
