import { Worker } from 'node:worker_threads';
import type { Guest } from './guests.ts';
import { BEAT, type Blocked, LOOK_EVERY_MS, RUNNING, SLOTS, type WatchdogSeat } from './watchdog.types.ts';

const STDOUT = 1;

export interface WatchdogOptions {
  /** Of the log. */
  readonly level: string;
  /** The file descriptor that it logs to, the process's output when missing. */
  readonly output?: number;
  /** Hears, afterwards, who blocked the event loop; more than one where nobody can say. */
  readonly onBlocked: (by: readonly Guest[], ms: number) => void;
}

/**
 * Names the plugin that blocks the event loop, while it does so: a deadline can't end a loop, but an operator
 * can. It watches from a thread of its own, from the first time that a plugin is asked.
 */
export class Watchdog {
  readonly #slots: readonly Guest[];
  readonly #slotsByGuest: ReadonlyMap<string, number>;
  readonly #options: WatchdogOptions;
  readonly #buffer: SharedArrayBuffer;
  readonly #state: Int32Array;
  #beating: NodeJS.Timeout | null = null;
  #worker: Worker | null = null;

  constructor(slots: readonly Guest[], options: WatchdogOptions) {
    this.#slots = slots;
    this.#slotsByGuest = new Map(slots.map(({ plugin, point }, slot) => [`${plugin} ${point}`, slot]));
    this.#options = options;
    this.#buffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT * (SLOTS + slots.length));
    this.#state = new Int32Array(this.#buffer);
  }

  /** @throws Error for code that nobody said may run */
  slotOf({ plugin, point }: Guest): number {
    const slot = this.#slotsByGuest.get(`${plugin} ${point}`);
    if (slot === undefined) throw new Error(`Nobody watches over "${point}" of the plugin "${plugin}".`);
    return slot;
  }

  /** A call of a slot is under way until what comes back is called. */
  begin(slot: number): () => void {
    this.#start();
    Atomics.add(this.#state, SLOTS + slot, 1);
    return () => void Atomics.sub(this.#state, SLOTS + slot, 1);
  }

  /** Runs a slot's code. */
  during<T>(slot: number, work: () => T): T {
    const before = Atomics.exchange(this.#state, RUNNING, slot + 1);
    try {
      return work();
    } finally {
      Atomics.store(this.#state, RUNNING, before);
    }
  }

  async close(): Promise<void> {
    if (this.#beating !== null) clearInterval(this.#beating);
    await this.#worker?.terminate();
  }

  #start(): void {
    if (this.#beating !== null) return;
    this.#beating = setInterval(() => Atomics.add(this.#state, BEAT, 1), LOOK_EVERY_MS).unref();
    const { level, output = STDOUT } = this.#options;
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const workerData: WatchdogSeat = { buffer: this.#buffer, slots: this.#slots, level, output };
    const worker = new Worker(new URL(`./watchdog-worker.${extension}`, import.meta.url), {
      ...{ workerData, env: {}, argv: [], execArgv: ['--disable-warning=ExperimentalWarning'] },
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
    });
    worker.unref();
    worker.on('message', ({ slots, ms }: Blocked) => {
      const by = slots.flatMap((slot) => this.#slots[slot] ?? []);
      if (by.length > 0) this.#options.onBlocked(by, ms);
    });
    // Without it nothing is named, and everything else goes on.
    worker.on('error', () => undefined);
    this.#worker = worker;
  }
}
