import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { signToken } from '../../src/boot/index.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { askOverSocket, connectSocket, openSocket, type TestSocket } from '../support/socket.ts';
import { untilHolds } from '../support/until-holds.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ environment: { ALLOWED_ORIGINS: 'https://shop.example' } });
});
afterAll(() => gateway.close());

const PROGRAM = { query: '{ program { currency } }' };
const FOLLOW = `subscription($memberId: ID!) {
  pointEvents(memberId: $memberId, asset: "points") { type entry { version } } }`;

function subscribe(socket: TestSocket, id: string, payload: object): void {
  socket.send({ type: 'subscribe', id, payload });
}

async function earn(memberId: string): Promise<void> {
  await gateway.ask(
    'mutation($input: EarnPointsInput!) { earnPoints(input: $input) { userErrors { code } } }',
    {
      input: { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: '1' },
    },
  );
}

/** Answers as ever, on a socket that was there before and over HTTP. */
async function expectUnaffected(other: TestSocket): Promise<void> {
  subscribe(other, 'after', PROGRAM);
  expect(await other.next()).toMatchObject({
    id: 'after',
    payload: { data: { program: { currency: 'CNY' } } },
  });
  expect(await other.next()).toEqual({ id: 'after', type: 'complete' });
  expect((await gateway.ask(PROGRAM.query)).errors).toEqual([]);
}

