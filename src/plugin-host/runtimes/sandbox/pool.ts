import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { failed, refuseInput, type SandboxAnswer, type SandboxErrorCode } from './answer.ts';
import { compileEngine } from './engine.ts';
import type { SandboxCode } from './instance.ts';
import { SANDBOX_LIMITS } from './limits.ts';
import type { StripMessage } from './messages.ts';
import { Seat, type WorkerAnswer } from './seat.ts';
import { stripTypes } from './strip-types.ts';
import { Suspensions } from './suspensions.ts';
import { type Asked, type Turn, Turns } from './turns.ts';

const { codeBytes, deadlineMs: longestMs } = SANDBOX_LIMITS;

/** Within the engine the deadline is looked at often, but not always: after this much longer it's killed. */
const GRACE_MS = 15;
const TENANTS_REMEMBERED = 10_000;
/** Before a thread that didn't even start is tried again. */
const RESTART_MS = 1_000;
const SUSPENSION_MS = 60_000;
/** Room for a thousand scripts of the common size. */
const CACHE_BYTES = 80 * 1_024 * 1_024;

export interface SandboxOptions {
  /** How many threads run code; each has an engine of 16 MB. */
  readonly workers: number;
  /** How much of loaded scripts each thread keeps. */
  readonly cacheBytes?: number;
  /** How long a tenant whose code was killed again and again isn't asked. */
  readonly suspensionMs?: number;
}

export interface SandboxSource {
  readonly tenantKey: string;
  readonly source: string;
  readonly language: 'JAVASCRIPT' | 'TYPESCRIPT';
}

/** Why a source can't be taken, and where, from 1; null where nobody can say. */
export interface SandboxFinding {
  readonly code: SandboxErrorCode | 'SOURCE_TOO_LARGE' | 'TYPES';
  readonly message: string;
  readonly line: number | null;
  readonly column: number | null;
}

export type SandboxCompiled =
  | { readonly compiled: SandboxCode; readonly findings: readonly [] }
  | { readonly compiled: null; readonly findings: readonly SandboxFinding[] };

export interface SandboxCall extends SandboxCode {
  readonly tenantKey: string;
  /** JSON. */
  readonly input: string;
  /** How long the answer is waited for, in milliseconds, its turn included; at most what the limits say. */
  readonly deadlineMs: number;
  /** What `Date` tells the code. */
  readonly now: Date;
  /** From which `Math.random` follows: a whole number of 32 bits. */
  readonly seed: number;
}

export interface SandboxResult extends SandboxAnswer {
  /** How long the code ran, loading included. */
  readonly durationMs: number;
}

/** What runs in a thread. */
interface Run {
  readonly turn: Turn;
  readonly startedAt: number;
}

/**
 * Runs uploaded code in threads that can be killed. One call of a tenant runs at a time, tenants take turns,
 * and nobody's call sees anything of another one.
 */
