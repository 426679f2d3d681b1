import { isInRange } from '../../src/kernel/points.ts';

/** A lot, in plain words. */
export interface ModelLot {
  /** Lots of one end are spent in the order of their keys. */
  readonly key: string;
  readonly madeBy: string;
  readonly amount: bigint;
  left: bigint;
  due: boolean;
  readonly dueAt: Date;
  readonly overAt: Date | null;
}

export interface ModelHold {
  readonly key: string;
  rest: bigint;
  captured: bigint;
  released: bigint;
  ended: 'CAPTURED' | 'RELEASED' | 'EXPIRED' | null;
  readonly endsAt: Date | null;
  readonly parts: Map<ModelLot, bigint>;
}

/** What was done, as far as it can be undone. */
export interface ModelAct {
  readonly key: string;
  /** Signed: above zero for a credit. */
  readonly amount: bigint;
  reversed: bigint;
  /** In the order in which it was taken; the last may be beyond the lots (null). */
  readonly taken: readonly { readonly lot: ModelLot | null; readonly amount: bigint }[];
}

/** What somebody asks of a ledger. */
export interface ModelWish {
  readonly kind: 'EARN' | 'REDEEM' | 'ADJUST' | 'HOLD' | 'CAPTURE' | 'RELEASE' | 'REVERSE';
  readonly amount: bigint;
  /** CAPTURE and REVERSE: all that is left. */
  readonly whole: boolean;
  readonly final: boolean;
  /** Of a lot that it makes. */
  readonly dueAt: Date;
  readonly overAt: Date | null;
  /** HOLD. */
  readonly endsAt: Date | null;
  /** Which hold is captured or released, which act is undone; undefined when there is none. */
  readonly hold: ModelHold | undefined;
  readonly act: ModelAct | undefined;
}

/** What a wish makes: the operation, its lot or its hold. */
export interface ModelKeys {
  readonly operation: string;
  readonly lot: string;
  readonly hold: string;
}

const least = (...amounts: bigint[]): bigint => amounts.reduce((a, b) => (a < b ? a : b));
const size = (amount: bigint): bigint => (amount < 0n ? -amount : amount);
const isOver = ({ overAt }: Pick<ModelLot, 'overAt'>, now: Date): boolean => overAt !== null && overAt <= now;
const notPositive = ({ amount, whole }: ModelWish): boolean => !whole && amount <= 0n;

/** How much a reversal undoes; null when it is nothing, or more than is left. */
export function wantedOf(act: ModelAct, { amount, whole }: Pick<ModelWish, 'amount' | 'whole'>) {
  const rest = size(act.amount) - act.reversed;
  const wanted = whole ? rest : amount;
  return wanted > rest || wanted === 0n ? null : wanted;
}

/** What a ledger is, in plain words: lots, what holds have of them, and what was taken beyond them. */
export class LedgerModel {
  readonly lots: ModelLot[] = [];
  readonly holds: ModelHold[] = [];
  readonly acts: ModelAct[] = [];
  /** What time took of the lots that an act made. */
  readonly lost = new Map<string, bigint>();
  /** Whether a correction may go below zero. */
  readonly mayOwe: boolean;
  debt = 0n;

  constructor(mayOwe: boolean) {
    this.mayOwe = mayOwe;
  }

