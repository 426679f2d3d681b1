import { refuse } from '../../kernel/errors.ts';
import { newKey } from '../../kernel/ids.ts';
import { isInRange } from '../../kernel/points.ts';
import type { Portion } from '../programs/index.ts';
import { idleEnd } from './asset.policy.ts';
import type { DraftOperation } from './draft-operation.ts';
import { EntryStatus, OperationKind } from './ledger.enums.types.ts';
import { earliestSettlement, type HoldMove, holdsOf, planHold } from './ledger-holds.policy.ts';
import { compareLots } from './lot-order.ts';
import type { HoldState, LedgerState, LotState, ScheduledPosting } from './posting.ts';
import type { ReversalOrigin } from './reversal.policy.ts';
import { inSpendingOrder, type Portions, planPayBack, portionsOf } from './stored-value.policy.ts';

export interface DraftAllocation {
  readonly operationKey: string;
  readonly ledgerKey: string;
  readonly lotKey: string;
  amount: bigint;
  /** What of it time took. */
  lost: bigint;
  /** The lot, as the draft leaves it. */
  readonly lot: LotState;
}

interface Deltas {
  readonly amount: bigint;
  readonly posted: bigint;
  readonly pending?: bigint;
  readonly held?: bigint;
}

/** When a lot falls due and expires, and of stored value which portion it is. */
interface LotTerms {
  readonly availableAt: Date;
  readonly expiresAt: Date | null;
  readonly awaits?: string | null;
  readonly idles?: boolean | null;
  readonly portion?: Portion | null;
}

/** A part of a lot, on its way to another ledger. */
export interface GivenPart {
  readonly lot: LotState;
  readonly amount: bigint;
}

const NONE: ReadonlySet<never> = new Set();

export function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

/** The rows that a draft makes of one locked ledger, and what it must always do together. */
export class DraftRows {
  readonly state: LedgerState;
  readonly operations: DraftOperation[] = [];
  readonly newLots: LotState[] = [];
  readonly newHolds: HoldState[] = [];
  readonly holdMoves: HoldMove[] = [];
  protected readonly lots: LotState[];
  protected readonly holds: HoldState[];
  protected readonly hasLots: boolean;
  protected readonly now: Date;
  readonly recordedAt: Date;
  protected readonly origins: readonly ReversalOrigin[];
  readonly #allocations: DraftAllocation[] = [];
  /** These are made when they are needed: most drafts only earn. */
  #allocated: Map<LotState, DraftAllocation[]> | null = null;
  #changedLots: Set<LotState> | null = null;
  #changedHolds: Set<HoldState> | null = null;
  #expired: Map<string, bigint> | null = null;

  /**
   * @param lots its open lots, by expiry and age, with what holds have of them; null when `needsLots` said no
   * @param origins of what will be undone
   */
  constructor(
    state: LedgerState,
    lots: readonly LotState[] | null,
    now: Date,
    origins: readonly ReversalOrigin[] = [],
  ) {
    this.state = state;
    this.origins = origins;
    this.lots = [...(lots ?? [])];
    this.holds = holdsOf(state.tenantKey, this.lots);
    this.hasLots = lots !== null;
    this.now = now;
    // A transaction that began earlier may get the lock later: what is recorded never goes back in time.
    this.recordedAt = state.recordedAt !== null && state.recordedAt > now ? state.recordedAt : now;
  }

  /** What its operations took from lots. */
  get allocations(): readonly DraftAllocation[] {
    return this.#allocations;
  }

  get changedLots(): ReadonlySet<LotState> {
    return this.#changedLots ?? NONE;
  }

  get changedHolds(): ReadonlySet<HoldState> {
    return this.#changedHolds ?? NONE;
  }

  protected newLot(
    operationKey: string,
    amount: bigint,
    { availableAt, expiresAt, ...more }: LotTerms,
  ): LotState {
    const pending = availableAt > this.now;
    return {
      ledgerKey: this.state.ledgerKey,
      lotKey: newKey(),
      operationKey,
      amount,
      remaining: amount,
      held: 0n,
      pending,
      availableAt,
      expiresAt,
      createdAt: this.recordedAt,
      maturedAt: pending ? null : this.recordedAt,
      awaits: (pending ? more.awaits : null) ?? null,
      idles: more.idles ?? false,
      portion: more.portion ?? null,
      lost: 0n,
    };
  }

  /** Its lots in the order in which they are spent. */
  protected get spendable(): readonly LotState[] {
    return inSpendingOrder(this.lots, this.state.policy.storedValue);
  }

