/** A lot, in plain words. */
export interface ModelLot {
  readonly key: string;
  readonly madeBy: string;
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
  readonly taken: { lot: ModelLot | null; amount: bigint }[];
}

const least = (...amounts: bigint[]): bigint => amounts.reduce((a, b) => (a < b ? a : b));

/** What a ledger with holds is, in plain words. */
export class HoldModel {
  readonly lots: ModelLot[] = [];
  readonly holds: ModelHold[] = [];
  readonly acts: ModelAct[] = [];
  /** What time took of the lots that an act made. */
  readonly lost = new Map<string, bigint>();
  readonly mayGoNegative: boolean;
  debt = 0n;

  constructor(mayGoNegative: boolean) {
    this.mayGoNegative = mayGoNegative;
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
      ...this.lots.flatMap(({ dueAt, overAt }) => [dueAt, overAt]),
      ...this.holds.map(({ endsAt }) => endsAt),
    ].flatMap((moment) => (moment !== null && moment <= now ? [moment] : []));
    for (const moment of moments.sort((a, b) => a.getTime() - b.getTime())) {
      for (const lot of this.inOrder().filter(({ due, dueAt }) => !due && dueAt <= moment)) {
        lot.due = true;
        this.#pay(lot, lot.left);
      }
      const ending = this.holds.filter(
        (one) => one.ended === null && one.endsAt !== null && one.endsAt <= moment,
      );
      for (const hold of ending.sort((a, b) => (a.key < b.key ? -1 : 1))) {
        this.endHold(hold, 0n, true, hold.endsAt ?? moment);
        hold.ended = 'EXPIRED';
      }
      for (const lot of this.lots) {
        if (lot.due && lot.overAt !== null && lot.overAt <= moment) this.#lose(lot, this.#free(lot));
      }
    }
  }

  earn(key: string, lot: ModelLot): void {
    this.acts.push({ key, amount: lot.left, reversed: 0n, taken: [] });
    this.add(lot);
  }

  add(lot: ModelLot): void {
    this.lots.push(lot);
    if (lot.due) this.#pay(lot, lot.left);
  }

  spend(key: string, amount: bigint): void {
    const taken = this.#take(amount);
    this.acts.push({ key, amount: -amount, reversed: 0n, taken });
  }

  #take(amount: bigint): ModelAct['taken'] {
    const taken: ModelAct['taken'] = [];
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

  hold(key: string, amount: bigint, endsAt: Date | null): void {
    const parts = new Map<ModelLot, bigint>();
    let missing = amount;
    for (const lot of this.inOrder()) {
      const part = least(this.#free(lot), missing);
      if (part > 0n) parts.set(lot, part);
      missing -= part;
    }
    this.holds.push({ key, rest: amount, captured: 0n, released: 0n, ended: null, endsAt, parts });
  }

  capture(key: string, hold: ModelHold, amount: bigint, isFinal: boolean, now: Date): void {
    const taken = this.endHold(hold, amount, isFinal, now);
    if (hold.rest === 0n) hold.ended = 'CAPTURED';
    this.acts.push({ key, amount: -amount, reversed: 0n, taken });
  }

  release(hold: ModelHold, now: Date): void {
    this.endHold(hold, 0n, true, now);
    hold.ended = 'RELEASED';
  }

  /** Captures an amount of a hold, and releases the rest if it ends; what is released too late is lost. */
  endHold(hold: ModelHold, captured: bigint, ends: boolean, at: Date): ModelAct['taken'] {
    const taken: ModelAct['taken'] = [];
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
      if (lot.overAt !== null && lot.overAt <= at) this.#lose(lot, given);
      else freed.push([lot, given]);
      hold.released += given;
      hold.rest -= spent + given;
    }
    hold.captured += captured;
    for (const [lot, free] of freed) this.#pay(lot, free);
    return taken;
  }

  /** How much of a credit can be taken back. */
  takeable(act: ModelAct, amount: bigint): { ofOwn: bigint; ofOthers: bigint } {
    const own = this.lots.filter(({ madeBy }) => madeBy === act.key);
    const free = own.reduce((sum, lot) => sum + lot.left - this.heldOf(lot), 0n);
    const ofOwn = least(free, amount);
    if (own.some(({ due }) => !due)) return { ofOwn, ofOthers: 0n };
    const missing = amount - ofOwn;
    const spent = missing - least(missing, this.lost.get(act.key) ?? 0n);
    const rest = this.available - ofOwn;
    return { ofOwn, ofOthers: this.mayGoNegative ? spent : least(spent, rest > 0n ? rest : 0n) };
  }

  takeBack(act: ModelAct, amount: bigint): void {
    const { ofOwn, ofOthers } = this.takeable(act, amount);
    for (const lot of this.lots.filter(({ madeBy }) => madeBy === act.key)) lot.left -= ofOwn;
    this.#take(ofOthers);
    act.reversed += ofOwn + ofOthers;
  }

  /** Gives back what an act took, the last first; answers what was beyond the lots and is owed no more. */
  restore(act: ModelAct, amount: bigint, now: Date): bigint {
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
    act.reversed += amount;
    const forgiven = least(owed, this.debt);
    this.debt -= forgiven;
    for (const [lot, part] of back) {
      lot.left += part;
      if (lot.overAt !== null && lot.overAt <= now) this.#lose(lot, part);
      else this.#pay(lot, part);
    }
    return owed - forgiven;
  }
}