describe('a socket', () => {
  let other: TestSocket;
  beforeEach(async () => {
    other = await connectSocket(gateway);
  });
  afterEach(async () => {
    await expectUnaffected(other);
    await other.close();
  });

  it('on which nobody says who they are is closed', async () => {
    const socket = await openSocket(gateway);
    expect(await socket.closed).toMatchObject({ code: 4408 });
  });

  it('that subscribes before it is acknowledged is closed', async () => {
    const socket = await openSocket(gateway);
    subscribe(socket, 'one', PROGRAM);
    expect(await socket.closed).toMatchObject({ code: 4401 });
  });

  it('that says twice who it is is closed', async () => {
    const socket = await connectSocket(gateway);
    socket.send({ type: 'connection_init', payload: { 'x-api-key': gateway.demo.adminApiKey } });
    expect(await socket.closed).toMatchObject({ code: 4429 });
  });

  it('that uses an id twice is closed', async () => {
    const socket = await connectSocket(gateway);
    const payload = { query: FOLLOW, variables: { memberId: gateway.demo.memberId } };
    subscribe(socket, 'one', payload);
    subscribe(socket, 'one', payload);
    expect(await socket.closed).toMatchObject({ code: 4409 });
  });

  it.each([
    ['no JSON', '{'],
    ['no message', '[]'],
    ['null', 'null'],
    ['an unknown type', '{"type":"start"}'],
    ['no id', '{"type":"subscribe","payload":{"query":"{ __typename }"}}'],
    ['an empty id', '{"type":"subscribe","id":"","payload":{"query":"{ __typename }"}}'],
    ['no query', '{"type":"subscribe","id":"1","payload":{}}'],
    ['a list of queries', '{"type":"subscribe","id":"1","payload":[{"query":"{ __typename }"}]}'],
    ['JSON 50,000 deep', '['.repeat(50_000)],
    ['parameters that are none', '{"type":"connection_init","payload":[]}'],
  ])('that sends junk (%s) is closed', async (_, junk) => {
    const socket = await connectSocket(gateway);
    socket.send(junk);
    expect(await socket.closed).toMatchObject({ code: 4400 });
  });

  it('of another protocol is closed', async () => {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, 'graphql-ws');
    // The client hangs up when no protocol is chosen, unless the server does so first.
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.on('close', resolve));
    expect(socket.protocol).toBe('');
  });

  it('holds a hundred operations, and the next one is refused', async () => {
    const memberId = await enrol(gateway);
    const socket = await connectSocket(gateway);
    const ids = Array.from({ length: 100 }, (_, index) => `stream-${index}`);
    for (const id of ids) subscribe(socket, id, { query: FOLLOW, variables: { memberId } });
    for (const id of ['more', 'and-more']) {
      subscribe(socket, id, PROGRAM);
      expect(await socket.next()).toMatchObject({
        type: 'error',
        id,
        payload: [{ extensions: { code: 'QUERY_TOO_LARGE' } }],
      });
    }
    // All that there were go on, and one that ends makes room for another.
    const heard = new Set<string>();
    const reading = (async () => {
      while (heard.size < ids.length) heard.add((await socket.next()).id ?? '');
    })();
    while (heard.size < ids.length) await earn(memberId);
    await reading;
    expect(heard).toEqual(new Set(ids));
    socket.send({ type: 'complete', id: ids[0] });
    subscribe(socket, 'again', PROGRAM);
    let frame = await socket.next();
    while (frame.id !== 'again') frame = await socket.next();
    expect(frame.type).toBe('next');
    await socket.close();
  });

  it('is closed when its token expires, in mid-subscription', async () => {
    const memberId = await enrol(gateway);
    const claims = { subject: memberId, tenant: 'demo', role: 'member', expiresIn: '6s' } as const;
    const socket = await connectSocket(gateway, {
      authorization: `Bearer ${await signToken(gateway.config, claims)}`,
    });
    subscribe(socket, 'one', { query: FOLLOW, variables: { memberId } });
    expect(await socket.closed).toMatchObject({ code: 4403 });
  });

  it('subscribes and completes again and again', async () => {
    const socket = await connectSocket(gateway);
    for (let count = 0; count < 500; count += 1) {
      subscribe(socket, `churn-${count}`, { query: FOLLOW, variables: { memberId: gateway.demo.memberId } });
      socket.send({ type: 'complete', id: `churn-${count}` });
    }
    subscribe(socket, 'last', PROGRAM);
    let frame = await socket.next();
    while (frame.id !== 'last') frame = await socket.next();
    expect(frame).toMatchObject({ type: 'next', payload: { data: { program: { currency: 'CNY' } } } });
    await socket.close();
  });

  it('completes an id and uses it again at once: each event comes once, and no other’s end', async () => {
    const memberId = await enrol(gateway);
    const query = `subscription($memberId: ID!, $after: String) {
      pointEvents(memberId: $memberId, asset: "points", after: $after) { cursor } }`;
    const card = `{ member(id: "${memberId}") { ledger(asset: "points") { eventCursor } } }`;
    let after = (await gateway.ask(card)).data.member.ledger.eventCursor;
    const socket = await connectSocket(gateway);
    const again = (): void => subscribe(socket, 'one', { query, variables: { memberId, after } });
    again();
    for (let count = 0; count < 3; count += 1) {
      // The first one is complete while it is open, the others while they are being opened.
      for (let more = 0; more < 5; more += 1) {
        socket.send({ type: 'complete', id: 'one' });
        again();
      }
      await earn(memberId);
      const { id, payload } = await socket.next();
      after = payload?.data?.pointEvents.cursor;
      expect([id, after]).toEqual(['one', expect.any(String)]);
    }
    subscribe(socket, 'last', PROGRAM);
    expect((await socket.next()).id).toBe('last');
    await socket.close();
  });
});

