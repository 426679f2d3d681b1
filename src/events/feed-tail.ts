import { setTimeout as delay } from 'node:timers/promises';
import { isAway } from '../persistence/index.ts';
import type { FeedItem, FeedPage, FeedReads, Following } from './feed.ts';
import type { FeedWatcher, Wakeups } from './feed-watcher.ts';

const ITEMS_A_READ = 500;
/** Whoever comes back soon is told from these. */
const MOST_REMEMBERED = 2_000;
const RETRY_MS = 250;

/** Hears what comes of a following. */
export interface TailListener {
  /** An item that the following asks for; in order, each once. */
  heard(item: FeedItem): void;
  /** Nothing more comes. */
  failed(error: unknown): void;
}

interface Listening {
  readonly following: Following;
  readonly listener: TailListener;
}

/** The end of one tenant's feed: read once, however many listen, and its last items kept in memory. */
export class FeedTail {
  readonly #tenantKey: string;
  readonly #reads: FeedReads;
  readonly #wakeups: Wakeups;
  /** By stream and member. */
  readonly #listening = new Map<string, Set<Listening>>();
  /** Every item behind `#rememberedFrom`, oldest first. */
  #remembered: FeedItem[] = [];
  #rememberedFrom: bigint;
  #position: bigint;
  #closed = false;
  #failure: unknown;

  /** @param position everything behind it is going to be told */
  constructor(tenantKey: string, reads: FeedReads, wakeups: Wakeups, position: bigint) {
    this.#tenantKey = tenantKey;
    this.#reads = reads;
    this.#wakeups = wakeups;
    this.#position = position;
    this.#rememberedFrom = position;
    void this.#run();
  }

  /** Everything up to here has been told. */
  get position(): bigint {
    return this.#position;
  }

  get failure(): unknown {
    return this.#failure;
  }

  /** Whether every item behind this position is still in memory. */
  remembers(after: bigint): boolean {
    return after >= this.#rememberedFrom;
  }

  /** The first item behind a position that it remembers. */
  next(after: bigint): FeedItem | undefined {
    let [low, high] = [0, this.#remembered.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#remembered[middle]?.position ?? 0n) > after) high = middle;
      else low = middle + 1;
    }
    return this.#remembered[low];
  }

  /** From now on; answers how to stop. */
  listen(following: Following, listener: TailListener): () => void {
    if (this.#failure !== undefined) {
      listener.failed(this.#failure);
      return () => undefined;
    }
    const key = keyOf(following.stream, following.memberKey);
    const alike = this.#listening.get(key) ?? new Set<Listening>();
    const listening = { following, listener };
    this.#listening.set(key, alike.add(listening));
    return () => {
      alike.delete(listening);
      if (alike.size === 0 && this.#listening.get(key) === alike) this.#listening.delete(key);
    };
  }

  close(): void {
    this.#closed = true;
    this.#wakeups.close();
  }

  async #run(): Promise<void> {
    try {
      do await this.#readOn();
      while (await this.#wakeups.next());
    } catch (error) {
      this.#fail(error);
    }
  }

  async #readOn(): Promise<void> {
    for (;;) {
      const page = await this.#read();
      if (page === null) return;
      for (const item of page.items) this.#tell(item);
      if (page.upTo > this.#position) this.#position = page.upTo;
      if (page.items.length < ITEMS_A_READ) return;
    }
  }

  /** Waits while the database is away: what was missed meanwhile is read then. */
  async #read(): Promise<FeedPage | null> {
    while (!this.#closed) {
      try {
        const range = { after: this.#position, limit: ITEMS_A_READ, stream: null, memberKey: null };
        return await this.#reads.read(this.#tenantKey, range);
      } catch (error) {
        if (!isAway(error)) throw error;
        await delay(RETRY_MS, undefined, { ref: false });
      }
    }
    return null;
  }

  #tell(item: FeedItem): void {
    this.#position = item.position;
    this.#remembered.push(item);
    if (this.#remembered.length >= 2 * MOST_REMEMBERED) {
      const forgotten = this.#remembered.splice(0, MOST_REMEMBERED);
      this.#rememberedFrom = forgotten.at(-1)?.position ?? this.#rememberedFrom;
    }
    this.#tellThose(keyOf(item.stream, null), item);
    if (item.memberKey !== null) this.#tellThose(keyOf(item.stream, item.memberKey), item);
  }

  #tellThose(key: string, item: FeedItem): void {
    for (const { following, listener } of this.#listening.get(key) ?? []) {
      if (following.accepts(item)) listener.heard(item);
    }
  }

