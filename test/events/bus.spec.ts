import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createClient } from 'redis';
import { type Bus, type BusListener, LineBus, type OpenLine } from '../../src/events/bus.ts';
import { FeedWatcher } from '../../src/events/index.ts';
import { openRedisLine } from '../../src/events/redis-line.ts';
import { openChannel } from '../../src/persistence/sql/channel.ts';
import { Breakable } from '../support/breakable.ts';
import { createTestDatabase } from '../support/database.ts';
import { startRedis } from '../support/redis.ts';
import { untilHolds } from '../support/until-holds.ts';

/** Far too long for anything to come of it in a test. */
const NEVER_MS = 3_600_000;
const CHANNEL = 'membergraph_feed';

/** What carries a bus, and how anybody else would say something there. */
interface Carrier {
  readonly name: string;
  readonly url: string;
  line(url: string): OpenLine;
  say(payload: string): Promise<void>;
  close(): Promise<void>;
}

async function postgresCarrier(): Promise<Carrier> {
  const database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.appUrl });
  await client.connect();
  return {
    name: 'postgres',
    url: database.appUrl,
    line: (url) => (listener, stop) => openChannel(url, CHANNEL, listener, stop),
    say: async (payload) => void (await client.query('select pg_notify($1, $2)', [CHANNEL, payload])),
    close: async () => {
      await client.end();
      await database.drop();
    },
  };
}

const redis = await startRedis();
async function redisCarrier(url: string): Promise<Carrier> {
  const client = createClient({ url });
  await client.connect();
  return {
    ...{ name: 'redis', url },
    line: (through) => (listener, stop) => openRedisLine(through, listener, stop),
    say: async (payload) => void (await client.publish('membergraph:feed', payload)),
    close: async () => client.destroy(),
  };
}
const carriers = [await postgresCarrier(), ...(redis === null ? [] : [await redisCarrier(redis.url)])];
afterAll(async () => {
  for (const carrier of carriers) await carrier.close();
  await redis?.close();
});

/** A bus with what it told. */
class Told implements BusListener {
  readonly tenants: string[] = [];
  readonly states: string[] = [];
  hinted(tenantKeys: readonly string[]): void {
    this.tenants.push(...tenantKeys);
  }
  away(): void {
    this.states.push('away');
  }
  back(): void {
    this.states.push('back');
  }
}