  /** What is credited without a word of its portion: nobody has paid for it. */
  protected get portion(): Portion | null {
    return this.state.policy.storedValue === null ? null : 'BONUS';
  }

  protected add(operationKey: string, lot: LotState): void {
    this.newLots.push(lot);
    this.#insert(lot);
    if (!lot.pending) this.payDebt(operationKey, lot, lot.amount);
    this.settleNoLaterThan(lot.pending ? lot.availableAt : null);
    this.settleNoLaterThan(lot.expiresAt);
  }

  /** The lots that a credit makes: of stored value, first what was paid, then the bonus. */
  protected credited({ operationKey }: DraftOperation, posting: ScheduledPosting): LotState[] {
    const { amount, paid, availableOn = null } = posting;
    const terms = { ...posting, awaits: availableOn, portion: this.portion };
    const bonus = amount - (paid?.amount ?? 0n);
    const rest = bonus > 0n ? [this.newLot(operationKey, bonus, terms)] : [];
    if (paid === undefined) return rest;
    const own: LotTerms = { ...terms, expiresAt: paid.expiresAt, idles: false, portion: 'PAID' };
    return [this.newLot(operationKey, paid.amount, own), ...rest];
  }

  /** Pays money back: what of the bonus is lost with it is no part of the amount. */
  protected payBack(operation: DraftOperation, posting: ScheduledPosting): void {
    const plan = planPayBack(this.spendable, this.state.policy.storedValue, posting);
    this.write(operation, { amount: -plan.amount, posted: -plan.amount - plan.lost }, null);
    for (const { lot, amount, lost } of plan.parts)
      this.take(operation.operationKey, lot, amount + lost, lost);
  }

  /** Stored value: what can be spent of each portion. */
  portions(): Portions {
    return portionsOf(this.lots);
  }

  /** New lots for what goes back to lots that have expired, one of each portion. */
  protected savedLots(
    operationKey: string,
    parts: readonly (GivenPart & { readonly isOver: boolean })[],
    terms: LotTerms,
  ): LotState[] {
    const over = Map.groupBy(
      parts.filter(({ isOver }) => isOver),
      ({ lot }) => lot.portion ?? null,
    );
    return [...over].map(([portion, own]) => {
      const amount = own.reduce((sum, part) => sum + part.amount, 0n);
      return this.newLot(operationKey, amount, { ...terms, portion });
    });
  }

  protected refuseBelow(floor: bigint | null, amount: bigint): void {
    const available = this.state.posted - this.state.held;
    if (floor === null || available - amount >= floor) return;
    throw refuse('INSUFFICIENT_BALANCE', ['amount'], {
      available: String(available),
      required: String(amount),
    });
  }

  /** Takes from the lots that are due, in spending order; answers what came from which, and what lacks. */
  protected takeFromLots(operationKey: string, amount: bigint): { taken: GivenPart[]; missing: bigint } {
    const taken = planHold(this.spendable, amount);
    for (const part of taken) this.take(operationKey, part.lot, part.amount);
    return { taken, missing: taken.reduce((left, part) => left - part.amount, amount) };
  }

  /** A lot that was spent is open again. */
  protected adopt(lot: LotState): LotState {
    this.#insert(lot);
    return lot;
  }

