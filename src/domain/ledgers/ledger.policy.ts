import { refuse } from '../../kernel/errors.ts';
import { newKey } from '../../kernel/ids.ts';
import { isInRange } from '../../kernel/points.ts';
import type { Entry } from './entry.entity.ts';
import { EntryStatus, OperationKind } from './ledger.enums.types.ts';
import type { StoredExplanation } from './operation.entity.ts';
import type { LedgerState, LotState, Posting, ScheduledPosting } from './posting.ts';

/** An operation as it will be written, with the entries that it makes. */
export interface DraftOperation {
  readonly operationKey: string;
  readonly kind: OperationKind;
  readonly posting: ScheduledPosting | null;
  /** Their feed positions are known once they are committed. */
  readonly entries: Entry[];
}

export interface DraftAllocation {
  readonly operationKey: string;
  readonly ledgerKey: string;
  readonly lotKey: string;
  readonly amount: bigint;
  /** The lot, as the draft leaves it. */
  readonly lot: LotState;
}

/** Why an operation was made, with the amount that it came to. */
export function explanationOf({ posting, entries }: DraftOperation): StoredExplanation | null {
  const taken = entries.reduce((sum, { amount }) => sum - amount, 0n);
  return posting?.explain?.(taken) ?? posting?.explanation ?? null;
}

interface Deltas {
  readonly amount: bigint;
  readonly posted: bigint;
  readonly pending: bigint;
}

/** What is known of an earning operation that is taken back: the lot that it made, and what of it expired. */
export interface ReversalOrigin {
  readonly operationKey: string;
  readonly ledgerKey: string;
  readonly lotKey: string;
  readonly expired: bigint;
}

