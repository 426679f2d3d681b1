import { setTimeout as delay } from 'node:timers/promises';
import {
  actOn,
  amountsOf,
  earn,
  hurryUp,
  type Listener,
  registerEndpoint,
  shownEndpoint,
  sqlOf,
  startListener,
  verifyAll,
} from '../support/endpoints.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { untilHolds } from '../support/until-holds.ts';

const POINTS = { streams: ['POINTS'] };

let gateway: TestGateway;
let listener: Listener;
let tenant: OwnTenant;
let memberId: string;
/** What the name `crm.example.com` means at the moment. */
let address = '127.0.0.1';

beforeAll(async () => {
  gateway = await startTestGateway({
    environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' },
    asking: { resolve: () => Promise.resolve([{ address, family: 4 }]) },
  });
  await gateway.application.relay.start();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  address = '127.0.0.1';
  listener = await startListener();
  tenant = await ownTenant(gateway);
  memberId = await enrol(tenant);
});
afterEach(() => listener.close());

const newest = async (id: string): Promise<Json> => (await shownEndpoint(tenant, id)).deliveries[0];
/** An endpoint that fails is tried again within a second: who looks late sees more than one attempt. */
const untilTried = (id: string): Promise<void> =>
  untilHolds(async () => (await newest(id))?.attemptCount > 0, 'it was tried');

/** Nothing is tried by itself any more, nor under way, until it is hurried up. */
async function holdBack(): Promise<void> {
  const free = `update event_lane set next_attempt_at = now() + interval '1 hour' where leased_until is null`;
  const held = 'select from event_lane where leased_until is not null';
  await untilHolds(async () => {
    await sqlOf(gateway, tenant, free);
    return (await sqlOf(gateway, tenant, held)).length === 0;
  }, 'nothing is under way');
}