describe('the upgrade', () => {
  /** The status with which an upgrade is refused, or 101. */
  async function upgrade(path: string, origin?: string): Promise<number> {
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}${path}`, 'graphql-transport-ws', {
      origin,
    });
    return await new Promise((resolve) => {
      socket.on('error', () => undefined);
      socket.on('unexpected-response', (request, response) => {
        request.destroy();
        resolve(response.statusCode ?? 0);
      });
      socket.on('open', () => {
        socket.terminate();
        resolve(101);
      });
    });
  }

  it.each([undefined, 'https://shop.example'])('is open to %s', async (origin) => {
    expect(await upgrade('/graphql', origin)).toBe(101);
  });

  it('is open to the gateway’s own pages', async () => {
    expect(await upgrade('/graphql', gateway.url)).toBe(101);
  });

  it.each([
    'https://evil.example',
    'https://shop.example.evil.example',
    'http://shop.example',
    'null',
    'nonsense',
    'file://',
  ])('is refused to pages of %s', async (origin) => {
    expect(await upgrade('/graphql', origin)).toBe(403);
  });

  it('is at /graphql alone', async () => {
    expect(await upgrade('/')).toBe(404);
    expect(await upgrade('/graphql/other')).toBe(404);
  });

  it('may be hung up on while it is refused', async () => {
    const { port } = new URL(gateway.url);
    const request =
      'GET /graphql HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: https://evil.example\r\n\r\n';
    for (let count = 0; count < 20; count += 1) {
      const socket = connect({ port: Number(port), host: '127.0.0.1' });
      await once(socket, 'connect');
      socket.write(request);
      socket.resetAndDestroy();
      await once(socket, 'close');
    }
    expect((await gateway.ask(PROGRAM.query)).errors).toEqual([]);
  });
});

describe('over a socket', () => {
  it('people read what their client or their enterprise speaks', async () => {
    const payload = JSON.stringify({
      query:
        'mutation { earnPoints(input: { idempotencyKey: "", memberId: "x", asset: "points", amount: "1" }) { userErrors { message } } }',
    });
    const message = async (language: Record<string, string>): Promise<string> => {
      const credentials = { 'x-api-key': gateway.demo.adminApiKey, ...language };
      return (await askOverSocket(gateway, payload, credentials)).data.earnPoints.userErrors[0].message;
    };
    expect(await message({})).toMatch(/^幂等键/);
    expect(await message({ acceptLanguage: 'zh-CN' })).toMatch(/^幂等键/);
    expect(await message({ acceptLanguage: 'fr, en;q=0.5' })).toMatch(/^An idempotency key/);
  });

  it('what goes wrong in execution is told beside the data, and the socket stays open', async () => {
    const socket = await connectSocket(gateway);
    const query =
      'query($id: ID!) { program { currency } member(id: $id) { ledger(asset: "points") { balance(at: "2999-01-01T00:00:00Z") { held } } } }';
    subscribe(socket, 'one', { query, variables: { id: gateway.demo.memberId } });
    const frame: Json = await socket.next();
    expect(frame).toMatchObject({
      type: 'next',
      payload: {
        data: { program: { currency: 'CNY' }, member: { ledger: null } },
        errors: [{ extensions: { code: 'AT_IN_FUTURE' }, path: ['member', 'ledger', 'balance'] }],
      },
    });
    expect(await socket.next()).toEqual({ type: 'complete', id: 'one' });
    await expectUnaffected(socket);
    await socket.close();
  });

  const count = async (): Promise<number> => {
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    return Number(/^membergraph_websockets (\d+)$/m.exec(text)?.[1]);
  };
  /** The gateway hears of a close a moment after the client. */
  const untilNoneIsOpen = () => untilHolds(async () => (await count()) === 0, 'no socket is counted');

  it('an open socket is counted', async () => {
    await untilNoneIsOpen();
    const socket = await connectSocket(gateway);
    expect(await count()).toBe(1);
    await socket.close();
    await untilNoneIsOpen();
  });

  it('those who hang up before they are recognised are counted for nothing', async () => {
    await untilNoneIsOpen();
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const socket = await openSocket(gateway);
        socket.send({ type: 'connection_init', payload: { 'x-api-key': gateway.demo.adminApiKey } });
        socket.terminate();
        await socket.closed;
      }),
    );
    // One that comes after them is through when they are.
    await (await connectSocket(gateway)).close();
    await untilNoneIsOpen();
  });
});