/** Lots are spent in this order: what expires first, then the oldest. */
export function compareLots(a: LotState, b: LotState): number {
  const expiry =
    (a.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY) -
    (b.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY);
  if (expiry < 0 || expiry > 0) return expiry;
  return a.lotKey < b.lotKey ? -1 : 1;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/**
 * True when an act on the ledger must see its lots: to spend them, or because time has done something to
 * them.
 */
export function needsLots(ledger: LedgerState, postings: readonly Posting[], now: Date): boolean {
  const spends = postings.some(({ kind, amount }) => kind === 'REDEEM' || kind === 'REVERSE' || amount < 0n);
  return spends || (ledger.settleAt !== null && ledger.settleAt <= now);
}

/**
 * What a set of postings does to one locked ledger, worked out without any I/O. First time is settled (lots
 * due and lots expired become operations), then the postings are applied in order.
 */
export class LedgerDraft {
  readonly state: LedgerState;
  readonly operations: DraftOperation[] = [];
  readonly newLots: LotState[] = [];
  readonly changedLots = new Set<LotState>();
  readonly allocations: DraftAllocation[] = [];
  readonly #lots: LotState[];
  readonly #hasLots: boolean;
  readonly #now: Date;
  readonly #recordedAt: Date;
  readonly #origins: readonly ReversalOrigin[];
  /** What this draft itself lets expire, by lot. */
  readonly #expired = new Map<string, bigint>();

  /**
   * @param lots its open lots, in spending order; null when `needsLots` said no
   * @param origins of what will be taken back
   */
  constructor(
    state: LedgerState,
    lots: readonly LotState[] | null,
    now: Date,
    origins: readonly ReversalOrigin[] = [],
  ) {
    this.state = state;
    this.#origins = origins;
    this.#lots = [...(lots ?? [])];
    this.#hasLots = lots !== null;
    this.#now = now;
    // A transaction that began earlier may get the lock later: what is recorded never goes back in time.
    this.#recordedAt = state.recordedAt !== null && state.recordedAt > now ? state.recordedAt : now;
  }

  get recordedAt(): Date {
    return this.#recordedAt;
  }

  /** Makes operations of what time has done: MATURE what is due, then EXPIRE what is over and not held. */
  settle(): void {
    const due = this.#lots.filter((lot) => lot.pending && lot.availableAt <= this.#now);
    if (due.length > 0) this.#mature(due);
    const over = this.#lots.filter(
      (lot) =>
        !lot.pending && lot.expiresAt !== null && lot.expiresAt <= this.#now && lot.remaining > lot.held,
    );
    if (over.length > 0) this.#expire(over);
    if (this.#hasLots) this.state.settleAt = this.#earliestSettlement();
  }

  /**
   * Applies one posting.
   * @throws Refusal AMOUNT_NOT_POSITIVE, AMOUNT_ZERO, INSUFFICIENT_BALANCE, BALANCE_OUT_OF_RANGE,
   *   EXPIRY_NOT_AFTER_AVAILABILITY
   */
  apply(posting: ScheduledPosting): void {
    const operation = this.#operation(posting.operationKey, OperationKind[posting.kind], posting);
    if (posting.kind === 'ADJUST' && posting.amount === 0n) throw refuse('AMOUNT_ZERO', ['amount']);
    if (posting.kind !== 'ADJUST' && posting.amount <= 0n) throw refuse('AMOUNT_NOT_POSITIVE', ['amount']);
    if (posting.kind === 'REDEEM') this.#spend(operation, posting, posting.amount);
    else if (posting.kind === 'REVERSE') this.#reverse(operation, posting);
    else if (posting.amount < 0n) this.#spend(operation, posting, -posting.amount);
    else this.#earn(operation, posting);
  }

  #earn(operation: DraftOperation, posting: ScheduledPosting): void {
    const { availableAt, expiresAt } = posting;
    if (expiresAt !== null && expiresAt <= availableAt)
      throw refuse('EXPIRY_NOT_AFTER_AVAILABILITY', ['expiresAt']);
    const pending = availableAt > this.#now;
    const lot: LotState = {
      ledgerKey: this.state.ledgerKey,
      lotKey: newKey(),
      operationKey: operation.operationKey,
      amount: posting.amount,
      remaining: posting.amount,
      held: 0n,
      pending,
      availableAt,
      expiresAt,
      createdAt: this.#recordedAt,
      maturedAt: pending ? null : this.#recordedAt,
    };
    const { amount } = posting;
    this.#write(operation, { amount, posted: pending ? 0n : amount, pending: pending ? amount : 0n }, lot);
    this.newLots.push(lot);
    this.#lots.push(lot);
    this.#lots.sort(compareLots);
    if (!pending) this.#payDebt(operation.operationKey, lot);
    this.#settleNoLaterThan(pending ? availableAt : null);
    this.#settleNoLaterThan(expiresAt);
  }

  #spend(operation: DraftOperation, posting: ScheduledPosting, amount: bigint): void {
    const available = this.state.posted - this.state.held;
    // Whoever spends needs the balance; only a correction may use what the asset allows below zero.
    const floor = posting.kind === 'REDEEM' ? 0n : this.state.floor;
    if (floor !== null && available - amount < floor) {
      throw refuse('INSUFFICIENT_BALANCE', ['amount'], {
        available: String(available),
        required: String(amount),
      });
    }
    this.#write(operation, { amount: -amount, posted: -amount, pending: 0n }, null);
    this.state.debt += this.#takeFromLots(operation.operationKey, amount);
  }

  /** Takes from the lots that are due, in spending order; answers what they lack. */
  #takeFromLots(operationKey: string, amount: bigint): bigint {
    let missing = amount;
    for (const lot of this.#lots) {
      if (missing === 0n) break;
      const free = lot.pending ? 0n : lot.remaining - lot.held;
      const taken = smaller(free, missing);
      if (taken > 0n) this.#take(operationKey, lot, taken);
      missing -= taken;
    }
    return missing;
  }

  /**
   * Takes back what an operation earned: from its own lot first; what was spent of that from the rest of the
   * balance, and below zero where the asset may. What expired is gone already. Less may be taken than was
   * asked for, and where there is nothing to take there is no operation.
   */
  #reverse(operation: DraftOperation, posting: ScheduledPosting): void {
    const origin = this.#origins.find(({ operationKey }) => operationKey === posting.reverses);
    if (origin === undefined) throw new Error(`There is no operation ${posting.reverses} to take back.`);
    const own = this.#lots.find(({ lotKey }) => lotKey === origin.lotKey);
    const ofOwn = own === undefined ? 0n : smaller(own.remaining - own.held, posting.amount);
    if (own?.pending === true) {
      if (ofOwn === 0n) return;
      this.#write(operation, { amount: -ofOwn, posted: 0n, pending: -ofOwn }, null);
      this.#take(operation.operationKey, own, ofOwn);
      return;
    }
    const missing = posting.amount - ofOwn;
    const expired = origin.expired + (this.#expired.get(origin.lotKey) ?? 0n);
    const spent = missing - smaller(missing, expired);
    const available = this.state.posted - this.state.held - ofOwn;
    const ofOthers = this.state.floor === null ? spent : smaller(spent, available > 0n ? available : 0n);
    const taken = ofOwn + ofOthers;
    if (taken === 0n) return;
    this.#write(operation, { amount: -taken, posted: -taken, pending: 0n }, null);
    if (own !== undefined && ofOwn > 0n) this.#take(operation.operationKey, own, ofOwn);
    this.state.debt += this.#takeFromLots(operation.operationKey, ofOthers);
  }

  #mature(due: readonly LotState[]): void {
    const amount = due.reduce((sum, lot) => sum + lot.remaining, 0n);
    const operation = this.#operation(newKey(), OperationKind.MATURE, null);
    this.#write(operation, { amount, posted: amount, pending: -amount }, null);
    // In the order in which they fell due, so that a late settlement pays debts as a timely one would have.
    for (const lot of due.toSorted((a, b) => a.availableAt.getTime() - b.availableAt.getTime())) {
      lot.pending = false;
      lot.maturedAt = this.#recordedAt;
      this.changedLots.add(lot);
      this.#payDebt(operation.operationKey, lot);
    }
  }

  #expire(over: readonly LotState[]): void {
    const amount = over.reduce((sum, lot) => sum + lot.remaining - lot.held, 0n);
    const operation = this.#operation(newKey(), OperationKind.EXPIRE, null);
    this.#write(operation, { amount: -amount, posted: -amount, pending: 0n }, null);
    for (const lot of over) {
      const lost = lot.remaining - lot.held;
      this.#expired.set(lot.lotKey, (this.#expired.get(lot.lotKey) ?? 0n) + lost);
      this.#take(operation.operationKey, lot, lost);
    }
  }

  /** What falls due first pays what was taken beyond the lots. */
  #payDebt(operationKey: string, lot: LotState): void {
    const paid = smaller(lot.remaining, this.state.debt);
    if (paid === 0n) return;
    this.state.debt -= paid;
    this.#take(operationKey, lot, paid);
  }

  #take(operationKey: string, lot: LotState, amount: bigint): void {
    lot.remaining -= amount;
    if (!this.newLots.includes(lot)) this.changedLots.add(lot);
    this.allocations.push({ operationKey, ledgerKey: lot.ledgerKey, lotKey: lot.lotKey, amount, lot });
  }

  #operation(operationKey: string, kind: OperationKind, posting: ScheduledPosting | null): DraftOperation {
    return { operationKey, kind, posting, entries: [] };
  }

  #write(operation: DraftOperation, deltas: Deltas, lot: LotState | null): void {
    const { state } = this;
    const { posting } = operation;
    const posted = state.posted + deltas.posted;
    const pending = state.pending + deltas.pending;
    // What is missing below zero is kept as a debt, a positive number: −2^63 would not fit.
    if (
      !isInRange(posted) ||
      !isInRange(pending) ||
      !isInRange(posted + pending) ||
      !isInRange(state.held - posted)
    ) {
      throw refuse('BALANCE_OUT_OF_RANGE', ['amount']);
    }
    // Nothing has changed so far: what is refused leaves the draft as it was.
    this.operations.push(operation);
    state.posted = posted;
    state.pending = pending;
    state.version += 1n;
    state.recordedAt = this.#recordedAt;
    operation.entries.push({
      tenantKey: state.tenantKey,
      ledgerKey: state.ledgerKey,
      memberKey: state.memberKey,
      assetCode: state.asset,
      version: state.version,
      operationKey: operation.operationKey,
      kind: operation.kind,
      amount: deltas.amount,
      postedDelta: deltas.posted,
      pendingDelta: deltas.pending,
      heldDelta: 0n,
      balanceAfter: posted,
      pendingAfter: pending,
      heldAfter: state.held,
      feedPosition: 0n,
      reason: posting?.reason ?? null,
      availableAt: lot?.availableAt ?? null,
      expiresAt: lot?.expiresAt ?? null,
      occurredAt: posting?.occurredAt ?? this.#now,
      recordedAt: this.#recordedAt,
      status: lot?.pending === true ? EntryStatus.PENDING : EntryStatus.POSTED,
    });
  }

  #settleNoLaterThan(moment: Date | null): void {
    if (moment === null) return;
    const { settleAt } = this.state;
    if (settleAt === null || moment < settleAt) this.state.settleAt = moment;
  }

  #earliestSettlement(): Date | null {
    let earliest: Date | null = null;
    for (const lot of this.#lots) {
      if (lot.remaining === 0n) continue;
      const moment = lot.pending ? lot.availableAt : lot.expiresAt;
      if (moment !== null && (earliest === null || moment < earliest)) earliest = moment;
    }
    return earliest;
  }
}
