import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 60_000;

/** Waits until something holds, however long a busy machine takes. */
export async function untilHolds(
  holds: () => boolean | Promise<boolean>,
  what = String(holds),
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`It never came to hold: ${what}`);
    await sleep(10);
  }
}
