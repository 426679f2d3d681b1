/** Counts what callers and tenants hold at once. */
export class Quota {
  readonly #held = new Map<string, number>();

  /** Takes one more, unless as many as may be are held already. */
  take(holder: string, most: number): boolean {
    const held = this.#held.get(holder) ?? 0;
    if (held >= most) return false;
    this.#held.set(holder, held + 1);
    return true;
  }

  giveBack(holder: string): void {
    const held = (this.#held.get(holder) ?? 0) - 1;
    if (held > 0) this.#held.set(holder, held);
    else this.#held.delete(holder);
  }
}