describe.each(carriers)('the bus over $name', ({ url, line, say }) => {
  const open: Bus[] = [];
  let network: Breakable;
  beforeEach(async () => {
    network = await Breakable.to(url);
  });
  afterEach(async () => {
    for (const bus of open.splice(0)) await bus.close();
    await network.close();
  });

  /** One that goes through the network that breaks. */
  function join(patienceMs?: number): { bus: Bus; told: Told } {
    const told = new Told();
    const bus = new LineBus(line(network.url), told, patienceMs);
    open.push(bus);
    return { bus, told };
  }

  async function joinAll(count: number, patienceMs?: number): Promise<{ bus: Bus; told: Told }[]> {
    const all = Array.from({ length: count }, () => join(patienceMs));
    await untilHolds(() => all.every(({ told }) => told.states.at(-1) === 'back'));
    return all;
  }

  it('tells the others what one publishes, and not that one', async () => {
    const [one, other, third] = await joinAll(3);
    one?.bus.publish('a');
    one?.bus.publish('a');
    other?.bus.publish('b');
    await untilHolds(() => third?.told.tenants.length === 2);
    await untilHolds(() => one?.told.tenants.length === 1 && other?.told.tenants.length === 1);
    expect(third?.told.tenants.toSorted()).toEqual(['a', 'b']);
    expect([one?.told.tenants, other?.told.tenants]).toEqual([['b'], ['a']]);
  });

  it('carries more tenants at once than fit into one message', async () => {
    const [one, other] = await joinAll(2);
    const tenants = Array.from({ length: 1_000 }, () => randomUUID());
    for (const tenant of tenants) one?.bus.publish(tenant);
    await untilHolds(() => (other?.told.tenants.length ?? 0) >= tenants.length);
    expect(other?.told.tenants).toEqual(tenants);
  });

  it('sends what was published before it is closed', async () => {
    const [one, other] = await joinAll(2);
    one?.bus.publish('last');
    await one?.bus.close();
    await untilHolds(() => other?.told.tenants.length === 1);
  });

  it('tells once that it is away, and once that it is back', async () => {
    const [one, other] = await joinAll(2);
    network.cut();
    await untilHolds(() => one?.told.states.length === 2 && other?.told.states.length === 2);
    one?.bus.publish('lost');
    await sleep(1_000);
    expect(one?.told.states).toEqual(['back', 'away']);
    network.mend();
    await untilHolds(() => one?.told.states.length === 3 && other?.told.states.length === 3);
    expect(other?.told.states).toEqual(['back', 'away', 'back']);
    one?.bus.publish('found');
    await untilHolds(() => other?.told.tenants.length === 1);
    expect(other?.told.tenants).toEqual(['found']);
  });

  it('notices a network that says nothing any more', async () => {
    const [one, other] = await joinAll(2, 300);
    network.silence();
    await untilHolds(() => one?.told.states.at(-1) === 'away' && other?.told.states.at(-1) === 'away');
    network.mend();
    await untilHolds(() => one?.told.states.at(-1) === 'back' && other?.told.states.at(-1) === 'back');
    // So little patience takes a busy machine for a silent one now and then, and what is said then is lost.
    await untilHolds(() => {
      one?.bus.publish('found');
      return other?.told.tenants.includes('found') === true;
    });
  });

  it.each(['cut', 'silence'] as const)('can be closed while it connects (%s)', async (breaks) => {
    network[breaks]();
    const { bus, told } = join();
    bus.publish('a');
    if (breaks === 'cut') await untilHolds(() => told.states.length > 0);
    await sleep(200);
    expect(told.states).toEqual(breaks === 'cut' ? ['away'] : []);
    const before = performance.now();
    await bus.close();
    expect(performance.now() - before).toBeLessThan(2_000);
  });

  it('takes no harm from what others say there', async () => {
    const [one] = await joinAll(1);
    for (const payload of ['junk', ' ', 'ff ,,', `ff ${'x'.repeat(7_900)}`, 'ff good']) await say(payload);
    await untilHolds(() => one?.told.tenants.includes('good') === true);
    expect(one?.told.states).toEqual(['back']);
  });

  describe('wakes listeners of another process', () => {
    const watchers: FeedWatcher[] = [];
    afterEach(async () => {
      for (const watcher of watchers.splice(0)) await watcher.close();
    });

    /** A process whose database is at this position. */
    async function watch(position: () => bigint, everyMs: number): Promise<FeedWatcher> {
      const there = Promise.withResolvers<void>();
      const watcher = new FeedWatcher(async () => position(), {
        ...{ everyMs, onBus: (error: Error | null) => error ?? there.resolve() },
        openBus: (listener) => new LineBus(line(network.url), listener),
      });
      watchers.push(watcher);
      await there.promise;
      return watcher;
    }

    it('of that tenant alone, without looking at any position', async () => {
      const [here, there] = [await watch(() => 0n, NEVER_MS), await watch(() => 0n, NEVER_MS)];
      const wakeups = there.listen('a');
      const others = there.listen('b');
      let isWoken = false;
      void others.next().then((isOpen) => {
        isWoken = isOpen;
      });
      here.posted('a');
      expect(await wakeups.next()).toBe(true);
      expect(isWoken).toBe(false);
    });

    it('by the look while the bus is away, and at once when it is back', async () => {
      let position = 1n;
      const [here, there] = [await watch(() => position, NEVER_MS), await watch(() => position, 100)];
      const slow = await watch(() => position, NEVER_MS);
      const [quickWakeups, slowWakeups] = [there.listen('a'), slow.listen('a')];
      // The first look at all is one that finds something.
      await quickWakeups.next();
      network.cut();
      position = 2n;
      here.posted('a');
      expect(await quickWakeups.next()).toBe(true);
      network.mend();
      expect(await slowWakeups.next()).toBe(true);
    });
  });
});
