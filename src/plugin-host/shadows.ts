/** Of one tenant, at once. */
const AT_ONCE = 4;

/** Runs what nobody waits for: a few at once for each tenant, and more are dropped. */
export class Shadows {
  readonly #running = new Map<string, number>();
  readonly #work = new Set<Promise<void>>();
  readonly #onDropped: () => void;
  #isClosed = false;

  constructor(onDropped: () => void) {
    this.#onDropped = onDropped;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** @param work never rejects */
  run(tenantKey: string, work: () => Promise<void>): void {
    if (this.#isClosed) return;
    const running = this.#running.get(tenantKey) ?? 0;
    if (running >= AT_ONCE) {
      this.#onDropped();
      return;
    }
    this.#running.set(tenantKey, running + 1);
    const working = work().finally(() => {
      this.#work.delete(working);
      const left = (this.#running.get(tenantKey) ?? 1) - 1;
      if (left === 0) this.#running.delete(tenantKey);
      else this.#running.set(tenantKey, left);
    });
    this.#work.add(working);
  }

  /** Begins no more, and waits for those that run. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#work);
  }
}
