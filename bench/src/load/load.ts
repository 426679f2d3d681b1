import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Cleanup } from '../cleanup.ts';
import { stop } from '../processes.ts';
import type { LoadJob, LoadResult } from './job.ts';

/** The process that asks: one for the whole run, the same for every contender. */
export class Load {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor(cleanup: Cleanup) {
    const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), {
      env: { NODE_ENV: 'production' },
    });
    cleanup.add(() => stop(child));
    this.#child = child;
    this.#ended = once(child, 'exit').then(() => {
      throw new Error('The load process ended early.');
    });
    // That it ends when the run is over is as it should be.
    this.#ended.catch(() => undefined);
  }

  async run(job: LoadJob): Promise<LoadResult> {
    const answered = once(this.#child, 'message') as Promise<[{ result?: LoadResult; error?: string }]>;
    this.#child.send(job);
    const [answer] = await Promise.race([answered, this.#ended]);
    if (answer.result === undefined) throw new Error(`The load failed: ${answer.error}`);
    return answer.result;
  }
}
