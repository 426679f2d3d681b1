import type { FeedListener } from '../../events/index.ts';
import { newKey } from '../../kernel/ids.ts';
import type { Database, Transaction } from '../../persistence/index.ts';
import type { PinnedProgram, ProgramService } from '../programs/index.ts';
import { laddersOf } from './ladder.policy.ts';
import { TierChangeCause } from './tier-change.entity.ts';
import { markDue } from './tier-due.repository.ts';
import type { TierListener } from './tier-listener.ts';
import { findReviewable, type MemberRange, nextRange, reviewMembers } from './tier-review.repository.ts';
import { insertTierChanges } from './tier-write.repository.ts';

/** How many tiers of members a review looked at, and how many of them it changed. */
export interface Reviewed {
  readonly reviewed: number;
  readonly changed: number;
}

const MEMBERS_A_TRANSACTION = 20_000;

/**
 * The review: the one that lowers tiers, each day and after a new program. Whom it would change in a ladder
 * that extensions evaluate is left to be evaluated.
 */
export class TierReview {
  readonly #database: Database;
  readonly #programs: ProgramService;
  readonly #listener: TierListener;
  readonly #feed: FeedListener;
  readonly #membersATransaction: number;

  constructor(
    database: Database,
    programs: ProgramService,
    listener: TierListener,
    feed: FeedListener,
    membersATransaction = MEMBERS_A_TRANSACTION,
  ) {
    this.#database = database;
    this.#programs = programs;
    this.#listener = listener;
    this.#feed = feed;
    this.#membersATransaction = membersATransaction;
  }

  /**
   * Reviews all members of a tenant in all ladders, some thousands a transaction. Two at once, or one again
   * after a crash, do no harm: what is decided depends on the moment alone.
   * @param cause why tiers change that were not set by hand
   */
  async review(
    tenantKey: string,
    cause: TierChangeCause.REVIEWED | TierChangeCause.PROGRAM = TierChangeCause.REVIEWED,
  ): Promise<Reviewed> {
    const sql = this.#database.read(tenantKey);
    const { definition } = await this.#programs.inForce(tenantKey);
    let sum: Reviewed = { reviewed: 0, changed: 0 };
    for (const { code } of laddersOf(definition).all) {
      let range = await nextRange(sql, tenantKey, null, this.#membersATransaction);
      while (range !== null) {
        const done = await this.#reviewRange(tenantKey, code, { range, cause });
        sum = { reviewed: sum.reviewed + done.reviewed, changed: sum.changed + done.changed };
        range = await nextRange(sql, tenantKey, range, this.#membersATransaction);
      }
    }
    return sum;
  }

  async #reviewRange(
    tenantKey: string,
    code: string,
    what: { readonly range: MemberRange; readonly cause: TierChangeCause },
  ): Promise<Reviewed> {
    const done = await this.#programs.underProgram(tenantKey, (program) =>
      this.#database.transaction(tenantKey, (tx) => this.#reviewIn(tx, { tenantKey, program }, code, what)),
    );
    if (done.changed > 0) this.#feed.posted(tenantKey);
    return done;
  }

  async #reviewIn(
    tx: Transaction,
    { tenantKey, program }: { readonly tenantKey: string; readonly program: PinnedProgram },
    code: string,
    { range, cause }: { readonly range: MemberRange; readonly cause: TierChangeCause },
  ): Promise<Reviewed> {
    const ladders = laddersOf(program.definition);
    const ladder = ladders.all.find((one) => one.code === code);
    // A newer program may have no such ladder any more.
    if (ladder === undefined) return { reviewed: 0, changed: 0 };
    const question = { tenantKey, ladder, timeZone: program.definition.timeZone };
    const [{ now }, { reviewed, memberKeys }] = await Promise.all([
      this.#programs.recheck(tx, program),
      findReviewable(tx, question, range),
    ]);
    if (memberKeys.length === 0) return { reviewed, changed: 0 };
    if (ladder.isEvaluated) {
      const why = cause === TierChangeCause.PROGRAM ? 'PROGRAM' : 'REVIEWED';
      const due = memberKeys.map(
        (memberKey) => ({ memberKey, ladder: code, markKey: newKey(), cause: why }) as const,
      );
      await markDue(tx, tenantKey, due);
      return { reviewed, changed: 0 };
    }
    const changes = (await reviewMembers(tx, question, memberKeys)).flatMap(({ cause: own, ...change }) => {
      if (own === null) return [];
      return [{ ...change, ladder: code, cause: own === 'REVIEWED' ? cause : TierChangeCause[own] }];
    });
    if (changes.length === 0) return { reviewed, changed: 0 };
    const members = changes.map(({ memberKey }) => memberKey);
    await Promise.all([
      insertTierChanges(tx, tenantKey, changes, { now, ladders }),
      this.#listener.changed(tx, { tenantKey, program, now }, members),
    ]);
    return { reviewed, changed: changes.length };
  }
}
