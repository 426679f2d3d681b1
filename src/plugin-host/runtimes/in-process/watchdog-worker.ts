import { parentPort, workerData } from 'node:worker_threads';
import { pino } from 'pino';
import type { Guest } from './guests.ts';
import {
  BEAT,
  type Blocked,
  LEAST_MS,
  LOOK_EVERY_MS,
  RUNNING,
  SLOTS,
  type WatchdogSeat,
} from './watchdog.types.ts';

const { buffer, slots, level, output } = workerData as WatchdogSeat;
const state = new Int32Array(buffer);
// Written from here: the thread that is blocked can't.
const logger = pino({ level }, pino.destination({ dest: output, sync: true }));

let beat = -1;
let beatAt = performance.now();
/** What it was blocked by when that was told last, and for how long; null while it isn't. */
let told: Blocked | null = null;

/** The one whose code runs, or those who have begun to answer and haven't ended. */
function suspects(): number[] {
  const running = Atomics.load(state, RUNNING) - 1;
  return running >= 0
    ? [running]
    : slots.flatMap((_, slot) => (Atomics.load(state, SLOTS + slot) > 0 ? [slot] : []));
}

/** Where the plugin's code is that may block it; more than one plugin where nobody can say. */
function textOf(blocked: readonly Guest[], ms: number): string {
  const plugins = [...new Set(blocked.map(({ plugin }) => plugin))];
  if (plugins.length > 1)
    return `the event loop has been blocked for ${ms} ms while code of plugins ran: ${plugins.join(', ')}`;
  const where = blocked.map(({ point }) => point).join(', ');
  return `plugin "${plugins[0]}" has blocked the event loop for ${ms} ms in ${where}`;
}

function tell({ slots: seats, ms }: Blocked): void {
  told = { slots: seats, ms };
  const blocked = seats.flatMap((slot) => slots[slot] ?? []);
  if (blocked.length === 0) return;
  const plugins = [...new Set(blocked.map(({ plugin }) => plugin))];
  logger.warn({ plugins, blockedMs: ms }, textOf(blocked, ms));
}

function look(): void {
  const now = performance.now();
  const seen = Atomics.load(state, BEAT);
  if (seen !== beat) {
    if (told !== null) parentPort?.postMessage({ ...told, ms: Math.round(now - beatAt) } satisfies Blocked);
    told = null;
    beat = seen;
    beatAt = now;
    return;
  }
  const ms = Math.round(now - beatAt);
  // Again each time that it has doubled.
  if (ms >= (told === null ? LEAST_MS : told.ms * 2)) tell({ slots: suspects(), ms });
}

setInterval(look, LOOK_EVERY_MS);