  #sum(pick: (lot: ModelLot) => bigint): bigint {
    return this.lots.reduce((total, lot) => total + pick(lot), 0n);
  }

  get posted(): bigint {
    return this.#sum(({ due, left }) => (due ? left : 0n)) - this.debt;
  }

  get pending(): bigint {
    return this.#sum(({ due, left }) => (due ? 0n : left));
  }

  get held(): bigint {
    return this.#sum((lot) => this.heldOf(lot));
  }

  get available(): bigint {
    return this.posted - this.held;
  }

  heldOf(lot: ModelLot): bigint {
    return this.holds.reduce((total, { parts }) => total + (parts.get(lot) ?? 0n), 0n);
  }

  #free(lot: ModelLot): bigint {
    return lot.due ? lot.left - this.heldOf(lot) : 0n;
  }

  inOrder(): ModelLot[] {
    const over = ({ overAt }: ModelLot): number => overAt?.getTime() ?? Number.POSITIVE_INFINITY;
    return this.lots.toSorted((a, b) => {
      const [first, second] = [over(a), over(b)];
      if (first !== second) return first < second ? -1 : 1;
      return a.key < b.key ? -1 : 1;
    });
  }

  #lose(lot: ModelLot, amount: bigint): void {
    lot.left -= amount;
    this.lost.set(lot.madeBy, (this.lost.get(lot.madeBy) ?? 0n) + amount);
  }

  #pay(lot: ModelLot, free: bigint): void {
    const paid = least(free, this.debt);
    lot.left -= paid;
    this.debt -= paid;
  }

  /** Moment by moment: what falls due, then the holds that end, then what is over and not held. */
  age(now: Date): void {
    const moments = [
      ...this.lots.flatMap(({ due, dueAt }) => (due ? [] : [dueAt])),
      ...this.lots.flatMap(({ left, overAt }) => (left === 0n ? [] : [overAt])),
      ...this.holds.flatMap(({ ended, endsAt }) => (ended === null ? [endsAt] : [])),
    ].flatMap((moment) => (moment !== null && moment <= now ? [moment] : []));
    for (const moment of moments.sort((a, b) => a.getTime() - b.getTime())) {
      for (const lot of this.inOrder().filter(({ due, dueAt }) => !due && dueAt <= moment)) {
        lot.due = true;
        this.#pay(lot, lot.left);
      }
      const ending = this.holds.filter(
        (one) => one.ended === null && one.endsAt !== null && one.endsAt <= moment,
      );
      ending.sort(
        (a, b) => (a.endsAt?.getTime() ?? 0) - (b.endsAt?.getTime() ?? 0) || (a.key < b.key ? -1 : 1),
      );
      for (const hold of ending) {
        this.#endHold(hold, 0n, true, hold.endsAt ?? moment);
        hold.ended = 'EXPIRED';
      }
      for (const lot of this.lots) if (lot.due && isOver(lot, moment)) this.#lose(lot, this.#free(lot));
    }
  }

  /** Why a ledger that has been aged refuses a wish; null when it doesn't. */
  refusal(wish: ModelWish, now: Date): string | null {
    const { kind, amount } = wish;
    if (kind === 'ADJUST' && amount === 0n) return 'AMOUNT_ZERO';
    if (kind !== 'ADJUST' && kind !== 'RELEASE' && notPositive(wish)) return 'AMOUNT_NOT_POSITIVE';
    if (kind === 'EARN' || (kind === 'ADJUST' && amount > 0n)) return this.refusalOfCredit(wish, now);
    if (kind === 'CAPTURE' || kind === 'RELEASE') {
      const { hold, whole } = wish;
      if (hold === undefined || hold.ended !== null) return 'HOLD_NOT_ACTIVE';
      return kind === 'CAPTURE' && !whole && amount > hold.rest ? 'CAPTURE_EXCEEDS_HOLD' : null;
    }
    if (kind === 'REVERSE') return this.#refusalOfReversal(wish, now);
    if (kind === 'HOLD' && wish.endsAt !== null && wish.endsAt <= now) return 'HOLD_ENDED_BEFORE';
    return this.refusalOfSpend(size(amount), kind === 'ADJUST' && this.mayOwe);
  }

  refusalOfCredit({ amount, dueAt, overAt }: Pick<ModelWish, 'amount' | 'dueAt' | 'overAt'>, now: Date) {
    if (overAt !== null && overAt <= dueAt) return 'EXPIRY_NOT_AFTER_AVAILABILITY';
    return dueAt > now ? this.#refusalOfSums(0n, amount) : this.#refusalOfSums(amount, 0n);
  }

  refusalOfSpend(amount: bigint, mayOwe = false): string | null {
    if (!mayOwe && this.available < amount) return 'INSUFFICIENT_BALANCE';
    return this.#refusalOfSums(-amount, 0n);
  }

  #refusalOfReversal(wish: ModelWish, now: Date): string | null {
    const { act } = wish;
    if (act === undefined) return null;
    const wanted = wantedOf(act, wish);
    if (wanted === null) return 'REVERSAL_EXCEEDS_ORIGINAL';
    return act.amount > 0n
      ? this.refusalOfTakingBack(act, wanted)
      : this.refusalOfRestoring(act, wanted, now);
  }

  refusalOfTakingBack(act: ModelAct, amount: bigint): string | null {
    const { ofOwn, ofOthers, isPending } = this.takeable(act, amount);
    const taken = ofOwn + ofOthers;
    if (taken === 0n) return 'INSUFFICIENT_BALANCE';
    return isPending ? this.#refusalOfSums(0n, -taken) : this.#refusalOfSums(-taken, 0n);
  }

  refusalOfRestoring(act: ModelAct, amount: bigint, now: Date): string | null {
    const { back, owed } = planBack(act, amount);
    const alive = back.reduce((sum, [lot, part]) => (isOver(lot, now) ? sum : sum + part), owed);
    return this.#refusalOfSums(alive, 0n);
  }

  /** 64 bits hold every balance, and what is missing below zero as a positive number. */
  #refusalOfSums(posted: bigint, pending: bigint): string | null {
    const [due, coming] = [this.posted + posted, this.pending + pending];
    const all = [due, coming, due + coming, this.held - due];
    return all.every(isInRange) ? null : 'BALANCE_OUT_OF_RANGE';
  }

  /** Does what is not refused. */
  follow(wish: ModelWish, made: ModelKeys, now: Date): void {
    const { kind, amount, hold, act } = wish;
    const { operation } = made;
    if (kind === 'HOLD') this.#hold(made.hold, amount, wish.endsAt);
    else if (kind === 'CAPTURE' && hold !== undefined) {
      this.#capture(operation, hold, wish.whole ? hold.rest : amount, wish.final, now);
    } else if (kind === 'RELEASE' && hold !== undefined) {
      this.#endHold(hold, 0n, true, now);
      hold.ended = 'RELEASED';
    } else if (kind === 'REVERSE' && act !== undefined) {
      const wanted = wantedOf(act, wish) ?? 0n;
      if (act.amount > 0n) this.takeBack(act, wanted);
      else this.restore(act, wanted, now, { ...wish, operation, lot: made.lot });
    } else if (kind === 'EARN' || (kind === 'ADJUST' && amount > 0n)) {
      this.acts.push({ key: operation, amount, reversed: 0n, taken: [] });
      this.#add({ key: made.lot, madeBy: operation, amount, dueAt: wish.dueAt, overAt: wish.overAt }, now);
    } else this.spend(operation, size(amount));
  }

  #add(lot: Omit<ModelLot, 'left' | 'due'>, now: Date): void {
    this.#put({ ...lot, left: lot.amount, due: lot.dueAt <= now });
  }

  #put(lot: ModelLot): void {
    this.lots.push(lot);
    if (lot.due) this.#pay(lot, lot.left);
  }

  spend(operation: string, amount: bigint): ModelAct {
    const act = { key: operation, amount: -amount, reversed: 0n, taken: this.#take(amount) };
    this.acts.push(act);
    return act;
  }

  /** Takes in what another ledger gave, which is due: a lot for each touched, which lasts as long. */
  receive(operation: string, { amount, taken }: ModelAct, newKey: () => string): void {
    this.acts.push({ key: operation, amount: -amount, reversed: 0n, taken: [] });
    for (const { lot, amount: part } of taken) {
      if (lot === null) continue;
      const { dueAt, overAt } = lot;
      this.#put({ key: newKey(), madeBy: operation, amount: part, left: part, due: true, dueAt, overAt });
    }
  }

  #take(amount: bigint): ModelAct['taken'] {
    const taken: { lot: ModelLot | null; amount: bigint }[] = [];
    let missing = amount;
    for (const lot of this.inOrder()) {
      const part = least(this.#free(lot), missing);
      if (part > 0n) taken.push({ lot, amount: part });
      lot.left -= part;
      missing -= part;
    }
    if (missing > 0n) taken.push({ lot: null, amount: missing });
    this.debt += missing;
    return taken;
  }

  #hold(key: string, amount: bigint, endsAt: Date | null): void {
    const parts = new Map<ModelLot, bigint>();
    let missing = amount;
    for (const lot of this.inOrder()) {
      const part = least(this.#free(lot), missing);
      if (part > 0n) parts.set(lot, part);
      missing -= part;
    }
    this.holds.push({ key, rest: amount, captured: 0n, released: 0n, ended: null, endsAt, parts });
  }

  #capture(operation: string, hold: ModelHold, amount: bigint, isFinal: boolean, now: Date): void {
    const taken = this.#endHold(hold, amount, isFinal, now);
    if (hold.rest === 0n) hold.ended = 'CAPTURED';
    this.acts.push({ key: operation, amount: -amount, reversed: 0n, taken });
  }

  /** Captures an amount of a hold, and releases the rest if it ends; what is released too late is lost. */
  #endHold(hold: ModelHold, captured: bigint, ends: boolean, at: Date): ModelAct['taken'] {
    const taken: { lot: ModelLot; amount: bigint }[] = [];
    const freed: [ModelLot, bigint][] = [];
    let missing = captured;
    for (const lot of this.inOrder()) {
      const part = hold.parts.get(lot) ?? 0n;
      const spent = least(part, missing);
      const given = ends ? part - spent : 0n;
      missing -= spent;
      hold.parts.set(lot, part - spent - given);
      lot.left -= spent;
      if (spent > 0n) taken.push({ lot, amount: spent });
      if (isOver(lot, at)) this.#lose(lot, given);
      else freed.push([lot, given]);
      hold.released += given;
      hold.rest -= spent + given;
    }
    hold.captured += captured;
    for (const [lot, free] of freed) this.#pay(lot, free);
    return taken;
  }

  /** How much of a credit can be taken back: of its own lots, and of others for what was spent of them. */
  takeable(act: ModelAct, amount: bigint): { ofOwn: bigint; ofOthers: bigint; isPending: boolean } {
    const own = this.lots.filter(({ madeBy }) => madeBy === act.key);
    const free = own.reduce((sum, lot) => sum + lot.left - this.heldOf(lot), 0n);
    const ofOwn = least(free, amount);
    if (own.some(({ due }) => !due)) return { ofOwn, ofOthers: 0n, isPending: true };
    const missing = amount - ofOwn;
    const spent = missing - least(missing, this.lost.get(act.key) ?? 0n);
    const rest = this.available - ofOwn;
    const ofOthers = this.mayOwe ? spent : least(spent, rest > 0n ? rest : 0n);
    return { ofOwn, ofOthers, isPending: false };
  }

  takeBack(act: ModelAct, amount: bigint): bigint {
    const { ofOwn, ofOthers } = this.takeable(act, amount);
    let missing = ofOwn;
    for (const lot of this.inOrder().filter(({ madeBy }) => madeBy === act.key)) {
      const part = least(lot.left - this.heldOf(lot), missing);
      lot.left -= part;
      missing -= part;
    }
    this.#take(ofOthers);
    act.reversed += ofOwn + ofOthers;
    return ofOwn + ofOthers;
  }

  /** Gives back what an act took; what was beyond the lots and is owed no more becomes a lot of its own. */
  restore(
    act: ModelAct,
    amount: bigint,
    now: Date,
    made: Pick<ModelWish, 'dueAt' | 'overAt'> & Pick<ModelKeys, 'operation' | 'lot'>,
  ): void {
    const { back, owed } = planBack(act, amount);
    act.reversed += amount;
    const forgiven = least(owed, this.debt);
    this.debt -= forgiven;
    for (const [lot, part] of back) {
      lot.left += part;
      if (isOver(lot, now)) this.#lose(lot, part);
      else this.#pay(lot, part);
    }
    const { operation, lot, dueAt, overAt } = made;
    if (owed > forgiven)
      this.#add({ key: lot, madeBy: operation, amount: owed - forgiven, dueAt, overAt }, now);
  }
}

/** Where the points of a spend go back to: the last that were taken come first. */
function planBack(act: ModelAct, amount: bigint): { back: [ModelLot, bigint][]; owed: bigint } {
  let [skipped, missing, owed] = [act.reversed, amount, 0n];
  const back: [ModelLot, bigint][] = [];
  for (const { lot, amount: taken } of act.taken.toReversed()) {
    const before = least(skipped, taken);
    const part = least(taken - before, missing);
    skipped -= before;
    missing -= part;
    if (lot === null) owed += part;
    else back.push([lot, part]);
  }
  return { back, owed };
}