describe('an endpoint that fails', () => {
  it('is told again, the same bytes under the same id', async () => {
    const { id, secret } = await registerEndpoint(tenant, listener.url, POINTS);
    listener.answer = () => (listener.heard.length < 3 ? 500 : 200);
    await earn(tenant, memberId, '5');
    await untilHolds(() => listener.heard.length === 3);
    await untilHolds(async () => (await newest(id)).state === 'DELIVERED');
    verifyAll(listener, secret);
    const [first, ...others] = listener.heard;
    for (const { body, headers } of others) {
      expect(body).toBe(first?.body);
      expect(headers['webhook-id']).toBe(first?.headers['webhook-id']);
    }
    const { attempts, error } = await newest(id);
    expect(error).toBeNull();
    expect(attempts.map(({ status }: Json) => status)).toEqual([200, 500, 500]);
    expect(attempts[2].error).toEqual({ code: 'WEBHOOK_STATUS', message: expect.stringContaining('500') });
    const [last, , begun] = attempts.map(({ startedAt }: Json) => Date.parse(startedAt));
    // One second at first, then two, each less some chance.
    expect(last - begun).toBeGreaterThan(1_000);
  });

  it('keeps back that member’s events alone, in their order', async () => {
    const other = await enrol(tenant);
    await registerEndpoint(tenant, listener.url, POINTS);
    let isMended = false;
    listener.answer = ({ member, data }) =>
      !isMended && member.id === memberId && data.amount === '2' ? 503 : 200;
    for (const amount of ['1', '2', '3', '4']) {
      await earn(tenant, memberId, amount);
      await earn(tenant, other, amount);
    }
    await untilHolds(() => amountsOf(listener, other).length === 4);
    expect(amountsOf(listener, other)).toEqual(['1', '2', '3', '4']);
    await untilHolds(() => amountsOf(listener, memberId).length >= 3);
    expect(new Set(amountsOf(listener, memberId))).toEqual(new Set(['1', '2']));
    isMended = true;
    await hurryUp(gateway, tenant);
    await untilHolds(() => amountsOf(listener, memberId).includes('4'));
    expect(amountsOf(listener, memberId).slice(-3)).toEqual(['2', '3', '4']);
  });

  it('is shown as failing, and isn’t hammered by every member at once', async () => {
    const members = await Promise.all(Array.from({ length: 40 }, () => enrol(tenant)));
    const { id } = await registerEndpoint(tenant, listener.url, POINTS);
    listener.answer = () => 500;
    await Promise.all(members.map((member) => earn(tenant, member, '1')));
    await untilHolds(() => listener.heard.length >= 5);
    await delay(1_000);
    // What was under way when the line was closed, and no more.
    expect(listener.heard.length).toBeLessThanOrEqual(20);
    expect(await shownEndpoint(tenant, id)).toMatchObject({
      ...{
        status: 'ACTIVE',
        backlog: 40,
        failingSince: expect.any(String),
        error: { code: 'WEBHOOK_STATUS' },
      },
    });
    listener.answer = () => 200;
    await untilHolds(async () => {
      await hurryUp(gateway, tenant);
      return (await shownEndpoint(tenant, id)).backlog === 0;
    });
    expect(await shownEndpoint(tenant, id)).toMatchObject({ failingSince: null, error: null });
    expect(new Set(listener.heard.map(({ event }) => event.member.id)).size).toBe(40);
  });

  it.each([
    [
      'redirects',
      'WEBHOOK_REDIRECT',
      (_: Json, response: Json) => response.writeHead(307, { location: '/x' }).end(),
    ],
    ['breaks off', 'WEBHOOK_UNREACHABLE', (_: Json, response: Json) => response.destroy()],
  ])('that %s is told again', async (_what, code, answer) => {
    const { id } = await registerEndpoint(tenant, listener.url, POINTS);
    listener.answer = (event, response) => {
      if (listener.heard.length > 1) return 200;
      answer(event, response);
      return null;
    };
    await earn(tenant, memberId, '5');
    await untilHolds(async () => (await newest(id))?.state === 'DELIVERED');
    const { attempts } = await newest(id);
    expect(attempts[1].error.code).toBe(code);
    expect(listener.heard).toHaveLength(2);
  });

  it('that hangs, or answers drop by drop, is given ten seconds', async () => {
    const other = await enrol(tenant);
    const { id } = await registerEndpoint(tenant, listener.url, POINTS);
    listener.answer = ({ member }, response) => {
      if (member.id === memberId) return null;
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 200);
      response.on('close', () => clearInterval(timer));
      return null;
    };
    await Promise.all([earn(tenant, memberId, '5'), earn(tenant, other, '5')]);
    await untilHolds(async () => {
      const { deliveries } = await shownEndpoint(tenant, id);
      return deliveries.length === 2 && deliveries.every(({ attemptCount }: Json) => attemptCount === 1);
    });
    for (const { attempts } of (await shownEndpoint(tenant, id)).deliveries) {
      expect(attempts[0].error.code).toBe('WEBHOOK_TIMEOUT');
      expect(attempts[0].durationMs).toBeGreaterThan(9_900);
    }
  });

  it('takes what is answered with an endless page, and hears no more than a little of it', async () => {
    const { id } = await registerEndpoint(tenant, listener.url, POINTS);
    listener.answer = (_event, response) => {
      response.writeHead(200);
      const pour = (): void => {
        while (response.write('x'.repeat(65_536)));
      };
      response.on('drain', pour).on('error', () => undefined);
      pour();
      return null;
    };
    await earn(tenant, memberId, '5');
    await untilHolds(async () => (await newest(id))?.attemptCount >= 1);
    expect((await newest(id)).attempts[0].durationMs).toBeLessThan(5_000);
  });

  it('that answers 410 is disabled, until somebody resumes it', async () => {
    const { id } = await registerEndpoint(tenant, listener.url, POINTS);
    listener.answer = () => 410;
    await earn(tenant, memberId, '1');
    await untilHolds(async () => (await shownEndpoint(tenant, id)).status === 'DISABLED');
    expect((await shownEndpoint(tenant, id)).disabledBy.code).toBe('WEBHOOK_STATUS');
    await earn(tenant, memberId, '2');
    await hurryUp(gateway, tenant);
    await delay(300);
    expect(listener.heard).toHaveLength(1);
    listener.answer = () => 200;
    await actOn(tenant, 'updateEventEndpoint', { endpointId: id, paused: false });
    await untilHolds(() => listener.heard.length === 3);
    expect(amountsOf(listener, memberId)).toEqual(['1', '1', '2']);
    expect(await shownEndpoint(tenant, id)).toMatchObject({ status: 'ACTIVE', disabledBy: null });
  });
});

