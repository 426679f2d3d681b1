import { setTimeout as sleep } from 'node:timers/promises';
import { CommitProxy } from '../faults/commit-proxy.ts';
import { auditLedgers } from '../support/audit.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import type { Running } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';
import { untilHolds } from '../support/until-holds.ts';
import { type Follower, otherSide, Pair, type Side } from './pair.ts';

const MEMBERS = 4;
const CALLERS = 6;
/** So many are acknowledged between two blows. */
const ACKNOWLEDGED = 40;

const redis = await startRedis();
afterAll(() => redis?.close());

/** How a bus is had, lost and found again. */
interface Bus {
  readonly name: string;
  readonly environment: Record<string, string>;
  readonly lose: () => Promise<void>;
  readonly regain: () => Promise<void>;
}

/** PostgreSQL ends every connection that listens, as soon as there is one. */
function cutPostgres(): Pick<Bus, 'lose' | 'regain'> {
  let isCut = false;
  let cutting = Promise.resolve();
  const cut = async (): Promise<void> => {
    while (isCut) await pair.cutListeners();
  };
  return {
    lose: async () => {
      isCut = true;
      cutting = cut();
    },
    regain: async () => {
      isCut = false;
      await cutting;
    },
  };
}

const BUSES: Bus[] = [{ name: 'postgres', environment: { BUS: 'postgres' }, ...cutPostgres() }];
if (redis?.kill) {
  const { url, kill } = redis;
  const regain = (): Promise<void> => redis.start();
  BUSES.push({ name: 'redis', environment: { REDIS_URL: url }, lose: kill, regain });
}

let pair: Pair;
const followers: Follower[] = [];
afterEach(async () => {
  for (const follower of followers.splice(0)) await follower.stop();
});

async function endPair(): Promise<void> {
  expect(await auditLedgers(pair.database.adminUrl)).toEqual([]);
  await pair.close();
}

async function follow(...[side, memberId, whose]: Parameters<Pair['follow']>): Promise<Follower> {
  const follower = await pair.follow(side, memberId, whose);
  followers.push(follower);
  return follower;
}

/** Everybody has heard exactly what the ledger holds: nothing missing, nothing twice, in order. */
async function expectAllHeard(): Promise<void> {
  for (const follower of followers) {
    const entries = await pair.entriesBehind(follower.following);
    await untilHolds(() => follower.heard.length >= entries.length, 'a follower has heard everything');
    expect(follower.heard).toEqual(entries);
  }
}

/** Callers who post to members at either gateway; where one is gone, the same key goes to the other. */
class Load {
  acknowledged = 0;
  #isOver = false;
  readonly #callers: Promise<void>[];

  constructor(memberIds: readonly string[]) {
    this.#callers = Array.from({ length: CALLERS }, (_, caller) => this.#call(memberIds, caller));
  }

  async #call(memberIds: readonly string[], caller: number): Promise<void> {
    for (let sent = caller; !this.#isOver; sent += 1) {
      const key = newRequestKey();
      let side: Side = sent % 2 === 0 ? 0 : 1;
      while (!(await this.#isDone(side, memberIds[sent % memberIds.length] ?? '', key))) {
        side = otherSide(side);
        await sleep(20);
      }
      this.acknowledged += 1;
    }
  }

  #isDone(side: Side, memberId: string, key: string): Promise<boolean> {
    return pair.earn(side, memberId, key).then(
      () => true,
      () => false,
    );
  }

  async untilMore(): Promise<void> {
    const enough = this.acknowledged + ACKNOWLEDGED;
    await untilHolds(() => this.acknowledged >= enough, 'postings are acknowledged');
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#callers);
  }
}

async function enrolAll(count: number): Promise<string[]> {
  const memberIds: string[] = [];
  while (memberIds.length < count) memberIds.push(await enrol(pair.at(1)));
  return memberIds;
}

/** Members under load, each with a follower at either gateway, as all of them together have. */
async function loadWithFollowers(): Promise<Load> {
  const memberIds = await enrolAll(MEMBERS);
  for (const side of [0, 1] as const) {
    for (const memberId of memberIds) await follow(side, memberId);
    await follow(side, memberIds[0] ?? '', 'program');
  }
  const load = new Load(memberIds);
  await load.untilMore();
  return load;
}

