import type { FeedListener } from '../../events/index.ts';
import type { Database } from '../../persistence/index.ts';
import type { ProgramDefinition, ProgramListener, ProgramService } from '../programs/index.ts';
import { type CarriedBenefit, findOutOfStep } from './tier-grant.repository.ts';
import type { TierGrants } from './tier-grants.ts';

const MEMBERS_A_TRANSACTION = 5_000;

/**
 * Brings the grants of tiers into step with a program whose tiers carry other benefits than before: after it
 * has come into force, and each day, should that have broken off.
 */
export class TierGrantUpkeep implements ProgramListener {
  readonly #database: Database;
  readonly #programs: ProgramService;
  readonly #grants: TierGrants;
  readonly #feed: FeedListener;

  constructor(database: Database, programs: ProgramService, grants: TierGrants, feed: FeedListener) {
    this.#database = database;
    this.#programs = programs;
    this.#grants = grants;
    this.#feed = feed;
  }

  /** Nothing to do while the program is being written down: grants follow it afterwards. */
  async applying(): Promise<void> {}

  async applied(tenantKey: string): Promise<void> {
    await this.bringIntoStep(tenantKey);
  }

  /**
   * Grants what tiers carry and members lack, and ends what none carries; some thousands a transaction.
   * @returns how many members were out of step
   */
  async bringIntoStep(tenantKey: string): Promise<number> {
    let changed = 0;
    for (;;) {
      const { definition } = await this.#programs.inForce(tenantKey);
      const sql = this.#database.read(tenantKey);
      const members = await findOutOfStep(sql, tenantKey, carriedBy(definition), MEMBERS_A_TRANSACTION);
      if (members.length === 0) return changed;
      await this.#programs.underProgram(tenantKey, (program) =>
        this.#database.transaction(tenantKey, async (tx) => {
          const { now } = await this.#programs.recheck(tx, program);
          await this.#grants.reconcile(tx, { tenantKey, program, now }, members);
        }),
      );
      this.#feed.posted(tenantKey);
      changed += members.length;
      if (members.length < MEMBERS_A_TRANSACTION) return changed;
    }
  }
}

function carriedBy({ ladders, benefits }: ProgramDefinition): CarriedBenefit[] {
  const known = new Set(benefits.map(({ code }) => code));
  return ladders.flatMap(({ code: ladder, tiers }) =>
    tiers.flatMap(({ code: tier, benefits: own }) =>
      own.filter((benefit) => known.has(benefit)).map((benefit) => ({ ladder, tier, benefit })),
    ),
  );
}