export class SandboxPool {
  readonly #wasmModule: WebAssembly.Module;
  readonly #workers: number;
  readonly #cacheBytes: number;
  readonly #suspensions: Suspensions;
  readonly #turns = new Turns();
  readonly #seats = new Set<Seat>();
  readonly #idle = new Set<Seat>();
  readonly #running = new Map<Seat, Run>();
  /** Where a tenant's code was loaded last. */
  readonly #lastSeats = new LRUCache<string, Seat>({ max: TENANTS_REMEMBERED });
  /** Threads that are about to end, and to start again. */
  readonly #endings = new Set<Promise<void>>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  #stripping: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  private constructor(wasmModule: WebAssembly.Module, { workers, cacheBytes, suspensionMs }: SandboxOptions) {
    this.#workers = workers;
    this.#wasmModule = wasmModule;
    this.#cacheBytes = cacheBytes ?? CACHE_BYTES;
    this.#suspensions = new Suspensions(suspensionMs ?? SUSPENSION_MS);
  }

  /** Answers once every thread is ready. */
  static async open(options: SandboxOptions): Promise<SandboxPool> {
    const pool = new SandboxPool(await compileEngine(), options);
    try {
      await Promise.all(Array.from({ length: options.workers }, () => pool.#start()));
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  /** Checks a source by loading it: what its calls will run, or what is wrong with it. */
  async compile({ tenantKey, source, language }: SandboxSource): Promise<SandboxCompiled> {
    if (Buffer.byteLength(source) > codeBytes) {
      return found({ code: 'SOURCE_TOO_LARGE', message: `The source has more than ${codeBytes} bytes.` });
    }
    let code = source;
    if (language === 'TYPESCRIPT') {
      const stripped = await this.#strip(source);
      if (!('code' in stripped)) return found({ code: 'TYPES', ...stripped });
      code = stripped.code;
    }
    const compiled = { digest: createHash('sha256').update(code).digest('hex'), code };
    const { error } = await this.#ask({ kind: 'load', tenantKey, ...compiled }, longestMs);
    return error === null ? { compiled, findings: [] } : found(error);
  }

  /** Asks a compiled code. Never throws: what went wrong is the answer. */
  async call({ tenantKey, digest, code, input, deadlineMs, now, seed }: SandboxCall): Promise<SandboxResult> {
    const refusal = refuseInput(input);
    if (refusal !== null) return { ...failed(refusal), durationMs: 0 };
    const job = { kind: 'call', tenantKey, digest, code, input, now: now.getTime(), seed } as const;
    return await this.#ask(job, Math.min(deadlineMs, longestMs));
  }

  isSuspended(tenantKey: string): boolean {
    return this.#suspensions.isSuspended(tenantKey);
  }

  /** Ends every thread. Whoever still waits is told so. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#restarts) clearTimeout(timer);
    for (const turn of this.#turns.clear()) turn.settle(failed('CLOSED'), 0);
    for (const seat of [...this.#running.keys()]) this.#finish(seat, failed('CLOSED'));
    for (const seat of [...this.#seats]) this.#end(seat);
    await this.#stripping;
    await Promise.all(this.#endings);
  }

  /** One source at a time: each takes a thread of its own. */
  async #strip(source: string): Promise<StripMessage> {
    const stripped = this.#stripping.then(() => stripTypes(source));
    this.#stripping = stripped.catch(() => undefined);
    return await stripped;
  }

  async #ask(asked: Asked, deadlineMs: number): Promise<SandboxResult> {
    if (this.#isClosed) return { ...failed('CLOSED'), durationMs: 0 };
    if (this.#suspensions.isSuspended(asked.tenantKey)) return { ...failed('SUSPENDED'), durationMs: 0 };
    return await new Promise<SandboxResult>((resolve) => {
      const timer = setTimeout(() => this.#stop(turn), deadlineMs + GRACE_MS);
      const turn: Turn = {
        ...{ asked, deadlineMs, deadlineAt: performance.now() + deadlineMs },
        settle: (answer, durationMs) => {
          clearTimeout(timer);
          resolve({ ...answer, durationMs });
        },
      };
      if (this.#turns.add(turn)) this.#dispatch();
      else turn.settle(failed('OVERLOADED'), 0);
    });
  }

  #dispatch(): void {
    while (this.#idle.size > 0) {
      const turn = this.#turns.take((tenantKey) => this.#mayRun(tenantKey));
      if (turn === null) return;
      const { asked, deadlineAt } = turn;
      const startedAt = performance.now();
      const isSuspended = this.#suspensions.isSuspended(asked.tenantKey);
      if (isSuspended || startedAt >= deadlineAt) {
        this.#turns.finish(turn);
        turn.settle(failed(isSuspended ? 'SUSPENDED' : 'NO_TURN'), 0);
        continue;
      }
      const seat = this.#seatFor(asked.tenantKey);
      this.#idle.delete(seat);
      this.#running.set(seat, { turn, startedAt });
      seat.ask({ ...asked, remainingMs: deadlineAt - startedAt });
    }
  }

  /** One thread is always left to those whose code never ran too long. */
  #mayRun(tenantKey: string): boolean {
    if (this.#workers === 1 || !this.#suspensions.isSuspect(tenantKey)) return true;
    const calm = [...this.#running.values()].filter(
      ({ turn }) => !this.#suspensions.isSuspect(turn.asked.tenantKey),
    );
    return this.#idle.size + calm.length > 1;
  }

  /** An idle one, if possible the one that holds the tenant's scripts and memory. */
  #seatFor(tenantKey: string): Seat {
    const last = this.#lastSeats.get(tenantKey);
    if (last !== undefined && this.#idle.has(last)) return last;
    const [seat] = this.#idle;
    if (seat === undefined) throw new Error('No thread is idle.');
    this.#lastSeats.set(tenantKey, seat);
    return seat;
  }

  /** Its time is over: a turn that waits is given up, the thread of one that runs is killed. */
  #stop(turn: Turn): void {
    if (this.#turns.remove(turn)) {
      turn.settle(failed('NO_TURN'), 0);
      return;
    }
    for (const [seat, run] of this.#running) {
      if (run.turn !== turn) continue;
      // This timer may come before the event of an answer that is there: look once more.
      const answer = seat.takeAnswer();
      if (answer !== null) this.#take(seat, answer);
      else this.#replace(seat, failed('DEADLINE'));
      return;
    }
  }

  #take(seat: Seat, { answer, durationMs, isWorn }: WorkerAnswer): void {
    const run = this.#running.get(seat);
    if (run === undefined) return;
    if (isWorn) {
      this.#replace(seat, answer);
      return;
    }
    // Who got little of its time because others took theirs is not to blame.
    const isLate = answer.error?.code === 'DEADLINE' && durationMs > run.turn.deadlineMs / 2;
    if (isLate) this.#suspensions.strike(run.turn.asked.tenantKey, 'LATE');
    this.#finish(seat, answer, durationMs);
    this.#idle.add(seat);
    this.#dispatch();
  }

  /** Answers for a thread that can't go on, and starts another one in its place. */
  #replace(seat: Seat, answer: SandboxAnswer): void {
    const run = this.#running.get(seat);
    if (run !== undefined) this.#suspensions.strike(run.turn.asked.tenantKey, 'KILLED');
    this.#end(seat);
    this.#start().catch(() => undefined);
    this.#finish(seat, answer);
    this.#dispatch();
  }

  #finish(seat: Seat, answer: SandboxAnswer, durationMs?: number): void {
    const run = this.#running.get(seat);
    if (run === undefined) return;
    this.#running.delete(seat);
    this.#turns.finish(run.turn);
    run.turn.settle(answer, durationMs ?? performance.now() - run.startedAt);
  }

  #end(seat: Seat): void {
    this.#seats.delete(seat);
    this.#idle.delete(seat);
    const ending = seat.end().finally(() => this.#endings.delete(ending));
    this.#endings.add(ending);
  }

  /** Answers when the thread is ready. */
  #start(): Promise<void> {
    return new Promise((resolve, reject) => {
      let isReady = false;
      const seat = new Seat(
        { wasmModule: this.#wasmModule, cacheBytes: this.#cacheBytes },
        {
          onReady: () => {
            isReady = true;
            this.#idle.add(seat);
            this.#dispatch();
            resolve();
          },
          onAnswer: (answer) => this.#take(seat, answer),
          onLost: (error) => {
            if (isReady) this.#replace(seat, failed('ENGINE_FAILED'));
            else this.#startLater(seat);
            reject(error);
          },
        },
      );
      this.#seats.add(seat);
    });
  }

  #startLater(seat: Seat): void {
    this.#seats.delete(seat);
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#start().catch(() => undefined);
    }, RESTART_MS);
    this.#restarts.add(timer);
  }
}

function found(finding: Partial<SandboxFinding> & Pick<SandboxFinding, 'code' | 'message'>): SandboxCompiled {
  return { compiled: null, findings: [{ line: null, column: null, ...finding }] };
}
