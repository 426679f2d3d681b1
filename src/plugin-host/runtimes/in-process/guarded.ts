import { asGuest, type Guest } from './guests.ts';
import type { Watchdog } from './watchdog.ts';

/** What code of a plugin came to: what it gave, an error, or nothing in time. */
export type Ended<T> =
  | { readonly kind: 'answered'; readonly answer: T }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'late' };

/** Runs the plugin's own code; what it does before it waits is then known as its own for certain. */
export type Enter = <R>(code: () => R) => R;

/** Runs code of a plugin as a guest, watched and within a deadline. Never throws. */
export async function guarded<T>(
  watchdog: Watchdog,
  guest: Guest,
  deadlineMs: number,
  work: (signal: AbortSignal, enter: Enter) => T | Promise<T>,
): Promise<Ended<T>> {
  const slot = watchdog.slotOf(guest);
  const enter: Enter = (code) => watchdog.during(slot, code);
  const abort = new AbortController();
  const late = Promise.withResolvers<Ended<T>>();
  let isOver = false;
  const giveUp = (): void => {
    if (isOver) return;
    late.resolve({ kind: 'late' });
    // Its listeners are the plugin's code too.
    asGuest(guest, () => enter(() => abort.abort()));
  };
  // The timer may come before an answer that is there, when others kept the loop busy: look once more.
  const timer = setTimeout(() => setImmediate(giveUp), deadlineMs);
  const end = watchdog.begin(slot);
  const startedAt = performance.now();
  const working = asGuest(guest, async (): Promise<Ended<T>> => {
    try {
      const answer = work(abort.signal, enter);
      // What never let go of the thread can't be cut short, but it was late all the same.
      if (performance.now() - startedAt > deadlineMs) late.resolve({ kind: 'late' });
      return { kind: 'answered', answer: await answer };
    } catch (error) {
      return { kind: 'threw', error };
    }
  });
  try {
    return await Promise.race([late.promise, working]);
  } finally {
    isOver = true;
    clearTimeout(timer);
    end();
  }
}
