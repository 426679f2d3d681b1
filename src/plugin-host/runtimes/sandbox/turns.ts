import type { SandboxAnswer } from './answer.ts';
import type { WorkerJob } from './messages.ts';

const WAITING_OF_A_TENANT = 64;
const WAITING = 4_096;

type Unsent<Job> = Job extends WorkerJob ? Omit<Job, 'remainingMs'> : never;
/** A job before it's known how long it may take. */
export type Asked = Unsent<WorkerJob>;

/** What a thread is asked, and who waits for it. */
export interface Turn {
  readonly asked: Asked;
  readonly deadlineMs: number;
  readonly deadlineAt: number;
  readonly settle: (answer: SandboxAnswer, durationMs: number) => void;
}

/** Who is next: tenants take turns, and of each one call runs at a time. */
export class Turns {
  readonly #waiting = new Map<string, Turn[]>();
  /** Tenants of whom a call waits and none runs, in the order of their turns. */
  readonly #next = new Set<string>();
  readonly #running = new Set<string>();
  #count = 0;

  /** Whether there was room. */
  add(turn: Turn): boolean {
    const { tenantKey } = turn.asked;
    const waiting = this.#waiting.get(tenantKey) ?? [];
    if (waiting.length >= WAITING_OF_A_TENANT || this.#count >= WAITING) return false;
    waiting.push(turn);
    this.#waiting.set(tenantKey, waiting);
    this.#count += 1;
    if (!this.#running.has(tenantKey)) this.#next.add(tenantKey);
    return true;
  }

  /** The next one of those who may run, who does so from now on. */
  take(mayRun: (tenantKey: string) => boolean): Turn | null {
    for (const tenantKey of this.#next) {
      if (!mayRun(tenantKey)) continue;
      const [turn] = this.#waiting.get(tenantKey) ?? [];
      if (turn === undefined) continue;
      this.remove(turn);
      this.#next.delete(tenantKey);
      this.#running.add(tenantKey);
      return turn;
    }
    return null;
  }

  /** A turn is over: the tenant's next one comes after everybody else's who waits. */
  finish({ asked: { tenantKey } }: Turn): void {
    this.#running.delete(tenantKey);
    if (this.#waiting.has(tenantKey)) this.#next.add(tenantKey);
  }

  /** Whether it still waited. */
  remove(turn: Turn): boolean {
    const { tenantKey } = turn.asked;
    const waiting = this.#waiting.get(tenantKey) ?? [];
    const place = waiting.indexOf(turn);
    if (place < 0) return false;
    waiting.splice(place, 1);
    this.#count -= 1;
    if (waiting.length === 0) {
      this.#waiting.delete(tenantKey);
      this.#next.delete(tenantKey);
    }
    return true;
  }

  /** All who wait, who do so no longer. */
  clear(): Turn[] {
    const turns = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    this.#next.clear();
    this.#count = 0;
    return turns;
  }
}
