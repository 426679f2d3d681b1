import { refuse } from '../../kernel/errors.ts';
import { type AssetPolicy, graceEnd } from './asset.policy.ts';
import type { DraftOperation } from './draft-operation.ts';
import { HoldStatus, OperationKind } from './ledger.enums.types.ts';
import { DraftRows, type GivenPart, smaller } from './ledger-draft.ts';
import {
  capturedOf,
  type HoldPlan,
  lapsedHolds,
  planHold,
  planSettlement,
  restOf,
  settleHold,
} from './ledger-holds.policy.ts';
import type { HoldState, LedgerState, LotState, Posting, ScheduledPosting } from './posting.ts';
import { planRestore, type ReversalOrigin, reversedBy } from './reversal.policy.ts';

/** A part of a lot that became free at a moment, by an operation. */
interface Freed {
  readonly at: Date;
  readonly operationKey: string;
  readonly lot: LotState;
  readonly amount: bigint;
}

/**
 * True when an act on the ledger must see its lots: to spend them, or because time has done something to
 * them.
 */
export function needsLots(ledger: LedgerState, postings: readonly Posting[], now: Date): boolean {
  const looks = postings.some((posting) => looksAtLots(posting, ledger.policy));
  return looks || (ledger.settleAt !== null && ledger.settleAt <= now);
}

/** True when an act spends from lots, or moves their expiry on. */
export function looksAtLots({ kind, amount }: Posting, policy: AssetPolicy): boolean {
  if (kind !== 'EARN' && (kind !== 'ADJUST' || amount < 0n)) return true;
  return policy.idleness !== null;
}

/** What the member does: it keeps a ledger from idleness, and the asset's limits bound it. */
const EARNS: ReadonlySet<Posting['kind']> = new Set(['EARN']);
const SPENDS: ReadonlySet<Posting['kind']> = new Set(['REDEEM', 'HOLD', 'TRANSFER']);

/**
 * What a set of postings does to one locked ledger, worked out without any I/O. First time is settled (lots
 * due and lots expired become operations), then the postings are applied in order.
 */
export class LedgerDraft extends DraftRows {
  /** A hold as the draft leaves it; null if it is over since before, or there is none. */
  hold(holdKey: string): HoldState | null {
    return this.holds.find((one) => one.holdKey === holdKey) ?? null;
  }

  /** Whether time has done something that is not settled yet. */
  get isDue(): boolean {
    return this.state.settleAt !== null && this.state.settleAt <= this.now;
  }

