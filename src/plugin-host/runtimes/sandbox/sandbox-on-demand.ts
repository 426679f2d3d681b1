import { failed } from './answer.ts';
import {
  type SandboxCall,
  type SandboxCompiled,
  type SandboxOptions,
  SandboxPool,
  type SandboxResult,
  type SandboxSource,
} from './pool.ts';

/** Threads that don't start within this time, the longest that anybody is asked, aren't waited for. */
const START_MS = 10_000;

/** The pool, from the first time that it is needed: who has no uploaded code pays nothing for it. */
export class SandboxOnDemand {
  readonly #options: SandboxOptions;
  #opening: Promise<SandboxPool> | null = null;
  #pool: SandboxPool | null = null;
  #isClosed = false;

  constructor(options: SandboxOptions) {
    this.#options = options;
  }

  async compile(source: SandboxSource): Promise<SandboxCompiled> {
    return await (await this.#open()).compile(source);
  }

  /** Never throws. The first call also waits for the threads to start, which doesn't count as its time. */
  async call(call: SandboxCall): Promise<SandboxResult> {
    const pool = await this.#openSoon();
    return pool === null ? { ...failed('CLOSED'), durationMs: 0 } : await pool.call(call);
  }

  /** Whether a tenant's code isn't asked now, because it ran too long too often. */
  isSuspended(tenantKey: string): boolean {
    return this.#pool?.isSuspended(tenantKey) ?? false;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await (await this.#opening?.catch(() => null))?.close();
  }

  async #openSoon(): Promise<SandboxPool | null> {
    const late = Promise.withResolvers<null>();
    const timer = setTimeout(() => late.resolve(null), START_MS);
    try {
      return await Promise.race([this.#open().catch(() => null), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #open(): Promise<SandboxPool> {
    if (this.#isClosed) return Promise.reject(new Error('The sandbox is closed.'));
    if (this.#opening !== null) return this.#opening;
    const opening = SandboxPool.open(this.#options);
    this.#opening = opening;
    opening.then(
      (pool) => {
        this.#pool = pool;
      },
      () => {
        this.#opening = null;
      },
    );
    return opening;
  }
}
