import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Cleanup } from '../cleanup.ts';
import { stop } from '../processes.ts';
import type { Delay, Heard, Opening, Order, Watch } from './orders.ts';

/** The process of all listeners: the same for every contender. */
export class Listeners {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor(cleanup: Cleanup) {
    // Structured clones keep bigints and buffers as they are.
    const child = fork(fileURLToPath(new URL('crowd-worker.ts', import.meta.url)), {
      env: { NODE_ENV: 'production' },
      serialization: 'advanced',
    });
    cleanup.add(() => stop(child));
    this.#child = child;
    this.#ended = once(child, 'exit').then(() => {
      throw new Error('The process of the listeners ended early.');
    });
    // That it ends when the run is over is as it should be.
    this.#ended.catch(() => undefined);
  }

  async open(opening: Opening): Promise<void> {
    await this.#order({ do: 'open', ...opening });
  }

  /** From now on messages are counted, and this is how many there will be. */
  async watch(crowd: string, watch: Watch, messages: number): Promise<void> {
    await this.#order({ do: 'watch', crowd, watch, messages });
  }

  /** What was heard once all messages are there; less of it when the time is over. */
  async heardAll(crowd: string, withinMs = 60_000): Promise<Heard> {
    const heard = await this.#order({ do: 'await', crowd, withinMs });
    if (heard === null) throw new Error('The listeners told nothing.');
    return heard;
  }

  /** Hangs up, all at once. */
  async cut(crowd: string): Promise<void> {
    await this.#order({ do: 'cut', crowd });
  }

  /** All come back; the order is done before they are there. */
  async reopen(crowd: string, delay: Delay): Promise<void> {
    await this.#order({ do: 'reopen', crowd, delay });
  }

  async #order(order: Order): Promise<Heard | null> {
    const answered = once(this.#child, 'message') as Promise<[{ heard?: Heard | null; error?: string }]>;
    this.#child.send(order);
    const [answer] = await Promise.race([answered, this.#ended]);
    if (answer.error !== undefined) throw new Error(`The listeners failed: ${answer.error}`);
    return answer.heard ?? null;
  }
}

/** @throws Error unless each of the listeners heard so many messages, and nobody was thrown out */
export function assertHeard(heard: Heard, each: number, what: string): void {
  const { fewest, most, failures, failure, messages } = heard;
  if (fewest === each && most === each && failures === 0) return;
  throw new Error(
    `${what}: listeners heard ${fewest} to ${most} events, not ${each} (${messages} in all); ` +
      `${failures} were thrown out (${failure}).`,
  );
}

export function msBetween(fromNs: bigint, toNs: bigint): number {
  return Number(toNs - fromNs) / 1e6;
}
