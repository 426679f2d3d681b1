import type { Database, Transaction } from '../../persistence/index.ts';
import type { PinnedProgram, ProgramListener, ProgramService } from '../programs/index.ts';
import { laddersOf } from './ladder.policy.ts';
import { TierChangeCause } from './tier-change.entity.ts';
import { fillMetric, insertLadderRows } from './tier-preparation.repository.ts';
import type { TierReview } from './tier-review.ts';
import { firstTiers } from './tier-tracker.ts';

/** Makes tiers ready for a program: sums up the past for new metrics, and gives new ladders their rows. */
export class TierPreparation implements ProgramListener {
  readonly #database: Database;
  readonly #programs: ProgramService;
  readonly #review: TierReview;

  constructor(database: Database, programs: ProgramService, review: TierReview) {
    this.#database = database;
    this.#programs = programs;
    this.#review = review;
  }

  async applying(
    tx: Transaction,
    tenantKey: string,
    { definition }: PinnedProgram,
    before: PinnedProgram | null,
  ): Promise<void> {
    const { all, byMetric } = laddersOf(definition);
    const old = before === null ? null : laddersOf(before.definition);
    // In another zone, everything counts on other days.
    const isSameZone = before?.definition.timeZone === definition.timeZone;
    for (const [name, [ladder]] of byMetric) {
      if (ladder === undefined || (isSameZone && old?.byMetric.has(name) === true)) continue;
      await fillMetric(tx, tenantKey, { metric: ladder.metric, name }, definition.timeZone);
    }
    const added = all.filter(({ code }) => old?.all.some((one) => one.code === code) !== true);
    if (added.length > 0) await insertLadderRows(tx, tenantKey, firstTiers(added));
  }

  /**
   * Makes everything that ladders stand on anew: for a tenant whose program came into force before this
   * release kept any of it. Harmless for every other one.
   */
  async prepare(tenantKey: string): Promise<void> {
    await this.#programs.underProgram(tenantKey, (program) =>
      this.#database.transaction(
        tenantKey,
        async (tx) => {
          await this.#programs.recheck(tx, program);
          await this.applying(tx, tenantKey, program, null);
        },
        { alone: true },
      ),
    );
  }

  /** Members get the tiers that the program gives them. */
  async applied(tenantKey: string): Promise<void> {
    await this.#review.review(tenantKey, TierChangeCause.PROGRAM);
  }
}