  /** At its place among the others, which is mostly the last: a batch may earn hundreds in one ledger. */
  #insert(lot: LotState): void {
    let place = this.lots.length;
    for (let before = this.lots[place - 1]; before !== undefined && compareLots(lot, before) < 0; ) {
      place -= 1;
      before = this.lots[place - 1];
    }
    this.lots.splice(place, 0, lot);
  }

  /** What becomes free first pays what was taken beyond the lots. */
  protected payDebt(operationKey: string, lot: LotState, free: bigint): void {
    const paid = smaller(free, this.state.debt);
    if (paid === 0n) return;
    this.state.debt -= paid;
    this.take(operationKey, lot, paid);
  }

  /** What this draft itself let expire of what an operation earned. */
  protected expiredOf(operationKey: string): bigint {
    return this.#expired?.get(operationKey) ?? 0n;
  }

  /** Takes an amount from a lot, or gives it back (below zero); `lost` of it is what time took. */
  protected take(operationKey: string, lot: LotState, amount: bigint, lost = 0n): void {
    if (amount === 0n && lost === 0n) return;
    lot.remaining -= amount;
    lot.lost += lost;
    this.touch(lot);
    if (lost !== 0n) {
      this.#expired ??= new Map();
      this.#expired.set(lot.operationKey, this.expiredOf(lot.operationKey) + lost);
    }
    this.#allocated ??= new Map();
    const ofLot = this.#allocated.get(lot) ?? [];
    const known = ofLot.find((one) => one.operationKey === operationKey);
    if (known !== undefined) {
      known.amount += amount;
      known.lost += lost;
      return;
    }
    const { ledgerKey, lotKey } = lot;
    const made = { operationKey, ledgerKey, lotKey, amount, lost, lot };
    ofLot.push(made);
    this.#allocated.set(lot, ofLot);
    this.#allocations.push(made);
  }

  protected touch(lot: LotState): void {
    if (this.newLots.includes(lot)) return;
    this.#changedLots ??= new Set();
    this.#changedLots.add(lot);
  }

  protected touchHold(hold: HoldState): void {
    if (this.newHolds.includes(hold)) return;
    this.#changedHolds ??= new Set();
    this.#changedHolds.add(hold);
  }

  protected begin(posting: ScheduledPosting): DraftOperation {
    const { operationKey, kind } = posting;
    return { operationKey, kind: OperationKind[kind], posting, entries: [] };
  }

  protected byTime(kind: OperationKind): DraftOperation {
    return { operationKey: newKey(), kind, posting: null, entries: [] };
  }

  protected write(operation: DraftOperation, deltas: Deltas, lot: LotState | null): void {
    const { state } = this;
    const { posting } = operation;
    const posted = state.posted + deltas.posted;
    const pending = state.pending + (deltas.pending ?? 0n);
    const held = state.held + (deltas.held ?? 0n);
    // What is missing below zero is kept as a debt, a positive number: −2^63 would not fit.
    if (
      !isInRange(posted) ||
      !isInRange(pending) ||
      !isInRange(posted + pending) ||
      !isInRange(held - posted)
    ) {
      throw refuse('BALANCE_OUT_OF_RANGE', ['amount']);
    }
    // Nothing has changed so far: what is refused leaves the draft as it was.
    this.operations.push(operation);
    state.posted = posted;
    state.pending = pending;
    state.held = held;
    state.version += 1n;
    state.recordedAt = this.recordedAt;
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
      pendingDelta: deltas.pending ?? 0n,
      heldDelta: deltas.held ?? 0n,
      balanceAfter: posted,
      pendingAfter: pending,
      heldAfter: held,
      feedPosition: 0n,
      reason: posting?.reason ?? null,
      availableAt: lot?.availableAt ?? null,
      expiresAt: lot?.expiresAt ?? null,
      occurredAt: posting?.occurredAt ?? this.now,
      recordedAt: this.recordedAt,
      status: lot?.pending === true ? EntryStatus.PENDING : EntryStatus.POSTED,
    });
  }

  /** Something happened: what idleness lets expire has longer, but not what expired while it was held. */
  protected keepAlive(at: Date): void {
    let end = idleEnd(this.state.policy, at);
    const idling = this.idling.filter((lot) => lot.remaining > 0n || this.changedLots.has(lot));
    if (end === null || idling.length === 0) return;
    for (const { expiresAt } of idling) if (expiresAt !== null && expiresAt > end) end = expiresAt;
    for (const lot of idling) {
      if (lot.expiresAt?.getTime() === end.getTime()) continue;
      lot.expiresAt = end;
      this.touch(lot);
    }
    this.lots.sort(compareLots);
  }

  /** Its lots that idleness lets expire, and that haven’t. */
  private get idling(): LotState[] {
    return this.lots.filter(
      (lot) => lot.idles === true && lot.expiresAt !== null && lot.expiresAt > this.now,
    );
  }

  /** Lots that were spent whole didn’t move on with those beside them: what comes back lasts as they do. */
  protected keptBeside(origin: ReversalOrigin): ReversalOrigin {
    for (const { lot } of origin.taken) {
      if (lot.idles !== true || lot.remaining > 0n || lot.ledgerKey !== this.state.ledgerKey) continue;
      for (const { createdAt, expiresAt, remaining } of this.idling) {
        if (remaining === 0n || createdAt === null || lot.expiresAt === null || expiresAt === null) continue;
        if (createdAt <= lot.expiresAt && expiresAt > lot.expiresAt) lot.expiresAt = expiresAt;
      }
    }
    return origin;
  }

  protected settleNoLaterThan(moment: Date | null): void {
    if (moment === null) return;
    const { settleAt } = this.state;
    if (settleAt === null || moment < settleAt) this.state.settleAt = moment;
  }

  protected settleWhenNext(): void {
    if (this.hasLots) this.state.settleAt = earliestSettlement(this.lots, this.holds);
  }
}
