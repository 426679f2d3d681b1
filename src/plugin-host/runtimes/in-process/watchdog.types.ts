import type { Guest } from './guests.ts';

/** Where in the shared buffer what stands. */
export const BEAT = 0;
/** The slot whose code runs now, plus one; 0: none. */
export const RUNNING = 1;
/** From here on, for each slot: how many of its calls are under way. */
export const SLOTS = 2;

export const LOOK_EVERY_MS = 25;
/** How long the event loop may stand still without a word. */
export const LEAST_MS = 250;

/** What the watching thread is started with. */
export interface WatchdogSeat {
  readonly buffer: SharedArrayBuffer;
  readonly slots: readonly Guest[];
  readonly level: string;
  /** The file descriptor that it logs to. */
  readonly output: number;
}

/** The event loop stood still for so long, by one of these. */
export interface Blocked {
  readonly slots: readonly number[];
  readonly ms: number;
}
