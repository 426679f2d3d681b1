import { signToken } from '../../src/boot/index.ts';
import { openEventStream, type TestEventStream } from '../support/event-streams.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { untilHolds } from '../support/until-holds.ts';

const ORIGIN = 'https://shop.example';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({
    environment: { ALLOWED_ORIGINS: ORIGIN, LIVE_STREAMS_PER_CALLER: '20' },
  });
});
afterAll(() => gateway.close());

const open: TestEventStream[] = [];
afterEach(() => {
  for (const stream of open.splice(0)) stream.close();
});

async function stream(...[payload, headers, method]: [Json, Record<string, string>?, string?]) {
  const opened = await openEventStream(gateway, payload, headers, method);
  open.push(opened);
  return opened;
}

const FOLLOW = `subscription($memberId: ID!, $after: String) {
  pointEvents(memberId: $memberId, asset: "points", after: $after) { cursor entry { amount version } } }`;
const follow = (variables: Record<string, unknown>) => ({ query: FOLLOW, variables });

const EARN = 'mutation($input: EarnPointsInput!) { earnPoints(input: $input) { userErrors { code } } }';

async function earn(memberId: string, amount: string): Promise<void> {
  const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount };
  const { data } = await gateway.ask(EARN, { input });
  expect(data.earnPoints.userErrors).toEqual([]);
}

const EARN_OFTEN = 'mutation($input: EarnPointsBatchInput!) { earnPointsBatch(input: $input) { succeeded } }';

async function earnOften(memberId: string, times: number, reason: string): Promise<void> {
  const item = () => ({ idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: '1', reason });
  const items = Array.from({ length: times }, item);
  const { data } = await gateway.ask(EARN_OFTEN, { input: { items } });
  expect(data.earnPointsBatch.succeeded).toBe(times);
}

async function cursorOf(memberId: string): Promise<string> {
  const { data } = await gateway.ask(
    `{ member(id: "${memberId}") { ledger(asset: "points") { eventCursor } } }`,
  );
  return data.member.ledger.eventCursor;
}

/** The only event of a stream that is refused. */
async function refusal(of: TestEventStream): Promise<Json> {
  expect(of.status).toBe(200);
  const told = await of.next();
  expect(told).toMatchObject({ event: 'next', data: { errors: [expect.anything()] } });
  expect(await of.next()).toEqual({ event: 'complete', data: null });
  expect(await of.next()).toBeNull();
  return told?.data.errors[0];
}

describe('events over HTTP', () => {
  it('go on behind a cursor, and then live', async () => {
    const memberId = await enrol(gateway);
    const after = await cursorOf(memberId);
    await earn(memberId, '1');
    const first = await stream(follow({ memberId, after }), await gateway.asMember(memberId));
    expect(first.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
    });
    const missed = await first.next();
    expect(missed).toMatchObject({
      event: 'next',
      data: { data: { pointEvents: { entry: { amount: '1' } } } },
    });
    await earn(memberId, '2');
    expect((await first.next())?.data.data.pointEvents.entry).toEqual({ amount: '2', version: '3' });
    first.close();
    const again = await stream(follow({ memberId, after: missed?.data.data.pointEvents.cursor }));
    expect((await again.next())?.data.data.pointEvents.entry).toEqual({ amount: '2', version: '3' });
  });

  it('come by GET, too, and with queries and mutations as on a socket', async () => {
    const memberId = await enrol(gateway);
    const key = { 'x-api-key': gateway.demo.adminApiKey };
    const search = new URLSearchParams({ query: FOLLOW, variables: JSON.stringify({ memberId }) });
    const response = await fetch(`${gateway.url}/graphql/stream?${search}`, {
      headers: { accept: 'text/event-stream', ...key },
    });
    expect(response.status).toBe(200);
    await response.body?.cancel();
    const query = await stream({ query: '{ program { currency } }' });
    expect(await query.next()).toEqual({ event: 'next', data: { data: { program: { currency: 'CNY' } } } });
    expect(await query.next()).toEqual({ event: 'complete', data: null });
    expect(await query.next()).toBeNull();
  });

  it('are counted, and are let go of when their reader leaves', async () => {
    const streams = async (): Promise<number> => {
      const metrics = await (await fetch(`${gateway.url}/metrics`)).text();
      return Number(/^membergraph_streams (\d+)$/m.exec(metrics)?.[1]);
    };
    // The gateway hears a moment later that the readers of other tests have left.
    await untilHolds(async () => (await streams()) === 0, 'nobody reads');
    const memberId = await enrol(gateway);
    const one = await stream(follow({ memberId }));
    expect(await streams()).toBe(1);
    one.close();
    await untilHolds(async () => (await streams()) === 0, 'nobody reads any more');
  });
});