  /**
   * Makes operations of what time has done: MATURE what is due, RELEASE the holds whose end has come, then
   * EXPIRE what is over and not held.
   */
  settle(): void {
    const due = this.lots.filter((lot) => lot.pending && lot.availableAt <= this.now);
    const freed = due.length > 0 ? this.#mature(due, this.byTime(OperationKind.MATURE)) : [];
    for (const hold of lapsedHolds(this.holds, this.now)) freed.push(...this.#lapse(hold));
    // In the order in which it became free, so that a late settlement pays debts as a timely one would have.
    freed.sort((a, b) => a.at.getTime() - b.at.getTime());
    for (const { operationKey, lot, amount } of freed) this.payDebt(operationKey, lot, amount);
    const over = this.lots.filter(
      (lot) =>
        !lot.pending && lot.expiresAt !== null && lot.expiresAt <= this.now && lot.remaining > lot.held,
    );
    if (over.length > 0) this.#expire(over);
    this.settleWhenNext();
  }

  /**
   * Applies one posting.
   * @param receiver the other ledger of a TRANSFER, and of what undoes one
   * @throws Refusal AMOUNT_NOT_POSITIVE, AMOUNT_ZERO, INSUFFICIENT_BALANCE, BALANCE_OUT_OF_RANGE,
   *   EXPIRY_NOT_AFTER_AVAILABILITY, HOLD_NOT_ACTIVE, CAPTURE_EXCEEDS_HOLD, HOLD_ENDED_BEFORE,
   *   REVERSAL_EXCEEDS_ORIGINAL, PAY_BACK_EXCEEDS_REFUNDABLE
   */
  apply(posting: ScheduledPosting, receiver?: LedgerDraft): void {
    const { kind, amount } = posting;
    if (kind === 'ADJUST' && amount === 0n) throw refuse('AMOUNT_ZERO', ['amount']);
    if (kind !== 'ADJUST' && amount <= 0n && posting.whole !== true)
      throw refuse('AMOUNT_NOT_POSITIVE', ['amount']);
    this.#refuseAboveLimit(posting);
    const operation = this.begin(posting);
    if (posting.paysBack === true && kind === 'REDEEM') this.payBack(operation, posting);
    else if (kind === 'REDEEM') this.#spend(operation, posting, amount);
    else if (kind === 'REVERSE') this.#reverse(operation, posting, receiver);
    else if (kind === 'HOLD') this.#reserve(operation, posting);
    else if (kind === 'CAPTURE' || kind === 'RELEASE') this.#endHold(operation, posting);
    else if (kind === 'TRANSFER') receiver?.receive(posting, this.#spend(operation, posting, amount));
    else if (kind === 'MATURE') this.#matureOf(operation, posting);
    else if (kind === 'MERGE') this.#handOver(operation, posting, receiver);
    else if (amount < 0n) this.#spend(operation, posting, -amount);
    else this.#earn(operation, posting);
    if (EARNS.has(kind) || SPENDS.has(kind)) this.keepAlive(posting.occurredAt);
    this.settleWhenNext();
  }

  /** @throws Refusal OPERATION_LIMIT */
  #refuseAboveLimit({ kind, amount, paysBack }: ScheduledPosting): void {
    if (paysBack === true) return;
    const { mostEarned, mostSpent } = this.state.policy;
    const most = EARNS.has(kind) ? mostEarned : SPENDS.has(kind) ? mostSpent : null;
    if (most !== null && amount > most) throw refuse('OPERATION_LIMIT', ['amount'], { most: String(most) });
  }

  /** Takes in what a transfer brings: a lot for each one touched, which keeps its moments. */
  receive(posting: ScheduledPosting, parts: readonly GivenPart[]): void {
    const operation = this.begin(posting);
    const made = this.#lotsFrom(operation, parts);
    this.write(operation, { amount: posting.amount, posted: posting.amount }, made[0] ?? null);
    for (const lot of made) this.add(operation.operationKey, lot);
    this.keepAlive(posting.occurredAt);
    this.settleWhenNext();
  }

  /** Everything goes to another ledger: what is due, pending and owed. Nothing where there is none. */
  #handOver(operation: DraftOperation, posting: ScheduledPosting, receiver: LedgerDraft | undefined): void {
    const { posted, pending, held, debt } = this.state;
    if (held > 0n) throw refuse('MEMBER_HAS_HOLDS', posting.memberField ?? null, { held: String(held) });
    if (receiver === undefined || (this.lots.length === 0 && debt === 0n)) return;
    const parts = this.lots.map((lot): GivenPart => ({ lot, amount: lot.remaining }));
    this.write(operation, { amount: -posted - pending, posted: -posted, pending: -pending }, null);
    for (const { lot, amount } of parts) this.take(operation.operationKey, lot, amount);
    this.state.debt = 0n;
    receiver.#takeOver(posting, parts, { posted, pending, debt });
  }

