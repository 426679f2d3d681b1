import type { WorkerOptions } from 'node:worker_threads';

/** A thread's file beside this one, built or not. */
export function threadUrl(name: 'worker' | 'strip-worker'): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${extension}`, import.meta.url);
}

/** Threads know nothing of the process: neither its environment nor its arguments, nor may they print. */
export function threadOptions(): WorkerOptions {
  return {
    ...{ env: {}, argv: [], execArgv: ['--disable-warning=ExperimentalWarning'] },
    ...{ stdin: false, stdout: true, stderr: true },
    resourceLimits: { stackSizeMb: 16, maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 },
  };
}
