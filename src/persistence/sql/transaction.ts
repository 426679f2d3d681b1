import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { inTransaction } from '../in-transaction.ts';
import { Batch, type Call, rootOf } from './batch.ts';
import { type Sql, type Statement, statement } from './statement.ts';

const begin = statement('tx.begin', 'begin');
const commit = statement('tx.commit', 'commit');
const rollback = statement('tx.rollback', 'rollback');
const setTenant = statement('tx.tenant', `select set_config('app.tenant_id', $1, true)`);
/**
 * Every transaction of a tenant shares this lock; one that must be alone takes it for itself. It comes before
 * the facts are read, so whoever waited for a new program knows that there is one.
 */
const shareTenant = statement('tx.share', 'select pg_advisory_xact_lock_shared(hashtextextended($1, 0))');
const takeTenant = statement('tx.alone', 'select pg_advisory_xact_lock(hashtextextended($1, 0))');
const readClock = statement<{ now: Date; program_version: number | null }>(
  'tx.clock',
  'select business_time() as now, program_version from tenant where tenant_id = $1',
);

const SERIALIZATION_FAILURES = new Set(['40001', '40P01']);
const MAX_ATTEMPTS = 5;

/** What a transaction reads once, at its start. */
export interface TransactionFacts {
  /** Business time: the database's, plus the tenant's test-clock offset. */
  readonly now: Date;
  /** The version of the program in force; null while the tenant has none. */
  readonly programVersion: number | null;
}

/** One transaction of one tenant. Statements of the same turn travel together, in one round trip. */
export interface Transaction extends Sql {
  readonly facts: Promise<TransactionFacts>;
  /** Sends a last statement together with COMMIT; what it answers is known only once that succeeded. */
  defer<Row>(stmt: Statement<Row>, values: readonly unknown[], onRows?: (rows: Row[]) => void): void;
  /** Sends a statement behind all others, right before COMMIT: it throws where that mustn't be. */
  check(stmt: Statement<unknown>, values: readonly unknown[]): void;
}

export interface TransactionOptions {
  /** Everything is done and checked, then rolled back. */
  readonly dryRun?: boolean;
  /** No other transaction of the tenant runs meanwhile: for what the others take for granted. */
  readonly alone?: boolean;
}

class TenantTransaction implements Transaction {
  readonly facts: Promise<TransactionFacts>;
  readonly #client: pg.ClientBase;
  #gathered: Call[] = [];
  #deferred: Call[] = [];
  readonly #checks: Call[] = [];
  /** Tells what the deferred statements answered. */
  readonly #answers: (() => void)[] = [];
  #ended = false;
  /** The first statement that failed, even if whoever sent it went on. */
  #failure: unknown;
  /** The answer to the last statement; those before it are answered by then. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(client: pg.ClientBase, tenantKey: string, { alone = false }: TransactionOptions) {
    this.#client = client;
    this.run(begin, []).catch(() => undefined);
    this.run(setTenant, [tenantKey]).catch(() => undefined);
    this.run(alone ? takeTenant : shareTenant, [tenantKey]).catch(() => undefined);
    this.facts = this.run(readClock, [tenantKey]).then(([row]) => {
      if (row === undefined) throw new Error(`There is no tenant ${tenantKey}.`);
      return { now: row.now, programVersion: row.program_version };
    });
    this.facts.catch(() => undefined);
  }

  run<Row>(stmt: Statement<Row>, values: readonly unknown[]): Promise<Row[]> {
    // Work that goes on after the transaction has ended must not reach the connection's next user.
    if (this.#ended) return Promise.reject(new Error('The transaction has ended.'));
    return this.#send(stmt, values);
  }

  #send<Row>(stmt: Statement<Row>, values: readonly unknown[]): Promise<Row[]> {
    const answer = new Promise<Row[]>((resolve, reject) => {
      if (this.#gathered.length === 0) process.nextTick(() => this.#flush());
      const failed = (error: unknown): void => {
        this.#failure ??= error;
        reject(error);
      };
      this.#gathered.push({ statement: stmt, values, resolve: resolve as Call['resolve'], reject: failed });
    });
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  /** Waits until all that was sent is answered. */
  async answered(): Promise<void> {
    await this.#last;
  }

  defer<Row>(stmt: Statement<Row>, values: readonly unknown[], onRows?: (rows: Row[]) => void): void {
    const resolve = (rows: unknown[]): void => {
      this.#answers.push(() => onRows?.(rows as Row[]));
    };
    this.#deferred.push({ statement: stmt, values, resolve, reject: this.#failed });
  }

