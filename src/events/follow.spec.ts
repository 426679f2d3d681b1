import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { RequestFault } from '../kernel/errors.ts';
import type { FeedItem, FeedPage, FeedRange, FeedReads, Following } from './feed.ts';
import { FeedTails } from './feed-tail.ts';
import { FeedWatcher } from './feed-watcher.ts';
import { type Follower, follow } from './follow.ts';

const TENANT = 'tenant';
const MEMBERS = ['ann', 'bob', 'cat'];

/** A feed in memory, whose reads take as many turns as they are told to. */
class Feed implements FeedReads {
  readonly items: FeedItem[] = [];
  readonly #turns: () => number;
  reads = 0;
  failure: Error | null = null;

  constructor(turns: () => number = () => 0) {
    this.#turns = turns;
  }

  commit(memberKey: string): void {
    this.items.push({
      position: BigInt(this.items.length + 1),
      stream: 'points',
      memberKey,
      event: memberKey,
    });
  }

  async position(): Promise<bigint> {
    const now = BigInt(this.items.length);
    await this.#pass();
    return now;
  }

  async read(_tenantKey: string, { after, limit, memberKey }: FeedRange): Promise<FeedPage> {
    this.reads += 1;
    if (this.failure !== null) throw this.failure;
    const upTo = BigInt(this.items.length);
    const items = this.items
      .filter((item) => item.position > after && (memberKey === null || item.memberKey === memberKey))
      .slice(0, limit);
    await this.#pass();
    return { items, upTo: items.length < limit ? upTo : (items.at(-1)?.position ?? after) };
  }

  async #pass(): Promise<void> {
    for (let turns = this.#turns(); turns > 0; turns -= 1) await new Promise(setImmediate);
  }
}

/** Keeps what it is told; takes its time while it catches up. */
class Kept implements Follower {
  readonly heard: bigint[] = [];
  readonly #following: Following;
  readonly #turns: () => number;
  closed = false;
  failure: unknown;
  #from = 0n;

  constructor(following: Following, turns: () => number) {
    this.#following = following;
    this.#turns = turns;
  }

