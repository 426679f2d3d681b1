import { type Bus, type BusListener, inProcessBus } from './bus.ts';

/** Waits for something new; ends when it is closed. */
export interface Wakeups {
  /** True when there may be something new, false when it was closed. */
  next(): Promise<boolean>;
  close(): void;
}

interface Watched {
  position: bigint | null;
  readonly listeners: Set<Listener>;
}

class Listener implements Wakeups {
  readonly #onClose: (listener: Listener) => void;
  #pending = false;
  #closed = false;
  #wake: ((open: boolean) => void) | null = null;

  constructor(onClose: (listener: Listener) => void) {
    this.#onClose = onClose;
  }

  next(): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false);
    if (this.#pending) {
      this.#pending = false;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    const waiting = this.#wake;
    this.#wake = null;
    if (waiting === null) this.#pending = true;
    else waiting(true);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose(this);
    this.#wake?.(false);
    this.#wake = null;
  }
}

interface FeedWatcherOptions {
  /** What carries hints to and from other processes. */
  readonly openBus?: (listener: BusListener) => Bus;
  /** How often positions are looked at, whatever the bus says. */
  readonly everyMs?: number;
  /** The bus is there, or why it isn't: told whenever that changes. */
  readonly onBus?: (error: Error | null) => void;
}

const LOOK_EVERY_MS = 1_000;
/** Looks that travel together: other reads wait for no more than these. */
const LOOKS_AT_ONCE = 50;

/**
 * Tells listeners that there may be new entries. What happens in this process is told at once, and the bus
 * brings hints of what others commit. It is a hint only: the position of each feed that somebody listens
 * to is looked at once a second, so a lost hint delays and never loses.
 */
export class FeedWatcher {
  readonly #tenants = new Map<string, Watched>();
  readonly #readPosition: (tenantKey: string) => Promise<bigint>;
  readonly #everyMs: number;
  readonly #bus: Bus;
  #timer: NodeJS.Timeout | null = null;
  #isLooking = false;

  constructor(
    readPosition: (tenantKey: string) => Promise<bigint>,
    { openBus = () => inProcessBus, everyMs = LOOK_EVERY_MS, onBus }: FeedWatcherOptions = {},
  ) {
    this.#readPosition = readPosition;
    this.#everyMs = everyMs;
    this.#bus = openBus({
      hinted: (tenantKeys) => {
        for (const tenantKey of tenantKeys) this.#wake(tenantKey);
      },
      away: (error) => onBus?.(error),
      back: () => {
        onBus?.(null);
        // What was said meanwhile is lost.
        void this.#look();
      },
    });
  }

  /** After a commit of this process. */
  posted(tenantKey: string): void {
    this.#wake(tenantKey);
    this.#bus.publish(tenantKey);
  }

  listen(tenantKey: string): Wakeups {
    const watched = this.#tenants.get(tenantKey) ?? { position: null, listeners: new Set<Listener>() };
    const listener = new Listener((closed) => {
      watched.listeners.delete(closed);
      if (watched.listeners.size === 0) this.#tenants.delete(tenantKey);
      if (this.#tenants.size === 0) this.#stop();
    });
    watched.listeners.add(listener);
    this.#tenants.set(tenantKey, watched);
    this.#timer ??= setInterval(() => void this.#look(), this.#everyMs).unref();
    return listener;
  }

  #wake(tenantKey: string): void {
    for (const listener of this.#tenants.get(tenantKey)?.listeners ?? []) listener.wake();
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const all = [...this.#tenants];
      for (let from = 0; from < all.length; from += LOOKS_AT_ONCE)
        await Promise.all(all.slice(from, from + LOOKS_AT_ONCE).map((one) => this.#lookAt(...one)));
    } catch {
      // The database is away: the next look finds what was missed.
    } finally {
      this.#isLooking = false;
    }
  }

  async #lookAt(tenantKey: string, watched: Watched): Promise<void> {
    const position = await this.#readPosition(tenantKey);
    if (watched.position !== position) for (const listener of watched.listeners) listener.wake();
    watched.position = position;
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Ends every listener, and the bus. */
  async close(): Promise<void> {
    for (const { listeners } of [...this.#tenants.values()])
      for (const listener of [...listeners]) listener.close();
    this.#stop();
    await this.#bus.close();
  }
}
