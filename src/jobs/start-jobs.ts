import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Runner,
  run,
  type WorkerEvents,
  Logger as WorkerLogger,
  type WorkerPool,
} from 'graphile-worker';
import type { Logger } from 'pino';
import type { JobPool } from '../persistence/index.ts';
import type { JobParts } from './daily.ts';
import { keepUp } from './job.repository.ts';
import { tasksOf } from './tasks.ts';

/** Jobs at once; a tenant's own go one after another. */
const AT_ONCE = 4;
/** Beside those that jobs are fetched on: the one that listens, and the upkeep's. */
const MORE_CONNECTIONS = 2;
const POLL_MS = 2_000;
/** How long a gateway that says nothing keeps the jobs that it took. */
const LEASE_MS = 60_000;
const UPKEEPS_A_LEASE = 3;
/** A job that takes longer to end is left to another gateway, or the next start. */
const DRAIN_WITHIN_MS = 8_000;
const INSUFFICIENT_PRIVILEGE = '42501';

export interface JobOptions {
  /** How often what is due is looked for; the same at all gateways. */
  readonly everyMs: number;
  readonly leaseMs?: number;
}

/**
 * Runs the jobs of all tenants by graphile-worker, beside any number of gateways that do the same.
 * @throws Error, one sentence, when the tables of jobs are older than this build
 */
export async function startJobs(parts: JobParts, options: JobOptions): Promise<{ stop(): Promise<void> }> {
  const jobs = new Jobs(parts, options);
  await jobs.start();
  return jobs;
}

class Jobs {
  readonly #parts: JobParts;
  readonly #options: Required<JobOptions>;
  readonly #connections: JobPool;
  #runner: Runner | null = null;
  #workers: WorkerPool | null = null;
  /** graphile-worker never asks again which tasks there are, once that failed: then it is started anew. */
  #isBlind = false;
  #timer: NodeJS.Timeout | undefined;
  #upkeep: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: JobParts, { everyMs, leaseMs = LEASE_MS }: JobOptions) {
    this.#parts = parts;
    this.#options = { everyMs, leaseMs };
    this.#connections = parts.database.openJobPool(AT_ONCE + MORE_CONNECTIONS);
  }

  async start(): Promise<void> {
    try {
      await this.#run();
      await this.#keepUp();
      await this.#parts.endpoints.start();
      await this.#parts.listeners.start();
    } catch (error) {
      await this.stop();
      if ((error as { code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error;
      throw new Error(
        'The tables of jobs are not those of this build: run "membergraph migrate" with DATABASE_ADMIN_URL ' +
          'first.',
      );
    }
    this.#schedule();
  }

  /** Waits for the jobs under way; those that take too long are given back, to be begun again elsewhere. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#upkeep;
    const { endpoints, listeners } = this.#parts;
    await Promise.all([this.#stopRunner(), endpoints.stop(), listeners.stop()]);
    await this.#connections.close();
  }

  async #run(): Promise<void> {
    const { everyMs } = this.#options;
    const events: WorkerEvents = new EventEmitter();
    events.on('pool:create', ({ workerPool }) => {
      this.#workers = workerPool;
    });
    events.on('worker:getJob:error', () => {
      this.#isBlind = true;
    });
    for (const seen of ['worker:getJob:empty', 'job:start'] as const)
      events.on(seen, () => {
        this.#isBlind = false;
      });
    const runner = await run({
      pgPool: this.#connections.pool,
      taskList: tasksOf(this.#parts, this.#connections, everyMs),
      parsedCronItems: [],
      forbiddenFlags: this.#parts.pluginJobs.forbiddenFlags,
      concurrency: AT_ONCE,
      pollInterval: Math.min(POLL_MS, everyMs),
      noHandleSignals: true,
      logger: loggerFor(this.#parts.logger),
      events,
      // Without batches, a connection lost as a job ends is a rejection that nobody hears, and ends us.
      preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    });
    this.#runner = runner;
    const ended = (): void => {
      if (this.#runner === runner) this.#runner = null;
    };
    runner.promise.then(ended, ended);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#upkeep = this.#keepUp()
        .catch((error: unknown) =>
          this.#parts.logger.error({ err: error }, 'the jobs could not be looked after; that is tried again'),
        )
        .then(() => (this.#stopped ? undefined : this.#schedule()));
    }, this.#options.leaseMs / UPKEEPS_A_LEASE).unref();
  }

  async #keepUp(): Promise<void> {
    const wasBlind = this.#isBlind;
    const poolId = this.#workers?.id ?? '';
    const freed = await keepUp(this.#connections, { poolId, ...this.#options });
    if (freed > 0) this.#parts.logger.warn({ freed }, 'jobs of a gateway that is gone are begun again');
    if (wasBlind && this.#isBlind) await this.#stopRunner();
    if (this.#runner === null && !this.#stopped) await this.#run();
  }

  async #stopRunner(): Promise<void> {
    const [runner, workers] = [this.#runner, this.#workers];
    this.#runner = null;
    if (runner === null || workers === null) return;
    const stopping = runner.stop().catch(() => undefined);
    const inTime = new AbortController();
    const late = delay(DRAIN_WITHIN_MS, true, { signal: inTime.signal }).catch(() => false);
    const isLate = await Promise.race([stopping.then(() => false), late]);
    inTime.abort();
    if (isLate) await Promise.resolve(workers.forcefulShutdown('The gateway stops.')).catch(() => undefined);
  }
}

/** What graphile-worker says of its own doings; of jobs we say it ourselves, with their tenant. */
function loggerFor(logger: Logger): WorkerLogger {
  return new WorkerLogger(() => (level, message, { error, failure }) => {
    if (failure === true) return;
    const fields = error === undefined ? {} : { err: error };
    if (level === 'error') logger.error(fields, `jobs: ${message}`);
    else if (level === 'warning') logger.warn(fields, `jobs: ${message}`);
    else logger.debug(fields, `jobs: ${message}`);
  });
}
