import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { signToken } from '../../src/boot/index.ts';
import { feedCursor, feedPlace } from '../../src/domain/ledgers/index.ts';
import { fromPublicId } from '../../src/kernel/ids.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { connectSocket, type Frame, type TestSocket } from '../support/socket.ts';
import { untilHolds } from '../support/until-holds.ts';

const FOLLOW = `subscription($memberId: ID!, $after: String) {
  pointEvents(memberId: $memberId, after: $after) { cursor entry { version amount } } }`;
/** So wide that a listener who doesn't read soon has more waiting than may wait. */
const WIDE = `subscription($after: String) { programPointEvents(after: $after) { cursor entry { version }
  ${Array.from({ length: 40 }, (_, index) => `m${index}: member { id displayName attributes }`).join(' ')} } }`;

let gateway: TestGateway;
beforeAll(async () => {
  const limits = { LIVE_STREAMS_PER_CALLER: '150', LIVE_STREAMS_PER_TENANT: '180' };
  gateway = await startTestGateway({ environment: limits });
});
afterAll(() => gateway.close());

const open: TestSocket[] = [];
afterEach(async () => {
  for (const socket of open.splice(0)) await socket.close();
});

async function connect(payload?: Record<string, unknown>): Promise<TestSocket> {
  const socket = await connectSocket(gateway, payload);
  open.push(socket);
  return socket;
}

function subscribe(socket: TestSocket, id: string, query: string, variables: Json = {}): void {
  socket.send({ type: 'subscribe', id, payload: { query, variables } });
}

async function earn(memberId: string, amount = '1'): Promise<Json> {
  const { data } = await gateway.ask(
    `mutation($input: EarnPointsInput!) { earnPoints(input: $input) {
       ledger { eventCursor version } userErrors { code } } }`,
    { input: { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount } },
  );
  return data.earnPoints.ledger;
}

/** The next message that is about something. */
async function nextOf(socket: TestSocket): Promise<Frame> {
  for (;;) {
    const frame = await socket.next();
    if (frame.type !== 'ping' && frame.type !== 'pong') return frame;
  }
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]);
}

describe('a listener who doesn’t read', () => {
  it('is ended with the cursor from which it can go on, and nobody else notices', async () => {
    const attributes = { note: 'x'.repeat(7_500) };
    const memberId = await enrol(gateway, { attributes });
    const { eventCursor: after } = await earn(memberId);
    const [slow, quick] = [await connect(), await connect()];
    for (const socket of [slow, quick]) subscribe(socket, 'one', WIDE, { after });
    await earn(memberId);
    expect(await nextOf(slow)).toMatchObject({ type: 'next' });
    const slowBefore = await metric('membergraph_streams_too_slow_total');
    slow.pause();
    // An event is some 300 kB here; beside what may wait, the kernel holds a few megabytes.
    const [versions, heard]: [string[], string[]] = [[], []];
    const hear = async (): Promise<void> => {
      const frame = await nextOf(quick);
      expect(frame).toMatchObject({ type: 'next' });
      heard.push(frame.payload.data.programPointEvents.entry.version);
    };
    await hear();
    // Whoever reads is waited for: this process is the client's, too, and may be late itself.
    while ((await metric('membergraph_streams_too_slow_total')) === slowBefore) {
      versions.push((await earn(memberId)).version);
      await hear();
    }
    slow.resume();
    const told: Json[] = [];
    let frame = await nextOf(slow);
    for (; frame.type === 'next'; frame = await nextOf(slow))
      told.push(frame.payload.data.programPointEvents);
    expect(frame).toMatchObject({
      ...{ id: 'one', type: 'error' },
      payload: [{ extensions: { code: 'SLOW_CONSUMER', cursor: told.at(-1)?.cursor } }],
    });
    expect(await slow.closed).toMatchObject({ code: 1013 });
    expect(heard.slice(1)).toEqual(versions);
    const again = await connect();
    subscribe(again, 'one', WIDE, { after: frame.payload[0].extensions.cursor });
    const rest: string[] = [];
    while (told.length + rest.length < versions.length) {
      rest.push((await nextOf(again)).payload.data.programPointEvents.entry.version);
    }
    expect([...told.map(({ entry }) => entry.version), ...rest]).toEqual(versions);
  });

  it('while it catches up is waited for, and costs nothing meanwhile', async () => {
    const memberId = await enrol(gateway, { attributes: { note: 'x'.repeat(4_000) } });
    const { eventCursor: after } = await earn(memberId);
    for (let count = 0; count < 100; count += 1) await earn(memberId);
    const socket = await connect();
    socket.pause();
    subscribe(socket, 'one', WIDE, { after });
    const shownBefore = await metric('membergraph_events_shown_total');
    // So many are shown as the kernel takes, and then none: all of them where nobody waits.
    let shown = shownBefore;
    for (let looks = 0; looks < 5; looks += 1) {
      await delay(100);
      const now = await metric('membergraph_events_shown_total');
      if (now !== shown || now === shownBefore) looks = 0;
      shown = now;
    }
    expect(shown - shownBefore).toBeLessThan(100);
    socket.resume();
    const versions: number[] = [];
    while (versions.length < 100) {
      versions.push(Number((await nextOf(socket)).payload.data.programPointEvents.entry.version));
    }
    expect(versions).toEqual(versions.map((_, index) => index + (versions[0] ?? 0)));
  });
});

