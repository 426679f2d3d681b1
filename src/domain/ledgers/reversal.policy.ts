import { refuse } from '../../kernel/errors.ts';
import { OperationKind } from './ledger.enums.types.ts';
import type { LotState, ScheduledPosting } from './posting.ts';

/** What an operation took from a lot; `place` tells what it took before. */
export interface TakenPart {
  readonly lot: LotState;
  readonly amount: bigint;
  readonly place: number;
}

/** What is known of an operation that is undone, in one of its ledgers. */
export interface ReversalOrigin {
  readonly operationKey: string;
  readonly ledgerKey: string;
  /** How much it was, and how much of it is undone already; both above zero. */
  readonly original: bigint;
  readonly reversed: bigint;
  readonly isSpend: boolean;
  /** A credit: what of the lots that it made has expired. */
  readonly expired: bigint;
  /** A credit of a member who was merged: the lots that it made in their ledger. */
  readonly roots?: readonly string[];
  /** A spend: what it took from which lots, whatever is left of them. */
  readonly taken: readonly TakenPart[];
}

export interface RestorePlan {
  /** What goes back to which lots; what is over is lost at once. */
  readonly lots: readonly { readonly lot: LotState; readonly amount: bigint; readonly isOver: boolean }[];
  /** What was taken beyond the lots. */
  readonly owed: bigint;
}

/** The kinds that can be undone by hand. */
const REVERSIBLE: ReadonlySet<OperationKind> = new Set([
  OperationKind.EARN,
  OperationKind.REDEEM,
  OperationKind.CAPTURE,
  OperationKind.ADJUST,
  OperationKind.TRANSFER,
]);

export function isReversible(kind: OperationKind): boolean {
  return REVERSIBLE.has(kind);
}

/**
 * How much a reversal undoes: what was asked for, or the rest. A refund's takes no more than the rest; what is
 * asked for by hand is refused.
 * @throws Refusal REVERSAL_EXCEEDS_ORIGINAL
 */
export function reversedBy(origin: ReversalOrigin, posting: ScheduledPosting): bigint {
  const rest = origin.original - origin.reversed;
  const wanted = posting.whole === true ? rest : posting.amount;
  if (posting.reversedKind === undefined) return wanted < rest ? wanted : rest;
  if (wanted > rest || wanted === 0n) {
    throw refuse('REVERSAL_EXCEEDS_ORIGINAL', [posting.whole === true ? 'operationId' : 'amount'], {
      rest: String(rest),
    });
  }
  return wanted;
}

/**
 * Works out where the points of a spend go back to: what was taken last comes back first, after what earlier
 * reversals gave back. Beyond the lots was taken last of all.
 */
export function planRestore(origin: ReversalOrigin, amount: bigint, now: Date): RestorePlan {
  const fromLots = origin.taken.reduce((sum, one) => sum + one.amount, 0n);
  let skipped = origin.reversed;
  let missing = amount;
  const part = (taken: bigint): bigint => {
    const before = skipped < taken ? skipped : taken;
    skipped -= before;
    const given = missing < taken - before ? missing : taken - before;
    missing -= given;
    return given;
  };
  const owed = part(origin.original - fromLots);
  const lots = origin.taken
    .toSorted((a, b) => b.place - a.place)
    .map(({ lot, amount: taken }) => ({
      lot,
      amount: part(taken),
      isOver: lot.expiresAt !== null && lot.expiresAt <= now,
    }))
    .filter((one) => one.amount > 0n);
  return { lots, owed };
}
