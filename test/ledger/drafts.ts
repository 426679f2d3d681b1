import { type AssetPolicy, PLAIN_POLICY } from '../../src/domain/ledgers/asset.policy.ts';
import type { LedgerState, LotState, ScheduledPosting } from '../../src/domain/ledgers/posting.ts';
import { Refusal, type RefusalReason } from '../../src/kernel/errors.ts';
import { newKey } from '../../src/kernel/ids.ts';

const TENANT = '0190f3c4-0000-7000-8000-000000000001';
const LEDGER = '0190f3c4-0000-7000-8000-000000000002';
const MEMBER = '0190f3c4-0000-7000-8000-000000000003';
const BEGINNING = Date.UTC(2026, 5, 1);
const DAY_MS = 24 * 60 * 60 * 1_000;

/** The n-th day of the tests' own calendar. */
export function day(n: number): Date {
  return new Date(BEGINNING + n * DAY_MS);
}

/** What a test says of a ledger; with a floor of null it may go below zero, and reversals take it there. */
export type GivenLedger = Partial<LedgerState> & { readonly floor?: bigint | null };

/** A policy in which nothing but the floor is told; below zero is for reversals too. */
export function flooredAt(floor: bigint | null): AssetPolicy {
  return { ...PLAIN_POLICY, floor, goesNegative: floor === null || floor < 0n };
}

/** A ledger as it is locked: empty, and never below zero, unless said otherwise. */
export function newLedger({ floor = 0n, ...given }: GivenLedger = {}): LedgerState {
  return {
    tenantKey: TENANT,
    ledgerKey: LEDGER,
    memberKey: MEMBER,
    asset: 'points',
    posted: 0n,
    pending: 0n,
    held: 0n,
    debt: 0n,
    version: 0n,
    recordedAt: null,
    settleAt: null,
    policy: flooredAt(floor),
    ...given,
  };
}

/** An open lot of day 0, available at once and for ever, unless said otherwise. */
export function newLot(remaining: bigint, given: Partial<LotState> = {}): LotState {
  const pending = given.pending ?? false;
  return {
    ledgerKey: LEDGER,
    lotKey: newKey(),
    operationKey: newKey(),
    amount: remaining,
    remaining,
    held: 0n,
    pending,
    availableAt: day(0),
    expiresAt: null,
    createdAt: day(0),
    maturedAt: pending ? null : day(0),
    lost: 0n,
    ...given,
  };
}

/** A ledger that holds these lots. */
export function ledgerOf(lots: readonly LotState[], given: GivenLedger = {}): LedgerState {
  const sum = (of: readonly LotState[], pick: (lot: LotState) => bigint): bigint =>
    of.reduce((total, lot) => total + pick(lot), 0n);
  const remaining = ({ remaining: left }: LotState): bigint => left;
  return newLedger({
    posted: sum(
      lots.filter(({ pending }) => !pending),
      remaining,
    ),
    pending: sum(
      lots.filter(({ pending }) => pending),
      remaining,
    ),
    held: sum(lots, ({ held }) => held),
    version: BigInt(lots.length),
    recordedAt: day(0),
    ...given,
  });
}

/** A posting of day 0, available at once and for ever, unless said otherwise. */
export function newPosting(
  kind: ScheduledPosting['kind'],
  amount: bigint,
  given: Partial<ScheduledPosting> = {},
): ScheduledPosting {
  return {
    operationKey: newKey(),
    kind,
    memberKey: MEMBER,
    asset: 'points',
    amount,
    occurredAt: day(0),
    availableAt: day(0),
    expiresAt: null,
    reason: null,
    reference: null,
    explanation: null,
    activityKey: null,
    ...given,
  };
}

/** The reasons of the refusal that an act meets; none when it meets none. */
export function reasonsOf(act: () => void): readonly RefusalReason[] {
  try {
    act();
    return [];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.reasons;
  }
}

/** The code of the refusal that an act meets; null when it meets none. */
export function refusalOf(act: () => void): string | null {
  return reasonsOf(act)[0]?.code ?? null;
}