describe('a stream that is refused', () => {
  it.each([
    ['without credentials', {}, 401, 'UNAUTHENTICATED'],
    ['with a wrong key', { 'x-api-key': 'wrong' }, 401, 'UNAUTHENTICATED'],
    ['with a wrong token', { authorization: 'Bearer a.b.c' }, 401, 'UNAUTHENTICATED'],
    ['of another origin', { origin: 'https://evil.example' }, 403, 'BAD_REQUEST'],
    ['of an opaque origin', { origin: 'null' }, 403, 'BAD_REQUEST'],
    ['for a client that reads no events', { accept: 'application/json' }, 406, 'BAD_REQUEST'],
    ['as a form', { 'content-type': 'text/plain' }, 415, 'BAD_REQUEST'],
  ])('%s', async (_, headers: Record<string, string>, status, code) => {
    const isKeyed = code === 'BAD_REQUEST';
    const key: Record<string, string> = isKeyed ? { 'x-api-key': gateway.demo.adminApiKey } : {};
    const refused = await stream({ query: FOLLOW }, { ...key, ...headers });
    expect(refused.status).toBe(status);
    expect(JSON.parse(await refused.rest()).errors).toMatchObject([{ extensions: { code } }]);
  });

  it.each(['PUT', 'DELETE'])('as %s of the mode with one connection, which isn’t offered', async (method) => {
    expect((await stream({}, undefined, method)).status).toBe(405);
  });

  it('for its operation, is told why and is complete: clients don’t come again', async () => {
    const memberId = await enrol(gateway);
    const me = await gateway.asMember(memberId);
    const refused = async (payload: Json, headers?: Record<string, string>): Promise<string> =>
      (await refusal(await stream(payload, headers))).extensions.code;
    expect(await refused({ query: '{' })).toBe('GRAPHQL_PARSE_FAILED');
    expect(await refused({ query: '{ nothing }' })).toBe('GRAPHQL_VALIDATION_FAILED');
    expect(await refused({})).toBe('BAD_REQUEST');
    expect(await refused(follow({}))).toBe('BAD_USER_INPUT');
    expect(await refused(follow({ memberId, after: 'forged' }))).toBe('CURSOR_INVALID');
    expect(await refused(follow({ memberId: await enrol(gateway) }), me)).toBe('NOT_FOUND');
    const all = { query: 'subscription { programPointEvents { cursor } }' };
    expect(await refused(all, me)).toBe('FORBIDDEN');
    const aliases = Array.from({ length: 101 }, (_, n) => `a${n}: program { name }`);
    expect(await refused({ query: `{ ${aliases.join(' ')} }` })).toBe('QUERY_TOO_LARGE');
  });

  it('is refused in its reader’s language', async () => {
    const zh = { 'x-api-key': gateway.demo.adminApiKey, 'accept-language': 'zh-CN' };
    expect((await refusal(await stream({}, zh))).message).toContain('该请求不是有效的');
    const nobody = await stream({}, { 'accept-language': 'zh-CN' });
    expect(await nobody.rest()).toContain('请通过');
  });

  it('as one too many, comes again later', async () => {
    const memberId = await enrol(gateway);
    const me = await gateway.asMember(memberId);
    const statuses: number[] = [];
    for (let one = 0; one < 21; one += 1) statuses.push((await stream(follow({ memberId }), me)).status);
    expect(statuses).toEqual([...Array.from({ length: 20 }, () => 200), 429]);
    const last = open.at(-1);
    expect(last?.response.headers['retry-after']).toBe('2');
    expect(JSON.parse((await last?.rest()) ?? '')).toMatchObject({
      errors: [{ extensions: { code: 'CALLER_STREAM_LIMIT' } }],
    });
  });
});

