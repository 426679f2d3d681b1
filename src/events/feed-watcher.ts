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
  readonly memberKey: string | null;
  readonly #onClose: (listener: Listener) => void;
  #pending = false;
  #closed = false;
  #wake: ((open: boolean) => void) | null = null;

  constructor(memberKey: string | null, onClose: (listener: Listener) => void) {
    this.memberKey = memberKey;
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

/**
 * Tells listeners that there may be new entries. What happens in this process is told at once; what another
 * process posted is found by looking at the position of the feeds that somebody listens to. It is a hint
 * only: listeners read the entries themselves, so a lost hint delays and never loses.
 */
export class FeedWatcher {
  readonly #tenants = new Map<string, Watched>();
  readonly #readPosition: (tenantKey: string) => Promise<bigint>;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | null = null;

  constructor(readPosition: (tenantKey: string) => Promise<bigint>, everyMs = 1_000) {
    this.#readPosition = readPosition;
    this.#everyMs = everyMs;
  }

  /** After a commit of this process. */
  posted(tenantKey: string, memberKeys: readonly string[]): void {
    for (const listener of this.#tenants.get(tenantKey)?.listeners ?? []) {
      if (listener.memberKey === null || memberKeys.includes(listener.memberKey)) listener.wake();
    }
  }

  /** @param memberKey whose entries matter; null for everybody's */
  listen(tenantKey: string, memberKey: string | null): Wakeups {
    const watched = this.#tenants.get(tenantKey) ?? { position: null, listeners: new Set<Listener>() };
    const listener = new Listener(memberKey, (closed) => {
      watched.listeners.delete(closed);
      if (watched.listeners.size === 0) this.#tenants.delete(tenantKey);
      if (this.#tenants.size === 0) this.#stop();
    });
    watched.listeners.add(listener);
    this.#tenants.set(tenantKey, watched);
    this.#timer ??= setInterval(() => void this.#look(), this.#everyMs).unref();
    return listener;
  }

  async #look(): Promise<void> {
    for (const [tenantKey, watched] of this.#tenants) {
      try {
        const position = await this.#readPosition(tenantKey);
        if (watched.position !== position) for (const listener of watched.listeners) listener.wake();
        watched.position = position;
      } catch {
        // The database is away: the next look finds what was missed.
      }
    }
  }

  #stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Ends every listener. */
  close(): void {
    for (const { listeners } of [...this.#tenants.values()])
      for (const listener of [...listeners]) listener.close();
    this.#stop();
  }
}