  #fail(error: unknown): void {
    this.#failure = error;
    this.close();
    const everybody = [...this.#listening.values()].flatMap((alike) => [...alike]);
    this.#listening.clear();
    for (const { listener } of everybody) listener.failed(error);
  }
}

function keyOf(stream: string, memberKey: string | null): string {
  return `${stream} ${memberKey ?? ''}`;
}

/** A tail that somebody holds. */
export interface HeldTail {
  readonly tail: FeedTail;
  release(): void;
}

interface Held {
  readonly opening: Promise<FeedTail>;
  holders: number;
  closing: NodeJS.Timeout | null;
}

/** The tails of the tenants that somebody follows here, and what is read for those who come back. */
export class FeedTails {
  readonly #reads: FeedReads;
  readonly #watcher: FeedWatcher;
  readonly #lingerMs: number;
  readonly #held = new Map<string, Held>();
  readonly #pages = new Map<string, Promise<FeedPage>>();
  readonly #positions = new Map<string, Promise<bigint>>();

  /** @param lingerMs how long a tail goes on when nobody listens: many come back soon */
  constructor(reads: FeedReads, watcher: FeedWatcher, lingerMs = 30_000) {
    this.#reads = reads;
    this.#watcher = watcher;
    this.#lingerMs = lingerMs;
  }

  /** The tail of a tenant's feed, which goes on until it is released. */
  async hold(tenantKey: string): Promise<HeldTail> {
    const held = this.#held.get(tenantKey) ?? this.#open(tenantKey);
    held.holders += 1;
    if (held.closing !== null) clearTimeout(held.closing);
    held.closing = null;
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      held.holders -= 1;
      if (held.holders === 0) this.#closeSoon(tenantKey, held);
    };
    try {
      const tail = await held.opening;
      if (tail.failure === undefined) return { tail, release };
      // The next one may fare better.
      this.#forget(tenantKey, held);
      throw tail.failure;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** The position of what was committed when this is asked; those who ask in one turn share a read. */
  positionNow(tenantKey: string): Promise<bigint> {
    return shared(this.#positions, tenantKey, async () => {
      await new Promise(setImmediate);
      this.#positions.delete(tenantKey);
      return await this.#reads.position(tenantKey);
    });
  }

  /** The next items of a following that its tail doesn't remember; those who miss the same share a read. */
  history({ tenantKey, stream, memberKey }: Following, after: bigint): Promise<FeedPage> {
    const range = { after, limit: ITEMS_A_READ, stream, memberKey };
    return shared(this.#pages, `${tenantKey} ${stream} ${memberKey} ${after}`, () =>
      this.#reads.read(tenantKey, range),
    );
  }

  close(): void {
    for (const [tenantKey, held] of this.#held) {
      if (held.closing !== null) clearTimeout(held.closing);
      this.#forget(tenantKey, held);
    }
  }

  #open(tenantKey: string): Held {
    const wakeups = this.#watcher.listen(tenantKey);
    const opening = this.#reads.position(tenantKey).then(
      (position) => new FeedTail(tenantKey, this.#reads, wakeups, position),
      (error: unknown) => {
        wakeups.close();
        if (this.#held.get(tenantKey) === held) this.#held.delete(tenantKey);
        throw error;
      },
    );
    const held: Held = { opening, holders: 0, closing: null };
    this.#held.set(tenantKey, held);
    return held;
  }

  #closeSoon(tenantKey: string, held: Held): void {
    held.closing = setTimeout(() => this.#forget(tenantKey, held), this.#lingerMs).unref();
  }

  #forget(tenantKey: string, held: Held): void {
    if (this.#held.get(tenantKey) === held) this.#held.delete(tenantKey);
    held.opening.then(
      (tail) => tail.close(),
      () => undefined,
    );
  }
}

/** The work that is under way under a key, or new work. */
function shared<Value>(
  running: Map<string, Promise<Value>>,
  key: string,
  work: () => Promise<Value>,
): Promise<Value> {
  const known = running.get(key);
  if (known !== undefined) return known;
  const begun = work().finally(() => {
    if (running.get(key) === begun) running.delete(key);
  });
  running.set(key, begun);
  return begun;
}
