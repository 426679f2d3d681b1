import { AsyncLocalStorage } from 'node:async_hooks';

/** Whose code runs. */
export interface Guest {
  readonly plugin: string;
  /** The extension point that it answers; null while it is loaded. */
  readonly point: string | null;
}

const guests = new AsyncLocalStorage<Guest>();

/** Runs code of a plugin; what it leaves behind, timers and promises, is known as its own. */
export function asGuest<T>(guest: Guest, work: () => T): T {
  return guests.run(guest, work);
}

/** Hears of errors that nobody caught. */
export interface StrayErrors {
  /** A plugin's: it answers for them, and nobody else does. */
  onGuest(guest: Guest, error: unknown): void;
  /** Our own: what the process holds can't be trusted any more. */
  onOurs(error: unknown): void;
}

/** Tells errors that a plugin left behind from our own. @returns what ends it */
export function hearStrayErrors({ onGuest, onOurs }: StrayErrors): () => void {
  const hear = (error: unknown): void => {
    const guest = guests.getStore();
    if (guest === undefined) onOurs(error);
    else onGuest(guest, error);
  };
  process.on('uncaughtException', hear).on('unhandledRejection', hear);
  return () => {
    process.off('uncaughtException', hear).off('unhandledRejection', hear);
  };
}