describe('a page of an allowed origin', () => {
  it.each(['/graphql', '/graphql/stream'])('may ask %s, and its browser is told so', async (path) => {
    const asked = await fetch(`${gateway.url}${path}`, {
      method: 'OPTIONS',
      headers: { origin: ORIGIN, 'access-control-request-method': 'POST' },
    });
    expect(asked.status).toBe(204);
    expect(asked.headers.get('access-control-allow-origin')).toBe(ORIGIN);
    expect(asked.headers.get('access-control-allow-headers')).toContain('authorization');
    const other = await fetch(`${gateway.url}${path}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
    });
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('reads the events', async () => {
    const key = { 'x-api-key': gateway.demo.adminApiKey };
    const read = await stream({ query: '{ program { currency } }' }, { ...key, origin: ORIGIN });
    expect(read.response.headers).toMatchObject({ 'access-control-allow-origin': ORIGIN, vary: 'origin' });
  });
});

describe('a stream that has begun', () => {
  it('ends with its token, so that its reader comes again with a fresh one', async () => {
    const memberId = await enrol(gateway);
    const { tenant } = gateway.demo;
    const claims = { subject: memberId, tenant, role: 'member', expiresIn: '5s' } as const;
    const headers = { authorization: `Bearer ${await signToken(gateway.config, claims)}` };
    const one = await stream(follow({ memberId }), headers);
    expect(one.status).toBe(200);
    expect(await one.next()).toBeNull();
    expect((await stream(follow({ memberId }), headers)).status).toBe(401);
  });

  it('ends when its API key is taken back', async () => {
    const made =
      'mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret apiKey { id } } }';
    const { data } = await gateway.ask(made, {
      input: { idempotencyKey: newRequestKey(), label: 'taken back' },
    });
    const { secret, apiKey } = data.createApiKey;
    const one = await stream(follow({ memberId: await enrol(gateway) }), { 'x-api-key': secret });
    expect(one.status).toBe(200);
    const revoke = 'mutation($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { id } } }';
    const input = { idempotencyKey: newRequestKey(), id: apiKey.id };
    expect((await gateway.ask(revoke, { input })).errors).toEqual([]);
    expect(await one.next()).toBeNull();
  });

  it('is ended when it isn’t read, with the cursor that it goes on behind; others hear all of it', async () => {
    const memberId = await enrol(gateway);
    const after = await cursorOf(memberId);
    const quick = await stream(follow({ memberId, after }));
    // Kernels hold some megabytes for whoever doesn't read.
    const wide = FOLLOW.replace('amount', Array.from({ length: 49 }, (_, n) => `a${n}: reason`).join(' '));
    const slow = await stream({ query: wide, variables: { memberId, after } });
    slow.response.pause();
    for (let batch = 0; batch < 6; batch += 1) await earnOften(memberId, 100, 'r'.repeat(500));
    for (let one = 0; one < 600; one += 1) {
      expect((await quick.next())?.data.data.pointEvents.entry.version).toBe(String(one + 2));
    }
    const heard: Json[] = [];
    for (let told = await slow.next(); told !== null; told = await slow.next()) heard.push(told);
    const [complete, ended, last] = heard.reverse();
    expect(complete).toEqual({ event: 'complete', data: null });
    const { cursor, entry } = last.data.data.pointEvents;
    expect(ended.data.errors).toMatchObject([{ extensions: { code: 'SLOW_CONSUMER', cursor } }]);
    const rest = await stream(follow({ memberId, after: cursor }));
    const next = (await rest.next())?.data.data.pointEvents;
    expect(next.entry.version).toBe(String(Number(entry.version) + 1));
  });

  it('ends without being complete when the gateway stops: its reader comes again', async () => {
    const stopping = await startTestGateway({ beside: gateway });
    const headers = { 'x-api-key': gateway.demo.adminApiKey };
    const memberId = await enrol(gateway);
    const one = await openEventStream(stopping, follow({ memberId }), headers);
    // Some leave before they are let in.
    const sent = JSON.stringify(follow({ memberId }));
    for (let ms = 0; ms < 20; ms += 1) {
      const init = { method: 'POST', body: sent, signal: AbortSignal.timeout(ms) };
      const types = { accept: 'text/event-stream', 'content-type': 'application/json' };
      const left = fetch(`${stopping.url}/graphql/stream`, { ...init, headers: { ...headers, ...types } });
      await left.then((response) => response.body?.cancel()).catch(() => undefined);
    }
    const closed = stopping.close();
    expect(await one.next()).toBeNull();
    await closed;
  });
});
