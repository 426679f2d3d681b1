import type { Transaction } from '../../persistence/index.ts';
import type { StandingRow } from './standing.repository.ts';
import type { Tier } from './tier.entity.ts';
import type { DueTier } from './tier-due.repository.ts';

/** What a transaction left to be evaluated, as it left it. */
export interface TierMark extends DueTier {
  readonly standing: StandingRow;
  /** The tier that the evaluation comes to; never rejected, and settled only by whoever evaluates at once. */
  readonly tierThen: PromiseWithResolvers<Tier | null>;
}

/** What transactions left to be evaluated, for whoever evaluates right after their commit. */
export class TierMarks {
  readonly #of = new WeakMap<Transaction, Map<string, TierMark>>();

  /** Of one member in one ladder the last one counts. */
  add(tx: Transaction, marks: readonly TierMark[]): void {
    const known = this.#of.get(tx) ?? new Map<string, TierMark>();
    for (const mark of marks) known.set(`${mark.memberKey} ${mark.ladder}`, mark);
    this.#of.set(tx, known);
  }

  of(tx: Transaction): readonly TierMark[] {
    return [...(this.#of.get(tx)?.values() ?? [])];
  }

  find(tx: Transaction, memberKey: string, ladder: string): TierMark | null {
    return this.#of.get(tx)?.get(`${memberKey} ${ladder}`) ?? null;
  }
}
