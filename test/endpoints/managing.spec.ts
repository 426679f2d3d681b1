import {
  actOn,
  amountsOf,
  earn,
  type Listener,
  registerEndpoint,
  shownEndpoint,
  sqlOf,
  startListener,
  verifyAll,
} from '../support/endpoints.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { verify } from '../support/receivers.ts';
import { untilHolds } from '../support/until-holds.ts';

const POINTS = { streams: ['POINTS'] };

let gateway: TestGateway;
let listener: Listener;
let tenant: OwnTenant;
let memberId: string;

beforeAll(async () => {
  gateway = await startTestGateway({
    environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32', EVENT_DAYS: '7' },
  });
  await gateway.application.relay.start();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  listener = await startListener();
  tenant = await ownTenant(gateway);
  memberId = await enrol(tenant);
});
afterEach(() => listener.close());

const register = (input: Json): Promise<Json> =>
  actOn(tenant, 'registerEventEndpoint', { name: 'a', url: listener.url, ...input }, 'endpoint { id }');
const codeOf = async (payload: Promise<Json>): Promise<[string, string[] | null]> => {
  const { userErrors } = await payload;
  return [userErrors[0].code, userErrors[0].field];
};

describe('an endpoint', () => {
  it('is refused with a bad name, address or filter', async () => {
    expect(await codeOf(register({ name: 'A b' }))).toEqual(['ENDPOINT_NAME_INVALID', ['name']]);
    expect(await codeOf(register({ url: 'ftp://x' }))).toEqual(['WEBHOOK_URL_SCHEME', ['url']]);
    expect(await codeOf(register({ types: ['points.lost'] }))).toEqual([
      'EVENT_TYPE_UNKNOWN',
      ['types', '0'],
    ]);
    expect(await codeOf(register({ assets: ['gold'] }))).toEqual(['ASSET_NOT_FOUND', ['assets', '0']]);
    expect(await codeOf(register({ streams: [] }))).toEqual(['ENDPOINT_FILTER_EMPTY', ['streams']]);
    const query =
      'mutation($input: RegisterEventEndpointInput!) { registerEventEndpoint(input: $input) { userErrors { code } } }';
    const input = { idempotencyKey: newRequestKey(), name: 'a', url: listener.url, from: 'nonsense' };
    expect((await tenant.ask(query, { input })).errors).toMatchObject([
      { extensions: { code: 'CURSOR_INVALID', field: ['from'] } },
    ]);
    const asMember = await gateway.asMember(memberId);
    const refused = await gateway.ask(query, { input }, asMember);
    expect(refused.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    expect((await register({ dryRun: true })).userErrors).toEqual([]);
    expect((await tenant.ask('{ eventEndpoints(first: 10) { edges { node { id } } } }')).data).toEqual({
      eventEndpoints: { edges: [] },
    });
  });

  it('keeps its name for itself, shows its secret once, and makes room for sixteen', async () => {
    const input = { idempotencyKey: 'first', name: 'crm', url: listener.url };
    const fields = 'signingSecret endpoint { id name status }';
    const first = await tenant.act('registerEventEndpoint', input, fields);
    expect(first.signingSecret).toMatch(/^whsec_/);
    const again = await tenant.act('registerEventEndpoint', input, fields);
    expect(again).toEqual({ ...first, signingSecret: null });
    expect(await codeOf(register({ name: 'crm' }))).toEqual(['ENDPOINT_NAME_TAKEN', ['name']]);
    const sealed = await sqlOf(
      gateway,
      tenant,
      `select convert_from(secrets, 'UTF8') as secrets from event_endpoint`,
    );
    expect(sealed[0].secrets).not.toContain(first.signingSecret.slice(6, 20));
    for (let made = 2; made <= 16; made += 1) await registerEndpoint(tenant, listener.url);
    expect(await codeOf(register({ name: 'one-more' }))).toEqual(['ENDPOINT_LIMIT', null]);
    const endpointId = first.endpoint.id;
    const removed = await actOn(tenant, 'removeEventEndpoint', { endpointId }, 'removed');
    expect(removed).toEqual({ removed: true, userErrors: [] });
    expect((await register({ name: 'crm' })).userErrors).toEqual([]);
    expect((await tenant.act('registerEventEndpoint', input, fields)).endpoint).toMatchObject({
      name: 'crm',
    });
    const page = await tenant.ask(
      '{ eventEndpoints(first: 5) { edges { cursor node { name } } pageInfo { hasNextPage endCursor } } }',
    );
    const { edges, pageInfo } = page.data.eventEndpoints;
    expect(edges[0].node.name).toBe('crm');
    expect(pageInfo).toEqual({ hasNextPage: true, endCursor: edges[4].cursor });
  });

  it('is told nothing while paused, and everything once it is resumed', async () => {
    const { id } = await registerEndpoint(tenant, listener.url, POINTS);
    const paused = await actOn(tenant, 'updateEventEndpoint', { endpointId: id, paused: true });
    expect(paused.endpoint.status).toBe('PAUSED');
    for (const amount of ['1', '2']) await earn(tenant, memberId, amount);
    const moved = await startListener();
    const resumed = await actOn(tenant, 'updateEventEndpoint', {
      endpointId: id,
      paused: false,
      url: moved.url,
    });
    expect(resumed.endpoint).toMatchObject({ status: 'ACTIVE', url: moved.url, streams: ['POINTS'] });
    await untilHolds(() => moved.heard.length === 2);
    expect(amountsOf(moved, memberId)).toEqual(['1', '2']);
    expect(listener.heard).toEqual([]);
    const lifted = await actOn(tenant, 'updateEventEndpoint', {
      endpointId: id,
      streams: null,
      assets: ['token'],
    });
    expect(lifted.endpoint).toMatchObject({ streams: null, assets: ['token'] });
    await earn(tenant, memberId, '3');
    await earn(tenant, memberId, '4', 'token');
    await untilHolds(() => moved.heard.length === 3);
    expect(amountsOf(moved, memberId)).toEqual(['1', '2', '4']);
    await moved.close();
  });

  it('signs by two secrets while they are rotated, and never by the one before', async () => {
    const { id, secret: first } = await registerEndpoint(tenant, listener.url, POINTS);
    const rotate = async (): Promise<string> =>
      (await actOn(tenant, 'rotateEventEndpointSecret', { endpointId: id }, 'signingSecret')).signingSecret;
    const second = await rotate();
    await earn(tenant, memberId, '1');
    await untilHolds(() => listener.heard.length === 1);
    verifyAll(listener, first);
    verifyAll(listener, second);
    const third = await rotate();
    listener.heard.length = 0;
    await earn(tenant, memberId, '2');
    await untilHolds(() => listener.heard.length === 1);
    verifyAll(listener, second);
    verifyAll(listener, third);
    const [{ body, headers }] = listener.heard as [Listener['heard'][number]];
    expect(() => verify(first, body, headers)).toThrow();
  });

  it('is tried by a signed test event, which tells what came back', async () => {
    const { id, secret } = await registerEndpoint(tenant, listener.url, POINTS);
    const query = `mutation($input: TestEventEndpointInput!) { testEventEndpoint(input: $input) {
      test { delivered status durationMs error { code message } } userErrors { code } } }`;
    const tryIt = async (): Promise<Json> =>
      (await tenant.ask(query, { input: { endpointId: id } })).data.testEventEndpoint.test;
    expect(await tryIt()).toEqual({
      delivered: true,
      status: 204,
      durationMs: expect.any(Number),
      error: null,
    });
    expect(listener.heard[0]?.event).toMatchObject({
      type: 'endpoint.test',
      member: null,
      tenant: tenant.code,
    });
    verifyAll(listener, secret);
    listener.answer = () => 401;
    expect(await tryIt()).toMatchObject({ delivered: false, status: 401, error: { code: 'WEBHOOK_STATUS' } });
    expect((await shownEndpoint(tenant, id)).deliveries).toEqual([]);
    expect((await shownEndpoint(tenant, id)).failingSince).toBeNull();
  });
});

describe('events', () => {
  it('are told again by type, member, time and place', async () => {
    const other = await enrol(tenant);
    const { id } = await registerEndpoint(tenant, listener.url, POINTS);
    for (const amount of ['1', '2', '3', '4']) await earn(tenant, memberId, amount);
    await earn(tenant, other, '9');
    const redeem = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: '5' };
    await tenant.act('redeemPoints', redeem, 'ledger { version }');
    await untilHolds(() => listener.heard.length === 6);
    await untilHolds(async () => (await shownEndpoint(tenant, id)).backlog === 0);
    const { deliveries } = await shownEndpoint(tenant, id);
    const again = async (filter: Json): Promise<string[]> => {
      listener.heard.length = 0;
      const { replay } = await actOn(tenant, 'replayEvents', { endpointId: id, filter }, 'replay { count }');
      await untilHolds(() => listener.heard.length === replay.count);
      await untilHolds(async () => (await shownEndpoint(tenant, id)).backlog === 0);
      return listener.heard.map(({ event }) => event.data.amount);
    };
    expect((await again({})).sort()).toEqual(['-5', '1', '2', '3', '4', '9']);
    expect(await again({ types: ['points.redeemed'] })).toEqual(['-5']);
    expect(await again({ memberId: other })).toEqual(['9']);
    const [, , fourth, third] = deliveries;
    expect(await again({ memberId, afterCursor: third.cursor, toCursor: fourth.cursor })).toEqual(['4']);
    expect(await again({ from: fourth.createdAt, memberId, types: ['points.earned'] })).toEqual(
      deliveries
        .filter(
          ({ type, createdAt, memberId: of }: Json) =>
            type === 'points.earned' && of === memberId && createdAt >= fourth.createdAt,
        )
        .map(() => expect.any(String)),
    );
    for (const field of ['afterCursor', 'toCursor']) {
      const query =
        'mutation($input: ReplayEventsInput!) { replayEvents(input: $input) { userErrors { code } } }';
      const filter = { [field]: 'nonsense' };
      const input = { idempotencyKey: newRequestKey(), endpointId: id, filter };
      expect((await tenant.ask(query, { input })).errors).toMatchObject([
        { extensions: { code: 'CURSOR_INVALID', field: ['filter', field] } },
      ]);
    }
    expect(await again({ to: '2020-01-01T00:00:00Z' })).toEqual([]);
    expect(await again({ state: 'DEAD' })).toEqual([]);
    const [shown] = (await shownEndpoint(tenant, id, { memberId: other })).deliveries;
    expect(shown).toMatchObject({ memberId: other, attemptCount: 3, state: 'DELIVERED' });
    const key = newRequestKey();
    const input = { endpointId: id, filter: { memberId: other }, idempotencyKey: key };
    const first = await actOn(tenant, 'replayEvents', input, 'replay { count lastCursor }');
    expect(await actOn(tenant, 'replayEvents', input, 'replay { count lastCursor }')).toEqual(first);
  });

  it('are forgotten after EVENT_DAYS, those of a removed endpoint with it', async () => {
    const { id } = await registerEndpoint(tenant, listener.url, POINTS);
    const removed = await registerEndpoint(tenant, listener.url, POINTS);
    await earn(tenant, memberId, '1');
    await earn(tenant, memberId, '2');
    await untilHolds(async () => {
      const backlogs = [await shownEndpoint(tenant, id), await shownEndpoint(tenant, removed.id)];
      return listener.heard.length === 4 && backlogs.every(({ backlog }) => backlog === 0);
    });
    await sqlOf(
      gateway,
      tenant,
      `update event_delivery set created_at = created_at - interval '8 days'
        where position = (select min(position) from event_delivery)`,
    );
    await actOn(tenant, 'removeEventEndpoint', { endpointId: removed.id }, 'removed');
    const { endpoints } = gateway.application.jobs;
    expect(await endpoints.tidy(tenant.tenantKey)).toEqual({ givenUp: 0, forgotten: 3 });
    const counts = await sqlOf(
      gateway,
      tenant,
      `select (select count(*)::int from event_endpoint where tenant_id = $1) as endpoints,
              (select count(*)::int from event_delivery where tenant_id = $1) as deliveries,
              (select count(*)::int from event_attempt where tenant_id = $1) as attempts,
              (select count(*)::int from event_lane where tenant_id = $1) as lanes`,
      [tenant.tenantKey],
    );
    expect(counts).toEqual([{ endpoints: 1, deliveries: 1, attempts: 1, lanes: 0 }]);
  });
});