async function tellEachOther(): Promise<void> {
  const [memberId = ''] = await enrolAll(1);
  for (const side of [0, 1] as const) await follow(side, memberId);
  for (const side of [0, 1, 1, 0] as const) {
    await pair.earn(side, memberId);
    await expectAllHeard();
  }
  expect(followers.map(({ returns }) => returns)).toEqual([0, 0]);
}

async function killEither(): Promise<void> {
  const load = await loadWithFollowers();
  await pair.kill(0);
  await load.untilMore();
  await pair.start(0);
  await load.untilMore();
  await pair.kill(1);
  await load.untilMore();
  await load.stop();
  await expectAllHeard();
  // Those at the second had to go, and those of the first twice.
  expect(followers.filter(({ returns }) => returns === 0)).toEqual([]);
}

const TELL = 'tell each other’s listeners what is posted';
const KILL = 'lose nothing and repeat nothing when either is killed under load';

describe('two gateways without a bus', () => {
  beforeAll(async () => {
    pair = await Pair.create({ BUS: 'in-process' });
    await Promise.all([pair.start(0), pair.start(1)]);
  }, 120_000);
  afterAll(endPair);

  it(TELL, tellEachOther);
  it(KILL, killEither, 120_000);
});

describe.each(BUSES)('two gateways, bus $name', ({ environment, lose, regain }) => {
  let running: Running[];
  beforeAll(async () => {
    pair = await Pair.create(environment);
    await lose();
    running = await Promise.all([pair.start(0), pair.start(1)]);
  }, 120_000);
  afterAll(endPair);

  const isUp = async (side: Side, up: string): Promise<boolean> =>
    (await (await pair.get(side, '/metrics')).text()).includes(`membergraph_bus_up{${up}`);
  const bothAre = async (up: '0' | '1'): Promise<void> => {
    const name = environment.BUS ?? 'redis';
    const there = `bus="${name}"} ${up}`;
    for (const side of [0, 1] as const) await untilHolds(() => isUp(side, there), there);
  };

  it('start and serve while it is away, and find it when it comes', async () => {
    expect((await pair.get(0, '/readyz')).status).toBe(200);
    await bothAre('0');
    await tellEachOther();
    await regain();
    await bothAre('1');
    for (const { until } of running) await until(/the bus is away[\s\S]*the bus is there/);
  }, 120_000);

  it(TELL, tellEachOther);

  it('lose no event while it is away, and when it is back', async () => {
    const load = await loadWithFollowers();
    await lose();
    await bothAre('0');
    await load.untilMore();
    await regain();
    await bothAre('1');
    await load.untilMore();
    await load.stop();
    await expectAllHeard();
    expect(followers.filter(({ returns }) => returns > 0)).toEqual([]);
  }, 120_000);

  it(KILL, killEither, 120_000);
});

describe('two gateways of which one is killed at a COMMIT', () => {
  let proxy: CommitProxy;
  beforeAll(async () => {
    pair = await Pair.create({ BUS: 'postgres' });
    proxy = await CommitProxy.to(pair.database.appUrl);
    await Promise.all([pair.start(0, { DATABASE_URL: proxy.url }), pair.start(1)]);
  }, 120_000);
  afterAll(async () => {
    await endPair();
    await proxy.close();
  });

  it('tell what was committed though nobody was left to say so', async () => {
    const [memberId = ''] = await enrolAll(1);
    const { following } = await follow(1, memberId);
    const before = (await pair.entriesBehind(following)).length;
    proxy.arm('LATE');
    const lost = pair.earn(0, memberId).then(
      () => 'acknowledged',
      () => 'lost',
    );
    await untilHolds(() => proxy.met === 1, 'the COMMIT is on its way');
    await pair.kill(0);
    expect(await lost).toBe('lost');
    expect(await pair.entriesBehind(following)).toHaveLength(before);
    proxy.deliver();
    await untilHolds(
      async () => (await pair.entriesBehind(following)).length === before + 1,
      'it is committed',
    );
    await expectAllHeard();
  }, 120_000);
});
