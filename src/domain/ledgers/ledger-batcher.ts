import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FeedListener } from '../../events/index.ts';
import { type Database, isDataFault, violatedConstraint } from '../../persistence/index.ts';
import type { ProgramService } from '../programs/index.ts';
import { type HandPosting, type Outcome, postBatch } from './batch-posting.ts';

const MOST_TOGETHER = 250;
/** Batches of a tenant that are in flight at once: while one waits for the disk, another is worked out. */
const SHARDS = 2;
/** How often a batch is run that others got in the way of. */
const MOST_TRIES = 5;

/** One who waits for its batch. */
interface Waiting {
  readonly asked: HandPosting;
  resolve(outcome: Outcome): void;
  reject(error: unknown): void;
}

/**
 * Gathers postings of concurrent callers into few transactions. Nobody waits for company: a posting goes at
 * once, unless a batch of its tenant and shard is in flight; what arrives meanwhile makes the next one.
 * Postings of one ledger are in one shard, so they are decided in the order in which they came.
 */
export class PostingBatcher {
  readonly #database: Database;
  readonly #programs: ProgramService;
  readonly #listener: FeedListener;
  /** Who waits, by tenant and shard; a shard stands here while it has a batch in flight. */
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(database: Database, programs: ProgramService, listener: FeedListener) {
    this.#database = database;
    this.#programs = programs;
    this.#listener = listener;
  }

  /**
   * Posts, and answers once that is committed. It is queued before this returns.
   * @throws what made the whole batch fail: maybe only its answer was lost, so look the key up
   */
  post(tenantKey: string, asked: HandPosting): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const shard = `${tenantKey}:${shardOf(asked)}`;
      const queue = this.#waiting.get(shard);
      if (queue !== undefined) {
        queue.push({ asked, resolve, reject });
        return;
      }
      this.#waiting.set(shard, [{ asked, resolve, reject }]);
      void this.#empty(tenantKey, shard);
    });
  }

  async #empty(tenantKey: string, shard: string): Promise<void> {
    for (;;) {
      // Whoever was answered just now and asks again comes along.
      await nextTurn();
      const batch = this.#waiting.get(shard)?.splice(0, MOST_TOGETHER) ?? [];
      if (batch.length === 0) break;
      await this.#carryOut(tenantKey, batch);
    }
    this.#waiting.delete(shard);
  }

  async #carryOut(tenantKey: string, batch: readonly Waiting[]): Promise<void> {
    try {
      const asked = batch.map((one) => one.asked);
      const outcomes = await this.#commit(tenantKey, asked);
      this.#tell(tenantKey, outcomes);
      batch.forEach((one, index) => {
        const outcome = outcomes[index];
        if (outcome !== undefined) one.resolve(outcome);
      });
    } catch (error) {
      if (batch.length > 1 && isDataFault(error)) {
        // One of them is to blame: each goes alone, so that it costs its neighbours nothing.
        for (const one of batch) await this.#carryOut(tenantKey, [one]);
        return;
      }
      for (const one of batch) one.reject(error);
    }
  }

  async #commit(tenantKey: string, asked: readonly HandPosting[]): Promise<Outcome[]> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#database.transaction(tenantKey, (tx) =>
          postBatch(tx, tenantKey, this.#programs, asked),
        );
      } catch (error) {
        // Another transaction has bound a key or made a ledger: this time it is found.
        if (violatedConstraint(error) === null || tries === MOST_TRIES) throw error;
      }
    }
  }

  #tell(tenantKey: string, outcomes: readonly Outcome[]): void {
    if (outcomes.some(({ became }) => became === 'WRITTEN')) this.#listener.posted(tenantKey);
  }
}

/** A ledger's key is a hash, and so is its last digit. */
function shardOf({ ledgerKey }: HandPosting): number {
  return Number.parseInt(ledgerKey.slice(-1), 16) % SHARDS;
}