describe('streams and sockets', () => {
  const limit = async (socket: TestSocket, id: string): Promise<string> => {
    const frame = await nextOf(socket);
    expect(frame).toMatchObject({ id, type: 'next' });
    return frame.payload.errors[0].extensions.code;
  };

  it('of one caller are limited, and those that end make room', async () => {
    const memberId = await enrol(gateway);
    // Those of sockets that were closed end a moment later.
    await untilHolds(async () => (await metric('membergraph_streams')) === 0, 'no stream is open');
    const [first, second] = [await connect(), await connect()];
    for (let count = 0; count < 100; count += 1) subscribe(first, `a${count}`, FOLLOW, { memberId });
    for (let count = 0; count < 50; count += 1) subscribe(second, `b${count}`, FOLLOW, { memberId });
    while ((await metric('membergraph_streams')) < 150) await delay(10);
    subscribe(second, 'more', FOLLOW, { memberId });
    expect(await limit(second, 'more')).toBe('CALLER_STREAM_LIMIT');
    expect(await nextOf(second)).toMatchObject({ id: 'more', type: 'complete' });
    first.send({ type: 'complete', id: 'a0' });
    while ((await metric('membergraph_streams')) > 149) await delay(10);
    const { eventCursor: after } = await earn(memberId);
    await earn(memberId);
    subscribe(second, 'again', FOLLOW, { memberId, after });
    let frame = await nextOf(second);
    while (frame.id !== 'again') frame = await nextOf(second);
    expect(frame.payload.data.pointEvents.entry.version).toBe('3');
    await first.close();
    while ((await metric('membergraph_streams')) > 51) await delay(10);
  });

  it('of one tenant are limited, and a member has few', async () => {
    const memberId = await enrol(gateway);
    const [me, staff] = [await connect(await gateway.asMember(memberId)), await connect()];
    const also = await connect(await gateway.asMember(memberId));
    const third = await connect();
    for (let count = 0; count < 99; count += 1) subscribe(me, `m${count}`, FOLLOW, { memberId });
    subscribe(also, 'm99', FOLLOW, { memberId });
    while ((await metric('membergraph_streams')) < 100) await delay(10);
    subscribe(also, 'more', FOLLOW, { memberId });
    expect(await limit(also, 'more')).toBe('CALLER_STREAM_LIMIT');
    for (let count = 0; count < 80; count += 1) subscribe(staff, `s${count}`, FOLLOW, { memberId });
    while ((await metric('membergraph_streams')) < 180) await delay(10);
    subscribe(third, 'more', FOLLOW, { memberId });
    expect(await limit(third, 'more')).toBe('TENANT_STREAM_LIMIT');
    // Queries aren't streams.
    subscribe(third, 'query', '{ program { currency } }');
    let frame = await nextOf(third);
    while (frame.id !== 'query') frame = await nextOf(third);
    expect(frame.payload.data.program.currency).toBe('CNY');
  });
});

describe('a token', () => {
  const tokenOf = (memberId: string, expiresIn: string): Promise<string> =>
    signToken(gateway.config, { subject: memberId, tenant: 'demo', role: 'member', expiresIn });

  it('that is over closes the socket, unless a fresh one came as a ping', async () => {
    const memberId = await enrol(gateway);
    const { eventCursor: after } = await earn(memberId);
    const bearer = async (expiresIn: string): Promise<Record<string, string>> => ({
      authorization: `Bearer ${await tokenOf(memberId, expiresIn)}`,
    });
    const [kept, lost] = [await connect(await bearer('6s')), await connect(await bearer('6s'))];
    for (const socket of [kept, lost]) subscribe(socket, 'one', FOLLOW, { memberId, after });
    kept.send({ type: 'ping', payload: await bearer('1h') });
    lost.send({ type: 'ping', payload: { hello: 'world' } });
    for (const socket of [kept, lost]) expect(await socket.next()).toEqual({ type: 'pong' });
    expect(await lost.closed).toEqual({ code: 4403, reason: 'Token expired' });
    await delay(1_500);
    await earn(memberId);
    expect(await nextOf(kept)).toMatchObject({ type: 'next', id: 'one' });
  });

  it.each([
    ['of somebody else', async () => `Bearer ${await tokenOf(gateway.demo.memberId, '1h')}`],
    ['that is over', async () => `Bearer ${await tokenOf(await enrol(gateway), '-1s')}`],
    ['that is none', async () => 'nonsense'],
  ])('%s as a fresh one closes the socket', async (_, authorization) => {
    const memberId = await enrol(gateway);
    const socket = await connect({ authorization: `Bearer ${await tokenOf(memberId, '1h')}` });
    socket.send({ type: 'ping', payload: { authorization: await authorization() } });
    expect(await socket.closed).toMatchObject({ code: 4403 });
  });

  it('doesn’t turn a server’s socket into a person’s', async () => {
    const socket = await connect();
    const authorization = `Bearer ${await tokenOf(gateway.demo.memberId, '1h')}`;
    socket.send({ type: 'ping', payload: { authorization } });
    expect(await socket.closed).toMatchObject({ code: 4403 });
  });
});