  check(stmt: Statement<unknown>, values: readonly unknown[]): void {
    this.#checks.push({ statement: stmt, values, resolve: () => undefined, reject: this.#failed });
  }

  readonly #failed = (error: unknown): void => {
    this.#failure ??= error;
  };

  get hasDeferred(): boolean {
    return this.#deferred.length > 0;
  }

  /** What was not sent yet, what was deferred, the checks and the end travel together. */
  async end(last: Statement<unknown>): Promise<void> {
    this.#ended = true;
    this.#gathered.push(...this.#deferred, ...this.#checks);
    this.#deferred = [];
    const ended = this.#send(last, []);
    this.#flush();
    await ended.catch(() => undefined);
    // PostgreSQL answers the COMMIT of a failed transaction without an error, and rolls it back.
    if (this.#failure !== undefined) throw this.#failure;
    for (const answer of this.#answers) answer();
  }

  async abandon(): Promise<void> {
    this.#ended = true;
    this.#deferred = [];
    await this.#send(rollback, []);
  }

  #flush(): void {
    if (this.#gathered.length === 0) return;
    const calls = this.#gathered;
    this.#gathered = [];
    this.#client.query(new Batch(calls));
  }
}

/**
 * One at a time for each tenant. The statements that go with a COMMIT take the tenant's feed position, whose
 * row is locked until then: transactions that queue for it here cost nothing, in PostgreSQL each wakes a
 * backend.
 */
class Turns {
  readonly #tails = new Map<string, Promise<unknown>>();
  /** Tenants of which one went out of turn. */
  readonly #early = new Set<string>();

  /**
   * @param answered resolves once all that was sent before is answered: a statement may wait for a row of a
   *   transaction that waits for its turn, and must not have the turn. Where nobody has it, nobody is waited
   *   for, but then the turn isn't had either: who comes next goes on to PostgreSQL
   */
  async take<T>(tenantKey: string, answered: () => Promise<void>, work: () => Promise<T>): Promise<T> {
    if (!this.#tails.has(tenantKey) && !this.#early.has(tenantKey)) {
      this.#early.add(tenantKey);
      return await work().finally(() => this.#early.delete(tenantKey));
    }
    await answered();
    const before = this.#tails.get(tenantKey) ?? Promise.resolve();
    const running = before.then(work, work);
    this.#tails.set(tenantKey, running);
    try {
      return await running;
    } finally {
      if (this.#tails.get(tenantKey) === running) this.#tails.delete(tenantKey);
    }
  }
}

/** The connections on which transactions run. */
export class TransactionPool {
  readonly #pool: pg.Pool;
  readonly #turns = new Turns();

  constructor(config: pg.PoolConfig, onError: (error: Error) => void) {
    this.#pool = new pg.Pool(config);
    this.#pool.on('error', onError);
    // From the first moment: the pool hears idle connections alone, and what nobody hears ends the process.
    this.#pool.on('connect', (client) => client.on('error', onError));
  }

  /**
   * Runs `work` in one transaction with the tenant set, and commits. A serialization failure or a deadlock
   * runs it again, a bounded number of times, after a random pause.
   */
  async run<T>(
    tenantKey: string,
    work: (tx: Transaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#attempt(tenantKey, work, options);
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !isSerializationFailure(error)) throw error;
        await delay(Math.random() * 5 * 2 ** attempt);
      }
    }
  }

  async #attempt<T>(
    tenantKey: string,
    work: (tx: Transaction) => Promise<T>,
    options: TransactionOptions,
  ): Promise<T> {
    const client = await this.#pool.connect();
    const tx = new TenantTransaction(client, tenantKey, options);
    let broken: Error | undefined;
    try {
      const result = await inTransaction(() => work(tx));
      const last = options.dryRun === true ? rollback : commit;
      if (!tx.hasDeferred) await tx.end(last);
      else
        await this.#turns.take(
          tenantKey,
          () => tx.answered(),
          () => tx.end(last),
        );
      return result;
    } catch (error) {
      await tx.abandon().catch((failure: Error) => {
        broken = failure;
      });
      // That a statement was skipped says nothing: a deadlock before it is retried, a lost connection told.
      throw rootOf(error);
    } finally {
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

function isSerializationFailure(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && SERIALIZATION_FAILURES.has(code);
}