  #takeOver(
    posting: ScheduledPosting,
    parts: readonly GivenPart[],
    { posted, pending, debt }: Pick<LedgerState, 'posted' | 'pending' | 'debt'>,
  ): void {
    const operation = this.begin(posting);
    const made = this.#lotsFrom(operation, parts);
    this.write(operation, { amount: posted + pending, posted, pending }, made[0] ?? null);
    this.state.debt += debt;
    const free = this.lots.filter((lot) => !lot.pending && lot.remaining > lot.held);
    for (const lot of free) this.payDebt(operation.operationKey, lot, lot.remaining - lot.held);
    for (const lot of made) this.add(operation.operationKey, lot);
    this.settleWhenNext();
  }

  /** A lot for each part that comes from another ledger, which keeps its moments and where it comes from. */
  #lotsFrom({ operationKey }: DraftOperation, parts: readonly GivenPart[]): LotState[] {
    return parts.map(({ lot, amount }) => ({
      ...this.newLot(operationKey, amount, lot),
      // As the other ledger has it: who began earlier may find a lot that was due a moment later.
      pending: lot.pending,
      awaits: lot.awaits ?? null,
      maturedAt: lot.pending ? null : this.recordedAt,
      originLotKey: lot.originLotKey ?? lot.lotKey,
    }));
  }

  #earn(operation: DraftOperation, posting: ScheduledPosting): void {
    const { amount, availableAt, expiresAt } = posting;
    const isOver = (end: Date | null | undefined): boolean => end != null && end <= availableAt;
    if (isOver(posting.paid?.expiresAt)) throw refuse('EXPIRY_NOT_AFTER_AVAILABILITY', ['expiresAt']);
    if (isOver(expiresAt) && posting.paid?.amount !== amount) {
      const field = posting.paid === undefined ? 'expiresAt' : 'bonusExpiresAt';
      throw refuse('EXPIRY_NOT_AFTER_AVAILABILITY', [field]);
    }
    const lots = this.credited(operation, posting);
    const [lot = null] = lots;
    const pending = lot?.pending === true;
    this.write(operation, { amount, posted: pending ? 0n : amount, pending: pending ? amount : 0n }, lot);
    for (const one of lots) this.add(operation.operationKey, one);
  }

  #spend(operation: DraftOperation, posting: ScheduledPosting, amount: bigint): GivenPart[] {
    // Whoever spends needs the balance; only a correction may use what the asset allows below zero.
    this.refuseBelow(posting.kind === 'ADJUST' ? this.state.policy.floor : 0n, amount);
    this.write(operation, { amount: -amount, posted: -amount }, null);
    const { taken, missing } = this.takeFromLots(operation.operationKey, amount);
    this.state.debt += missing;
    return taken;
  }

  #reserve(operation: DraftOperation, posting: ScheduledPosting): void {
    const { amount, hold: wish } = posting;
    if (wish === undefined) throw new Error('A posting of kind HOLD names no hold.');
    const ends = wish.expiresAt ?? null;
    if (ends !== null && ends <= this.now)
      throw refuse('HOLD_ENDED_BEFORE', [wish.expiresIn == null ? 'expiresAt' : 'expiresIn']);
    this.refuseBelow(0n, amount);
    this.write(operation, { amount: -amount, posted: 0n, held: amount }, null);
    const { tenantKey, ledgerKey } = this.state;
    const { operationKey } = operation;
    const hold: HoldState = {
      ...{ tenantKey, ledgerKey, holdKey: wish.holdKey, operationKey, amount },
      ...{ captured: 0n, released: 0n, status: HoldStatus.ACTIVE, expiresAt: ends },
      createdAt: this.recordedAt,
      parts: [],
    };
    for (const { lot, amount: part } of planHold(this.spendable, amount)) {
      lot.held += part;
      this.touch(lot);
      const { lotKey } = lot;
      hold.parts.push({ lotKey, amount: part });
      this.holdMoves.push({ operationKey, holdKey: wish.holdKey, ledgerKey, lotKey, amount: part });
    }
    this.holds.push(hold);
    this.newHolds.push(hold);
  }

  /** Captures of a hold, or releases what it has left. */
  #endHold(operation: DraftOperation, posting: ScheduledPosting): void {
    const hold = this.hold(posting.hold?.holdKey ?? '');
    if (hold === null || hold.status !== HoldStatus.ACTIVE) throw refuse('HOLD_NOT_ACTIVE', ['holdId']);
    const isCapture = posting.kind === 'CAPTURE';
    const captured = isCapture ? capturedOf(hold, posting.whole === true ? null : posting.amount) : 0n;
    const released = isCapture && posting.hold?.final !== true ? 0n : restOf(hold) - captured;
    const plan = planSettlement(hold, this.spendable, { captured, released, at: this.now });
    const amount = isCapture ? -captured : released;
    const freed = this.#settleHold(operation, hold, plan, {
      amount,
      ended: isCapture ? HoldStatus.CAPTURED : HoldStatus.RELEASED,
      at: this.now,
    });
    for (const { operationKey, lot, amount: free } of freed) this.payDebt(operationKey, lot, free);
  }

  #lapse(hold: HoldState): Freed[] {
    const at = hold.expiresAt ?? this.now;
    const amount = restOf(hold);
    const plan = planSettlement(hold, this.lots, { captured: 0n, released: amount, at });
    return this.#settleHold(this.byTime(OperationKind.RELEASE), hold, plan, {
      amount,
      ended: HoldStatus.EXPIRED,
      at,
    });
  }

  #settleHold(
    operation: DraftOperation,
    hold: HoldState,
    plan: HoldPlan,
    { amount, ended, at }: { amount: bigint; ended: HoldStatus; at: Date },
  ): Freed[] {
    const { operationKey } = operation;
    const { captured, released, lost } = plan;
    this.write(operation, { amount, posted: -captured - lost, held: -captured - released }, null);
    this.holdMoves.push(...settleHold(hold, plan, operationKey, ended));
    this.touchHold(hold);
    return plan.parts.flatMap((part): Freed[] => {
      const { lot } = part;
      lot.held -= part.captured + part.released;
      this.touch(lot);
      this.take(operationKey, lot, part.captured + part.lost, part.lost);
      const free = part.released - part.lost;
      return free > 0n ? [{ at, operationKey, lot, amount: free }] : [];
    });
  }

  /** Undoes an operation: credits are taken back, spends given back; a transfer is both. */
  #reverse(operation: DraftOperation, posting: ScheduledPosting, receiver: LedgerDraft | undefined): void {
    const origin = this.#originOf(posting);
    const amount = reversedBy(origin, posting);
    if (amount <= 0n) return;
    if (posting.toMemberKey !== undefined) {
      const back = receiver?.takeBack(posting, amount) ?? 0n;
      this.#restore(operation, posting, origin, back);
    } else if (origin.isSpend) this.#restore(operation, posting, origin, amount);
    else this.#takeBack(operation, posting, origin, amount);
  }

  #originOf({ reverses }: ScheduledPosting): ReversalOrigin {
    const origin = this.origins.find(({ operationKey }) => operationKey === reverses);
    if (origin === undefined) throw new Error(`There is no operation ${reverses} to take back.`);
    return origin;
  }

  /** The receiver's side of a transfer that is undone; answers how much was taken back. */
  takeBack(posting: ScheduledPosting, amount: bigint): bigint {
    const taken = this.#takeBack(this.begin(posting), posting, this.#originOf(posting), amount);
    this.settleWhenNext();
    return taken;
  }

  /**
   * Takes back what an operation credited: from its own lots first; what was spent of those from the rest of
   * the balance, and below zero where the asset may. What expired is gone already. Less may be taken than was
   * asked for; where there is nothing to take, there is no operation, and by hand a refusal.
   */
  #takeBack(
    operation: DraftOperation,
    posting: ScheduledPosting,
    origin: ReversalOrigin,
    amount: bigint,
  ): bigint {
    const own: GivenPart[] = [];
    let missing = amount;
    const isOwn = (lot: LotState): boolean =>
      lot.operationKey === origin.operationKey || origin.roots?.includes(lot.originLotKey ?? '') === true;
    for (const lot of this.spendable.filter(isOwn)) {
      const part = smaller(lot.remaining - lot.held, missing);
      if (part > 0n) own.push({ lot, amount: part });
      missing -= part;
    }
    const ofOwn = amount - missing;
    const isPending = this.lots.some((lot) => lot.pending && isOwn(lot));
    const expired = origin.expired + this.expiredOf(origin.operationKey);
    const spent = isPending ? 0n : missing - smaller(missing, expired);
    const available = this.state.posted - this.state.held - ofOwn;
    const { floor, goesNegative } = this.state.policy;
    const lowest = goesNegative ? floor : 0n;
    const reachable = lowest === null ? spent : available - lowest;
    const ofOthers = smaller(spent, reachable > 0n ? reachable : 0n);
    const taken = ofOwn + ofOthers;
    if (taken === 0n) {
      if (posting.reversedKind !== undefined) this.refuseBelow(available + 1n, amount);
      return 0n;
    }
    const [posted, pending] = isPending ? [0n, -taken] : [-taken, 0n];
    this.write(operation, { amount: -taken, posted, pending }, null);
    for (const part of own) this.take(operation.operationKey, part.lot, part.amount);
    this.state.debt += this.takeFromLots(operation.operationKey, ofOthers).missing;
    return taken;
  }

  /**
   * Gives back what a spend took, to the lots that it came from. What goes back to a lot that has expired is
   * lost in the same operation, or becomes a lot for the days of grace that the asset gives. What was taken
   * beyond the lots lowers the debt; if that is paid meanwhile, it becomes a lot of its own.
   */
  #restore(
    operation: DraftOperation,
    posting: ScheduledPosting,
    origin: ReversalOrigin,
    amount: bigint,
  ): void {
    const { lots, owed } = planRestore(this.keptBeside(origin), amount, this.now);
    const forgiven = smaller(owed, this.state.debt);
    const { operationKey } = operation;
    const expiresAt = graceEnd(this.state.policy, this.now);
    const over = lots.reduce((sum, part) => (part.isOver ? sum + part.amount : sum), 0n);
    const grace = { availableAt: this.now, expiresAt };
    const saved = expiresAt === null ? [] : this.savedLots(operationKey, lots, grace);
    const lot =
      owed > forgiven
        ? this.newLot(operationKey, owed - forgiven, { ...posting, portion: this.portion })
        : null;
    this.write(operation, { amount, posted: amount - (saved.length > 0 ? 0n : over) }, lot);
    this.state.debt -= forgiven;
    for (const part of lots) {
      if (part.lot.ledgerKey !== this.state.ledgerKey) {
        if (!part.isOver) this.add(operationKey, this.newLot(operationKey, part.amount, part.lot));
        continue;
      }
      const own = this.lots.find(({ lotKey }) => lotKey === part.lot.lotKey) ?? this.adopt(part.lot);
      if (part.isOver) {
        if (expiresAt === null) this.take(operationKey, own, 0n, part.amount);
        continue;
      }
      this.take(operation.operationKey, own, -part.amount);
      this.payDebt(operation.operationKey, own, part.amount);
    }
    if (lot !== null) this.add(operationKey, lot);
    for (const one of saved) this.add(operationKey, one);
  }

  /** What an activity made due before its time; nothing where time was first. */
  #matureOf(operation: DraftOperation, { lotKeys = [] }: ScheduledPosting): void {
    const due = this.lots.filter((lot) => lot.pending && lotKeys.includes(lot.lotKey));
    if (due.length === 0) return;
    for (const lot of due) lot.availableAt = this.now;
    for (const { operationKey, lot, amount } of this.#mature(due, operation))
      this.payDebt(operationKey, lot, amount);
  }

  #mature(due: readonly LotState[], operation: DraftOperation): Freed[] {
    const amount = due.reduce((sum, lot) => sum + lot.remaining, 0n);
    this.write(operation, { amount, posted: amount, pending: -amount }, null);
    return due.map((lot) => {
      lot.pending = false;
      lot.maturedAt = this.recordedAt;
      this.touch(lot);
      return { at: lot.availableAt, operationKey: operation.operationKey, lot, amount: lot.remaining };
    });
  }

  #expire(over: readonly LotState[]): void {
    const amount = over.reduce((sum, lot) => sum + lot.remaining - lot.held, 0n);
    const operation = this.byTime(OperationKind.EXPIRE);
    this.write(operation, { amount: -amount, posted: -amount }, null);
    for (const lot of over) {
      const lost = lot.remaining - lot.held;
      this.take(operation.operationKey, lot, lost, lost);
    }
  }
}