  async caughtUp(item: FeedItem): Promise<void> {
    for (let turns = this.#turns(); turns > 0; turns -= 1) await new Promise(setImmediate);
    this.heard.push(item.position);
  }

  joined(...[tail, position]: Parameters<Follower['joined']>): void {
    this.#from = position;
    tail.listen(this.#following, {
      heard: (item) => {
        if (item.position > this.#from) this.heard.push(item.position);
      },
      failed: (error) => {
        this.failure = error;
      },
    });
  }
}

/** @param lookMs how often it looks for what nobody hinted at */
function tailsOf(feed: Feed, lookMs = 5): { tails: FeedTails; watcher: FeedWatcher } {
  const watcher = new FeedWatcher(() => feed.position(), { everyMs: lookMs });
  return { tails: new FeedTails(feed, watcher), watcher };
}

const followingOf = (memberKey: string | null, after: bigint | null): Following => ({
  ...{ tenantKey: TENANT, stream: 'points', memberKey, after, accepts: () => true },
});

/** Waits for what must come; what doesn't is told by what is expected next. */
async function until(holds: () => boolean): Promise<void> {
  for (let turns = 0; turns < 5_000 && !holds(); turns += 1) await delay(turns < 1_000 ? 0 : 1);
}

/** What happens in a run: a commit of a member's, with or without a hint, or somebody who begins to follow. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ commit: fc.constantFrom(...MEMBERS), hint: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ member: fc.constantFrom(...MEMBERS, null), back: fc.option(fc.nat(30)) }),
  },
);

it('tells everybody each item behind their place once, in order, however things come together', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 120 }),
      fc.array(fc.nat(4), { minLength: 1 }),
      async (steps, pauses) => {
        let next = 0;
        const turns = (): number => pauses[next++ % pauses.length] ?? 0;
        const feed = new Feed(turns);
        const { tails, watcher } = tailsOf(feed);
        const begun: { kept: Kept; member: string | null; after: bigint; done: Promise<unknown> }[] = [];
        for (const one of steps) {
          if ('commit' in one) {
            feed.commit(one.commit);
            if (one.hint) watcher.posted(TENANT);
            if (turns() > 2) await new Promise(setImmediate);
          } else {
            const after = BigInt(Math.max(0, feed.items.length - (one.back ?? 0)));
            const following = followingOf(one.member, after);
            const kept = new Kept(following, turns);
            begun.push({ kept, member: one.member, after, done: follow(tails, following, kept) });
          }
        }
        await Promise.all(begun.map(({ done }) => done));
        for (const { kept, member, after } of begun) {
          const expected = feed.items
            .filter(
              ({ position, memberKey }) => position > after && (member === null || member === memberKey),
            )
            .map(({ position }) => position);
          await until(() => kept.heard.length >= expected.length);
          expect(kept.heard).toEqual(expected);
        }
        tails.close();
        await watcher.close();
      },
    ),
    { numRuns: 150 },
  );
});

describe('a follower', () => {
  it('without a cursor hears what is committed from now on, though the tail is behind', async () => {
    const feed = new Feed();
    const { tails, watcher } = tailsOf(feed);
    const first = new Kept(followingOf(null, 0n), () => 0);
    await follow(tails, followingOf(null, 0n), first);
    feed.commit('ann');
    const second = new Kept(followingOf(null, null), () => 0);
    await follow(tails, followingOf(null, null), second);
    feed.commit('bob');
    watcher.posted(TENANT);
    await until(() => first.heard.length === 2 && second.heard.length > 0);
    expect(second.heard).toEqual([2n]);
    tails.close();
    await watcher.close();
  });

  it('whose place the feed hasn’t reached is refused', async () => {
    const feed = new Feed();
    feed.commit('ann');
    const { tails, watcher } = tailsOf(feed);
    const following = followingOf(null, 2n);
    const failed = await follow(tails, following, new Kept(following, () => 0)).catch(
      (error: unknown) => error,
    );
    expect(failed).toBeInstanceOf(RequestFault);
    expect(failed).toMatchObject({ code: 'CURSOR_INVALID', field: ['after'] });
    tails.close();
    await watcher.close();
  });

  it('who comes back soon costs no read, and a hundred who miss the same cost one', async () => {
    const feed = new Feed(() => 2);
    for (let count = 0; count < 50; count += 1) feed.commit('ann');
    const { tails, watcher } = tailsOf(feed, 60_000);
    const back = (after: bigint): Promise<Kept[]> =>
      Promise.all(
        Array.from({ length: 100 }, async () => {
          const following = followingOf(null, after);
          const kept = new Kept(following, () => 0);
          await follow(tails, following, kept);
          return kept;
        }),
      );
    for (const { heard } of await back(10n)) expect(heard).toHaveLength(40);
    // The tail's own, and the one that they share.
    expect(feed.reads).toBe(2);
    for (let count = 0; count < 5; count += 1) feed.commit('bob');
    watcher.posted(TENANT);
    const waiting = new Kept(followingOf(null, 50n), () => 0);
    await follow(tails, followingOf(null, 50n), waiting);
    await until(() => waiting.heard.length === 5);
    const before = feed.reads;
    for (const { heard } of await back(52n)) expect(heard).toEqual([53n, 54n, 55n]);
    expect(feed.reads).toBe(before);
    tails.close();
    await watcher.close();
  });

  it('goes on by itself when the database was away', async () => {
    const feed = new Feed();
    const { tails, watcher } = tailsOf(feed);
    const kept = new Kept(followingOf(null, 0n), () => 0);
    await follow(tails, followingOf(null, 0n), kept);
    feed.failure = new Error('Connection terminated unexpectedly');
    feed.commit('ann');
    watcher.posted(TENANT);
    const failed = feed.reads;
    await until(() => feed.reads > failed);
    feed.failure = null;
    await until(() => kept.heard.length === 1);
    expect(kept.failure).toBeUndefined();
    tails.close();
    await watcher.close();
  });

  it('is told when the feed can’t be read, and the next one begins anew', async () => {
    const feed = new Feed();
    const { tails, watcher } = tailsOf(feed);
    const kept = new Kept(followingOf(null, 0n), () => 0);
    await follow(tails, followingOf(null, 0n), kept);
    feed.failure = new Error('relation "entry" does not exist');
    watcher.posted(TENANT);
    await until(() => kept.failure !== undefined);
    expect(kept.failure).toBe(feed.failure);
    feed.failure = null;
    feed.commit('ann');
    const again = new Kept(followingOf(null, 0n), () => 0);
    await follow(tails, followingOf(null, 0n), again).catch(() =>
      follow(tails, followingOf(null, 0n), again),
    );
    await until(() => again.heard.length === 1);
    tails.close();
    await watcher.close();
  });
});