it('streams outlive the connections to the database', async () => {
  const memberId = await enrol(gateway);
  const { eventCursor: after } = await earn(memberId);
  const socket = await connect();
  subscribe(socket, 'one', FOLLOW, { memberId, after });
  await earn(memberId);
  expect((await nextOf(socket)).payload.data.pointEvents.entry.version).toBe('3');
  const app = new pg.Client({ connectionString: gateway.database.appUrl });
  await app.connect();
  const { rowCount } = await app.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and usename = current_user and pid <> pg_backend_pid()`,
  );
  await app.end();
  expect(rowCount).toBeGreaterThan(2);
  for (const version of ['4', '5']) {
    let earned: Json = null;
    while (earned === null) earned = await earn(memberId).catch(() => null);
    expect((await nextOf(socket)).payload.data.pointEvents.entry.version).toBe(version);
  }
});

/** A listener that hangs up now and then, and comes back behind what it saw last. */
class Restless {
  readonly cursors: string[] = [];
  readonly #query: string;
  readonly #variables: Json;
  #after: string;

  constructor(memberId: string | null, after: string) {
    const field = memberId === null ? 'programPointEvents(' : 'pointEvents(memberId: $memberId, ';
    const variables = memberId === null ? '' : '$memberId: ID!, ';
    this.#query = `subscription(${variables}$after: String) { ${field}after: $after) { cursor } }`;
    this.#variables = memberId === null ? {} : { memberId };
    this.#after = after;
  }

  /** Until it has heard so many, or nothing for a while. */
  async listen(most: number, quietMs: number): Promise<void> {
    const socket = await connectSocket(gateway);
    subscribe(socket, 'one', this.#query, { ...this.#variables, after: this.#after });
    for (let count = 0; count < most; count += 1) {
      const frame = await Promise.race([nextOf(socket), delay(quietMs).then(() => null)]);
      if (frame === null) break;
      const [event] = Object.values<Json>(frame.payload.data);
      this.cursors.push(event.cursor);
      this.#after = event.cursor;
    }
    socket.closed.catch(() => undefined);
    await socket.close();
  }
}

it('everybody hears everything once, in order, however many post and come back meanwhile', async () => {
  const members = await Promise.all(Array.from({ length: 4 }, () => enrol(gateway)));
  const { eventCursor: start } = await earn(members[0] ?? '');
  const from = feedPlace(gateway.tenantKey, start);
  const whom = [...members, null, null, null];
  const listeners = whom.map((memberId) => ({ memberId, restless: new Restless(memberId, start) }));
  let posting = true;
  const listening = listeners.map(async ({ restless }) => {
    while (posting) await restless.listen(1 + Math.floor(Math.random() * 40), 200);
  });
  await Promise.all(
    members.map(async (memberId) => {
      for (let count = 0; count < 100; count += 1) await earn(memberId);
    }),
  );
  posting = false;
  await Promise.all(listening);
  const rows = await gateway.sql<{ member: string; position: string }>(
    `select l.member_id as member, e.feed_position as position from entry e
       join ledger l on l.tenant_id = e.tenant_id and l.ledger_id = e.ledger_id
      where e.feed_position > $1 order by e.feed_position`,
    [String(from)],
  );
  for (const { memberId, restless } of listeners) {
    const key = memberId === null ? null : fromPublicId('member', memberId);
    const expected = rows
      .filter(({ member }) => key === null || key === member)
      .map(({ position }) => feedCursor(gateway.tenantKey, BigInt(position)));
    expect(expected).toHaveLength(memberId === null ? 400 : 100);
    await restless.listen(expected.length - restless.cursors.length, 20_000);
    expect(restless.cursors).toEqual(expected);
  }
});