describe('private addresses', () => {
  it('are refused at registration, and when a name comes to mean one', async () => {
    const register = (url: string): Promise<Json> =>
      actOn(tenant, 'registerEventEndpoint', { name: 'a', url }, 'endpoint { id } signingSecret');
    for (const url of ['https://169.254.169.254/', 'http://[::ffff:10.0.0.1]/', 'https://2852039166/']) {
      const { endpoint, signingSecret, userErrors } = await register(url);
      expect([endpoint, signingSecret]).toEqual([null, null]);
      expect(userErrors).toMatchObject([{ code: 'WEBHOOK_ADDRESS_REFUSED', field: ['url'] }]);
    }
    const { id } = await registerEndpoint(tenant, `http://crm.example.com:${listener.port}/hook`, POINTS);
    address = '10.0.0.1';
    await earn(tenant, memberId, '5');
    await untilTried(id);
    expect((await newest(id)).error.code).toBe('WEBHOOK_ADDRESS_REFUSED');
    expect(listener.connections()).toBe(0);
    address = '127.0.0.1';
    await hurryUp(gateway, tenant);
    await untilHolds(() => listener.heard.length === 1);
  });
});

describe('what can’t be told for three days', () => {
  const OLDER = `update event_delivery set due_since = due_since - interval '73 hours'`;
  const LONGER = `update event_endpoint set active_since = active_since - interval '73 hours'`;

  it('is given up with its reason, and lets what comes after it through; a replay tells it again', async () => {
    const { id } = await registerEndpoint(tenant, listener.url, POINTS);
    listener.answer = ({ data }) => (data.amount === '1' ? 422 : 200);
    await earn(tenant, memberId, '1');
    await untilTried(id);
    await holdBack();
    const attemptCount = (await newest(id)).attemptCount + 1;
    await earn(tenant, memberId, '2');
    await sqlOf(gateway, tenant, `${OLDER} where state = 'PENDING'`);
    await sqlOf(gateway, tenant, LONGER);
    await hurryUp(gateway, tenant);
    await untilHolds(() => amountsOf(listener, memberId).includes('2'));
    const dead = (await shownEndpoint(tenant, id, { state: 'DEAD' })).deliveries;
    expect(dead).toMatchObject([{ state: 'DEAD', attemptCount, error: { code: 'WEBHOOK_STATUS' } }]);
    expect((await shownEndpoint(tenant, id)).deadLetters).toBe(1);
    listener.answer = () => 200;
    const input = { endpointId: id, filter: { state: 'DEAD' } };
    const { replay } = await actOn(tenant, 'replayEvents', input, 'replay { count hasMore lastCursor }');
    expect(replay).toEqual({ count: 1, hasMore: false, lastCursor: dead[0].cursor });
    await untilHolds(async () => (await shownEndpoint(tenant, id)).deadLetters === 0);
    await untilHolds(async () => (await shownEndpoint(tenant, id)).backlog === 0);
    expect(amountsOf(listener, memberId)).toEqual([...Array(attemptCount).fill('1'), '2', '1']);
  });

  it('is given up by the job where an endpoint took nothing at all', async () => {
    const { id } = await registerEndpoint(tenant, listener.url, POINTS);
    listener.answer = () => 500;
    await earn(tenant, memberId, '1');
    await untilTried(id);
    await earn(tenant, memberId, '2');
    await untilHolds(async () => (await shownEndpoint(tenant, id)).backlog === 2);
    await holdBack();
    const { endpoints } = gateway.application.jobs;
    expect(await endpoints.tidy(tenant.tenantKey)).toEqual({ givenUp: 0, forgotten: 0 });
    await sqlOf(gateway, tenant, OLDER);
    await sqlOf(gateway, tenant, `${LONGER}, failing_since = failing_since - interval '73 hours'`);
    listener.answer = () => 200;
    expect(await endpoints.tidy(tenant.tenantKey)).toEqual({ givenUp: 2, forgotten: 0 });
    expect(await shownEndpoint(tenant, id)).toMatchObject({ backlog: 0, deadLetters: 2 });
    await earn(tenant, memberId, '3');
    await untilHolds(() => amountsOf(listener, memberId).includes('3'));
    const { metrics } = gateway.application;
    expect(await metrics.registry.metrics()).toMatch(
      /membergraph_event_deliveries_total\{outcome="dead"\} [1-9]/,
    );
  });
});
