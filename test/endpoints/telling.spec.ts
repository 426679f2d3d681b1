import { eventSchemas } from '../../src/domain/endpoints/event.schema.ts';
import { toPublicId } from '../../src/kernel/ids.ts';
import {
  actOn,
  amountsOf,
  earn,
  type Listener,
  registerEndpoint,
  shownEndpoint,
  startListener,
  verifyAll,
} from '../support/endpoints.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { sandbox } from '../support/registered.ts';
import { untilHolds } from '../support/until-holds.ts';

let gateway: TestGateway;
let listener: Listener;
let tenant: OwnTenant;
let memberId: string;

beforeAll(async () => {
  gateway = await startTestGateway({ environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' } });
  await gateway.application.relay.start();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  listener = await startListener();
  tenant = await ownTenant(gateway);
  memberId = await enrol(tenant);
});
afterEach(() => listener.close());

const typesHeard = (): string[] => listener.heard.map(({ event }) => event.type);

describe('an endpoint', () => {
  it('is told what happens from its registration on, signed, and at once', async () => {
    await earn(tenant, memberId, '7');
    const { secret } = await registerEndpoint(tenant, listener.url);
    const startedAt = performance.now();
    await earn(tenant, memberId, '50');
    await untilHolds(() => listener.heard.length > 0);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(listener.heard).toHaveLength(1);
    const [{ event, headers }] = listener.heard as [Listener['heard'][number]];
    expect(event).toEqual({
      id: headers['webhook-id'],
      type: 'points.earned',
      occurredAt: expect.stringMatching(/Z$/),
      tenant: tenant.code,
      member: { id: memberId },
      data: {
        ...{ asset: 'points', amount: '50', kind: 'EARN', reason: null, version: '3' },
        ...{ entryId: expect.stringMatching(/^ent_/), operationId: expect.stringMatching(/^op_/) },
        balance: { posted: '157', pending: '0', held: '0', available: '157' },
      },
    });
    verifyAll(listener, secret);
    const found = await tenant.ask('query($id: ID!) { node(id: $id) { id } }', { id: event.data.entryId });
    expect(found.data.node.id).toBe(event.data.entryId);
  });

  it('is told every stream as its schema says, and of an extension for nobody', async () => {
    await registerEndpoint(tenant, listener.url);
    const other = await enrol(tenant);
    await tenant.act(
      'recordActivity',
      {
        ...{ idempotencyKey: newRequestKey(), memberId: other, type: 'purchase' },
        amount: { value: '9000.00', currency: 'CNY' },
      },
      'activity { id }',
    );
    await tenant.act(
      'registerExtension',
      { idempotencyKey: newRequestKey(), name: 'rule', ...sandbox() },
      'extension { id }',
    );
    const { grant } = await tenant.act(
      'grantBenefit',
      { idempotencyKey: newRequestKey(), memberId: other, benefit: 'birthday-gift' },
      'grant { id }',
    );
    const { use } = await tenant.act(
      'useBenefit',
      { idempotencyKey: newRequestKey(), grantId: grant.id },
      'use { id }',
    );
    await tenant.act(
      'changeTags',
      { idempotencyKey: newRequestKey(), memberId: other, add: ['vip'] },
      'member { id }',
    );
    await tenant.act(
      'mergeMembers',
      { idempotencyKey: newRequestKey(), fromMemberId: memberId, intoMemberId: other, reason: 'double' },
      'member { id }',
    );
    const wanted = [
      'extensions.registered',
      'grants.granted',
      'grants.used',
      'members.enrolled',
      'members.merged',
    ];
    const more = [
      'members.took_over',
      'points.merged',
      'points.pending',
      'tiers.raised',
      'members.tags_changed',
    ];
    await untilHolds(() => [...wanted, ...more].every((type) => typesHeard().includes(type)));
    for (const { event } of listener.heard) {
      const schema = eventSchemas[event.type.split('.')[0] as keyof typeof eventSchemas];
      expect(schema.parse(event)).toEqual(event);
    }
    const of = (type: string): Json => listener.heard.find(({ event }) => event.type === type)?.event;
    expect(of('extensions.registered')).toMatchObject({
      member: null,
      data: { name: 'rule', point: 'points.rule', version: 1, stage: expect.any(String) },
    });
    expect(of('members.merged')).toMatchObject({
      ...{ member: { id: memberId }, data: { otherMemberId: other } },
    });
    expect(of('tiers.raised').data).toMatchObject({ cause: 'REACHED', to: expect.any(String) });
    expect(of('grants.granted').data.benefit).toEqual(expect.any(String));
    expect(of('grants.used').data).toMatchObject({ grantId: grant.id, useId: use.id });
    expect(of('members.tags_changed').data).toMatchObject({ otherMemberId: null });
    const ids = listener.heard.map(({ event }) => event.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is told what its filter lets through', async () => {
    await registerEndpoint(tenant, listener.url, {
      types: ['points.earned', 'members.enrolled'],
      assets: ['token'],
    });
    await earn(tenant, memberId, '5');
    await earn(tenant, memberId, '6', 'token');
    const enrolled = await enrol(tenant);
    await untilHolds(() => listener.heard.length >= 3);
    const told = listener.heard.map(({ event }) => [event.type, event.member.id, event.data.amount]);
    expect(told.sort()).toEqual(
      [
        ['members.enrolled', enrolled, undefined],
        ['points.earned', enrolled, '10'],
        ['points.earned', memberId, '6'],
      ].sort(),
    );
    const later = await startListener();
    await registerEndpoint(tenant, later.url, { streams: ['MEMBERS'] });
    await enrol(tenant);
    await untilHolds(() => later.heard.length > 0);
    expect(later.heard.map(({ event }) => event.type)).toEqual(['members.enrolled']);
    await later.close();
  });

  it('begins behind a cursor, and with what was before', async () => {
    const { data } = await tenant.ask(
      'query($id: ID!) { member(id: $id) { ledger(asset: "points") { eventCursor } } }',
      { id: memberId },
    );
    await earn(tenant, memberId, '1');
    await earn(tenant, memberId, '2');
    const from = data.member.ledger.eventCursor;
    await registerEndpoint(tenant, listener.url, { from, assets: ['points'], streams: ['POINTS'] });
    await earn(tenant, memberId, '3');
    await untilHolds(() => listener.heard.length === 3);
    expect(amountsOf(listener, memberId)).toEqual(['1', '2', '3']);
  });

  it('keeps the order of each member while thousands are told at once, and each event once', async () => {
    const members = [memberId, ...(await Promise.all(Array.from({ length: 9 }, () => enrol(tenant))))];
    const { id, secret } = await registerEndpoint(tenant, listener.url);
    listener.answer = async () => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
      return 200;
    };
    for (let amount = 1; amount <= 30; amount += 1)
      await Promise.all(members.map((member) => earn(tenant, member, String(amount))));
    await untilHolds(() => listener.heard.length === 300);
    const inOrder = Array.from({ length: 30 }, (_, index) => String(index + 1));
    for (const member of members) expect(amountsOf(listener, member)).toEqual(inOrder);
    verifyAll(listener, secret);
    await untilHolds(async () => (await shownEndpoint(tenant, id)).backlog === 0);
  });

  it('is told of sixteen members at once and no more, however many wait', async () => {
    const members = await Promise.all(Array.from({ length: 120 }, () => enrol(tenant)));
    const { id } = await registerEndpoint(tenant, listener.url, { streams: ['POINTS'] });
    await actOn(tenant, 'updateEventEndpoint', { endpointId: id, paused: true });
    await Promise.all(members.map((member) => earn(tenant, member, '1')));
    let [underWay, most] = [0, 0];
    let [heardAt, longestPauseMs] = [performance.now(), 0];
    const isFull = Promise.withResolvers<void>();
    listener.answer = async () => {
      longestPauseMs = Math.max(longestPauseMs, performance.now() - heardAt);
      heardAt = performance.now();
      underWay += 1;
      most = Math.max(most, underWay);
      // Nobody is answered before so many are told at once, and one more had time to come.
      if (underWay === 16) isFull.resolve();
      await isFull.promise;
      await new Promise((resolve) => setTimeout(resolve, 20));
      underWay -= 1;
      return 200;
    };
    await actOn(tenant, 'updateEventEndpoint', { endpointId: id, paused: false });
    await untilHolds(() => listener.heard.length === 120);
    // Nothing was put off until the next look.
    expect(longestPauseMs).toBeLessThan(10_000);
    expect(most).toBe(16);
  });

  it('keeps what was told, with every attempt', async () => {
    const { id } = await registerEndpoint(tenant, listener.url, { streams: ['POINTS'] });
    await earn(tenant, memberId, '5');
    await untilHolds(async () => (await shownEndpoint(tenant, id)).deliveries[0]?.state === 'DELIVERED');
    const { deliveries, ...endpoint } = await shownEndpoint(tenant, id);
    expect(endpoint).toMatchObject({ ...{ backlog: 0, deadLetters: 0, failingSince: null, error: null } });
    expect(deliveries).toEqual([
      {
        ...{ id: expect.stringMatching(/^edl_/), cursor: listener.heard[0]?.event.id, type: 'points.earned' },
        ...{ memberId, state: 'DELIVERED', attemptCount: 1, nextAttemptAt: null, error: null },
        ...{ deliveredAt: expect.any(String), createdAt: expect.any(String) },
        attempts: [
          {
            attempt: 1,
            startedAt: expect.any(String),
            durationMs: expect.any(Number),
            status: 204,
            error: null,
          },
        ],
      },
    ]);
    const query = 'query($id: ID!) { node(id: $id) { __typename id } }';
    expect((await tenant.ask(query, { id: deliveries[0].id })).data.node).toEqual({
      ...{ __typename: 'EventDelivery', id: deliveries[0].id },
    });
    expect((await tenant.ask(query, { id })).data.node).toEqual({ __typename: 'EventEndpoint', id });
    const other = await ownTenant(gateway);
    for (const foreign of [id, deliveries[0].id])
      expect((await other.ask(query, { id: foreign })).data.node).toBeNull();
    const refused = await actOn(other, 'removeEventEndpoint', { endpointId: id }, 'removed');
    expect(refused).toMatchObject({ removed: null, userErrors: [{ code: 'ENDPOINT_NOT_FOUND' }] });
    const asMember = await gateway.asMember(memberId);
    expect((await gateway.ask(query, { id }, asMember)).data?.node ?? null).toBeNull();
    expect(toPublicId('eventEndpoint', '0190a1b2-0000-7000-8000-000000000000')).toMatch(/^eep_/);
  });
});
