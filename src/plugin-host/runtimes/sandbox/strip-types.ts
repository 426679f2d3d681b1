import { Worker } from 'node:worker_threads';
import type { StripMessage } from './messages.ts';
import { threadOptions, threadUrl } from './thread.ts';

/** Longer than 64 kB of honest source takes on a busy machine. */
const STRIP_MS = 5_000;

/**
 * TypeScript's types replaced by blanks, so that every place stays where it was. Each source gets a thread of
 * its own: hostile ones break Node's parser for good in the thread that read them.
 */
export async function stripTypes(source: string): Promise<StripMessage> {
  const worker = new Worker(threadUrl('strip-worker'), { ...threadOptions(), workerData: source });
  try {
    return await new Promise<StripMessage>((resolve) => {
      const giveUp = (): void => {
        resolve({ message: 'The types could not be read: simplify the source.', line: null, column: null });
      };
      const timer = setTimeout(giveUp, STRIP_MS);
      worker.once('message', resolve);
      worker.once('error', giveUp);
      worker.once('exit', () => {
        clearTimeout(timer);
        giveUp();
      });
    });
  } finally {
    await worker.terminate();
  }
}
