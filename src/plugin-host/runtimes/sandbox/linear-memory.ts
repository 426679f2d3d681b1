/** What is compared and copied as one. */
const PAGE_BYTES = 4_096;
/** WebAssembly's pages of 64 kB: 16 MB, the least that this engine starts with. */
const MEMORY_PAGES = 256;
/** Emscripten's stack, which lies between static data and heap. Nothing on it lives on between two calls. */
const STACK_BYTES = 5 * 1_024 * 1_024;

/** Neighbouring pages as they were. */
interface Run {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The pages in which a script's world differs from the empty one. */
export interface Snapshot {
  readonly runs: readonly Run[];
  readonly byteLength: number;
}

/**
 * The engine's whole memory, of a fixed size: what a world was is its pages, so going back to a world is
 * copying them. Offsets are bytes.
 */
export class LinearMemory {
  readonly memory = new WebAssembly.Memory({ initial: MEMORY_PAGES, maximum: MEMORY_PAGES });
  readonly bytes = Buffer.from(this.memory.buffer);
  readonly #page = Buffer.alloc(PAGE_BYTES);
  #stack = { start: 0, end: 0 };
  #base: readonly Run[] = [];
  /** Which pages are part of the base. */
  #kept = new Uint8Array(this.bytes.length / PAGE_BYTES);

  /** @param heapStart where the heap begins, told before anything was allocated in it */
  placeHeap(heapStart: number): void {
    const end = Math.floor(heapStart / PAGE_BYTES) * PAGE_BYTES;
    this.#stack = { start: Math.ceil((heapStart - STACK_BYTES) / PAGE_BYTES) * PAGE_BYTES, end };
    if (this.#stack.start < 0) throw new Error(`The heap begins at ${heapStart}: where is the stack?`);
  }

  /** Keeps the empty world: all static data, the heap as far as it is in use, and what else isn't zero. */
  takeBase(heapEnd: number): void {
    const zeros = Buffer.alloc(PAGE_BYTES);
    const { start, end } = this.#stack;
    this.#base = this.#runsOf((offset) => {
      if (offset >= start && offset < end) return false;
      const isUsed = offset < start || offset < heapEnd || !this.#pageAt(offset).equals(zeros);
      if (isUsed) this.#kept[offset / PAGE_BYTES] = 1;
      return isUsed;
    });
  }

  /** Back to the empty world, or to a script's. What lay elsewhere stays there, out of any script's reach. */
  restore(snapshot?: Snapshot): void {
    for (const { offset, bytes } of this.#base) this.bytes.set(bytes, offset);
    for (const { offset, bytes } of snapshot?.runs ?? []) this.bytes.set(bytes, offset);
  }

  /** Leaves nothing of anybody. */
  wipe(): void {
    this.bytes.fill(0);
  }

  /**
   * Begins to watch what a script touches from the empty world on. The unused heap is filled with a pattern
   * that no script can know, so that a page which it only wrote zeros to is seen as well.
   */
  watch(): { readonly snapshot: () => Snapshot } {
    this.wipe();
    this.restore();
    crypto.getRandomValues(this.#page);
    for (let offset = this.#stack.end; offset < this.bytes.length; offset += PAGE_BYTES) {
      if (this.#kept[offset / PAGE_BYTES] === 0) this.bytes.set(this.#page, offset);
    }
    return { snapshot: () => this.#changes() };
  }

  #changes(): Snapshot {
    const base = new Map<number, Uint8Array>();
    for (const { offset, bytes } of this.#base) {
      for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
        base.set(offset + at, bytes.subarray(at, at + PAGE_BYTES));
      }
    }
    const { start, end } = this.#stack;
    const runs = this.#runsOf((offset) => {
      if (offset >= start && offset < end) return false;
      return !this.#pageAt(offset).equals(base.get(offset) ?? this.#page);
    });
    return { runs, byteLength: runs.reduce((sum, { bytes }) => sum + bytes.length, 0) };
  }

  #pageAt(offset: number): Buffer {
    return this.bytes.subarray(offset, offset + PAGE_BYTES);
  }

  /** Copies of the pages that are chosen, neighbours together. */
  #runsOf(isChosen: (offset: number) => boolean): Run[] {
    const runs: Run[] = [];
    let from = -1;
    for (let offset = 0; offset <= this.bytes.length; offset += PAGE_BYTES) {
      const chosen = offset < this.bytes.length && isChosen(offset);
      if (chosen && from < 0) from = offset;
      if (chosen || from < 0) continue;
      runs.push({ offset: from, bytes: Uint8Array.from(this.bytes.subarray(from, offset)) });
      from = -1;
    }
    return runs;
  }
}
