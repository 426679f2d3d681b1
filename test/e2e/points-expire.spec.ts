import { ExpiryTelling } from '../../src/domain/ledgers/index.ts';
import {
  answers,
  type CallContext,
  definePlugin,
  type PointsExpireInput,
  pointsExpire,
} from '../../src/extension/index.ts';
import { findDueWork } from '../../src/jobs/due.repository.ts';
import { settleTenant } from '../../src/jobs/settle.ts';
import type { Database } from '../../src/persistence/index.ts';
import { setClock } from '../ledger/tenants.ts';
import { auditLedgers } from '../support/audit.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type Hook, serveHook } from '../support/hooks.ts';
import { withJobs } from '../support/jobs.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, tenantWith } from '../support/own-tenant.ts';
import { act, shown } from '../support/registered.ts';
import { untilHolds } from '../support/until-holds.ts';

// What extensions are told of what expired: each once if they hear it, again if they don't, and never lost.

type Asked = { plugin: string; input: PointsExpireInput; context: Omit<CallContext, 'signal'> };

/** What the plugins were told, in order, and what they answer now. */
const asked: Asked[] = [];
let answering: Record<string, (input: PointsExpireInput) => Json> = {};

function plugin(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    ...{ id, version: 3, priority, onFailure, deadlineMs: 20_000, description: 'Hears what expired.' },
    configuration: undefined,
    answers: [
      answers(pointsExpire, (input, { signal: _, ...context }): Json => {
        asked.push({ plugin: id, input, context });
        return answering[id]?.(input) ?? {};
      }),
    ],
  });
}

const PROGRAM = `name: { en: Brief }
timeZone: UTC
currency: EUR
assets:
  - { code: points, kind: POINTS, name: { en: Points }, expiry: { after: P1D } }
  - { code: stars, kind: TOKEN, name: { en: Stars }, expiry: { after: P2D } }
rules: []`;

let gateway: TestGateway;
/** Without plugins: what a tenant registers is all that is told. */
let plain: TestGateway;
let hook: Hook;
let tenant: OwnTenant;
let heard: (call: { input: PointsExpireInput }) => Json = () => ({});
beforeAll(async () => {
  const plugins = [plugin('second', 20, 'FAIL_OPEN'), plugin('first', 10, 'FAIL_CLOSED')];
  gateway = await startTestGateway({ plugins });
  plain = await startTestGateway({
    plugins: [],
    environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' },
  });
  hook = await serveHook((call) => heard(call));
});
afterAll(async () => {
  for (const one of [gateway, plain]) {
    expect(await auditLedgers(one.database.adminUrl)).toEqual([]);
    await one.close();
  }
  await hook.close();
});
beforeEach(async () => {
  answering = {};
  tenant = await tenantWith(gateway, PROGRAM, '2026-03-01T04:00:00Z');
  await tell();
  asked.length = 0;
});

const tell = async (at = gateway, to = tenant): Promise<number> =>
  (await at.application.jobs.expiries.tell(to.tenantKey)).told;

async function earn(memberId: string, amount: string, asset = 'points', to = tenant): Promise<void> {
  const input = { idempotencyKey: newRequestKey(), memberId, asset, amount };
  const { userErrors } = await to.act('earnPoints', input, 'operation { id }');
  expect(userErrors).toEqual([]);
}

/** Time goes on to a day of March, and what it brought is written down. */
async function dayComes(day: number, at = gateway, to = tenant): Promise<void> {
  await setClock(at.application, to.tenantKey, `2026-03-0${day}T05:00:00Z`);
  await settleTenant(at.application.jobs, to.tenantKey);
}

/** Of two members, one after the other: 1 and 2. */
async function twoExpire(): Promise<void> {
  for (const [amount, day] of [
    ['1', 2],
    ['2', 4],
  ] as const) {
    await earn(await enrol(tenant), amount);
    await dayComes(day);
  }
}

const amounts = (by = 'first'): string[] =>
  asked.filter(({ plugin: id }) => id === by).map(({ input }) => input.amount);

async function isDue(at = gateway, to = tenant): Promise<boolean | undefined> {
  const { jobs, database } = at.application;
  const days = { callDays: 30, eventDays: 30, tellsExpiries: jobs.expiries.isForAll };
  return (await findDueWork(database.read(to.tenantKey), to.tenantKey, days))?.expiries;
}

it('is told whose it was, what and how much, once, by the entry’s id', async () => {
  const memberId = await enrol(tenant);
  await earn(memberId, '30');
  await earn(memberId, '5', 'stars');
  await dayComes(2);
  expect(await isDue()).toBe(true);
  await withJobs(gateway, async () => {
    await untilHolds(async () => (await isDue()) === false, 'what expired is told');
  });
  expect(asked.map(({ plugin: id }) => id)).toEqual(['first', 'second']);
  const [{ input, context }] = asked as [Asked];
  expect(input).toEqual({
    member: expect.objectContaining({ id: memberId }),
    ...{ asset: 'points', amount: '30', balanceAfter: '0', expiredAt: expect.stringMatching(/^2026-03-0/) },
    ...{ entry: expect.stringMatching(/^ent_/), operation: expect.stringMatching(/^op_/) },
  });
  expect(context).toMatchObject({
    mode: 'LIVE',
    attempt: 1,
    idempotencyKey: input.entry,
    tenant: tenant.code,
  });
  const { ledger } = (
    await tenant.ask(
      `query($id: ID!) { member(id: $id) { ledger(asset: "points") { entries(first: 1) { edges {
        node { id kind operation { id } } } } } } }`,
      { id: memberId },
    )
  ).data.member;
  expect(ledger.entries.edges[0].node).toEqual({
    ...{ id: input.entry, kind: 'EXPIRE', operation: { id: input.operation } },
  });
  expect(await isDue()).toBe(false);
  expect(await tell()).toBe(0);
  await dayComes(3);
  await tell();
  expect(asked.slice(2).map(({ input: { asset } }) => asset)).toEqual(['stars', 'stars']);
});

it('is told what a hold keeps beyond its time, once that ends', async () => {
  const memberId = await enrol(tenant);
  await earn(memberId, '30');
  const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: '20' };
  const { hold } = await tenant.act('holdPoints', input, 'hold { id }');
  await dayComes(2);
  const rest = { idempotencyKey: newRequestKey(), holdId: hold.id };
  await tenant.act('captureHold', { ...rest, amount: '15', final: true }, 'operation { id }');
  await tell();
  expect(amounts()).toEqual(['10', '5']);
});

it('goes on in order where it stopped: who fails closed is told the same again, and then what came later', async () => {
  await twoExpire();
  let isOut = true;
  answering = {
    first: () => {
      if (isOut) throw new Error('the CRM is away');
      return {};
    },
  };
  await expect(tell()).rejects.toThrow('EXTENSION_UNAVAILABLE');
  const [{ input: first }] = asked as [Asked];
  asked.length = 0;
  // What failed is told by itself, until it is heard.
  await expect(tell()).rejects.toThrow('EXTENSION_UNAVAILABLE');
  expect(asked.map(({ plugin: id, input, context }) => [id, input.entry, context.attempt])).toEqual([
    ...[['first', first.entry, 2]],
    ['second', first.entry, 2],
  ]);
  isOut = false;
  asked.length = 0;
  await tell();
  expect(amounts()).toEqual(['1', '2']);
  expect(await tell()).toBe(0);
});

it('gives up what was never heard in an hour, and goes on with the next', async () => {
  await twoExpire();
  answering = {
    first: ({ amount }) => {
      if (amount === '1') throw new Error('never this one');
      return {};
    },
  };
  await expect(tell()).rejects.toThrow('EXTENSION_UNAVAILABLE');
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  await gateway.sql(`update told_place set failing_since = failing_since - interval '59 minutes'`);
  await expect(tell()).rejects.toThrow('EXTENSION_UNAVAILABLE');
  await gateway.sql(`update told_place set failing_since = failing_since - interval '1 minute'`);
  asked.length = 0;
  await tell();
  expect(amounts()).toEqual(['1', '2']);
  expect(await isDue()).toBe(false);
});

it.each([
  [
    'throws',
    () => {
      throw new Error('no');
    },
  ],
  ['says something else', () => ({ balance: '5' })],
  ['says what can’t be kept', () => ({ reference: { type: 'a', id: '\u0000' } })],
])('is told once who fails open and %s', async (_what, answer) => {
  await earn(await enrol(tenant), '7');
  await dayComes(2);
  answering = { second: answer };
  expect(await tell()).toBe(1);
  expect(amounts('second')).toEqual(['7']);
  expect(await isDue()).toBe(false);
  answering = { first: answer };
  await earn(await enrol(tenant), '8');
  await dayComes(4);
  await expect(tell()).rejects.toThrow('EXTENSION_UNAVAILABLE');
});

it('loses nothing when the process ends between the answer and its place', async () => {
  await twoExpire();
  const { database, host, services } = gateway.application;
  let transactions = 0;
  const dying = {
    read: (key: string) => database.read(key),
    transaction: async (...given: Parameters<Database['transaction']>) => {
      transactions += 1;
      if (transactions > 1) throw new Error('killed');
      return await database.transaction(...given);
    },
  } as Database;
  const telling = new ExpiryTelling({
    ...{ database: dying, asker: host, programs: services.programs, tiersOf: async () => new Map() },
    ...{ isForAll: true, onGivenUp: () => undefined },
  });
  await expect(telling.tell(tenant.tenantKey)).rejects.toThrow('killed');
  expect(amounts()).toEqual(['1', '2']);
  const keys = asked.map(({ context }) => context.idempotencyKey);
  asked.length = 0;
  await tell();
  expect(asked.map(({ context }) => context.idempotencyKey).sort()).toEqual(keys.sort());
});

describe('a webhook that a tenant registers', () => {
  let own: OwnTenant;
  beforeEach(async () => {
    own = await tenantWith(plain, PROGRAM, '2026-03-01T04:00:00Z');
    hook.calls.length = 0;
    heard = () => ({});
  });

  /** LIVE; its receiver has to know the secret before. */
  async function register(more: Json = {}): Promise<string> {
    const { extension, signingSecret, userErrors } = await act(
      own,
      'registerExtension',
      {
        ...{ name: 'crm', point: 'points.expire', runtime: 'WEBHOOK', webhook: { url: hook.url } },
        ...{ deadlineMs: 10_000, stage: 'SHADOW', ...more },
      },
      'extension { id } signingSecret',
    );
    expect(userErrors).toEqual([]);
    hook.trust(signingSecret);
    await act(own, 'setExtensionStage', { extensionId: extension.id, stage: 'LIVE' }, 'extension { id }');
    return extension.id;
  }

  it('is told from when it was put in its stage on, and nothing of before; nobody has no place', async () => {
    await earn(await enrol(own), '1', 'points', own);
    await dayComes(2, plain, own);
    expect(await isDue(plain, own)).toBe(false);
    expect(await tell(plain, own)).toBe(0);
    const extensionId = await register();
    await earn(await enrol(own), '2', 'points', own);
    await dayComes(4, plain, own);
    expect(await isDue(plain, own)).toBe(true);
    await tell(plain, own);
    expect(hook.calls.map(({ input }) => input.amount)).toEqual(['2']);
    await act(own, 'setExtensionStage', { extensionId, stage: 'RETIRED' }, 'extension { id }');
    expect(await isDue(plain, own)).toBe(true);
    await tell(plain, own);
    expect(await isDue(plain, own)).toBe(false);
  });

  it('shows in its calls what it didn’t hear, and how often it was told', async () => {
    const filter = 'activity.type == "points_expire" && activity.amount > 1';
    const id = await register({ filter });
    for (const amount of ['1', '2']) await earn(await enrol(own), amount, 'points', own);
    await dayComes(2, plain, own);
    heard = () => ({ balance: 'mine' });
    await expect(tell(plain, own)).rejects.toThrow('EXTENSION_UNAVAILABLE');
    heard = () => ({ reference: { type: 'booking', id: '1' } });
    await tell(plain, own);
    await plain.application.calls.flush();
    const { calls } = await shown(own, id, 'calls(first: 9) { edges { node { outcome attempt } } }');
    const became = calls.edges.map(({ node: { outcome, attempt } }: Json) => `${outcome} ${attempt}`);
    expect(became).toContain('SKIPPED_BY_FILTER 1');
    expect(became.filter((one: string) => !one.startsWith('SKIPPED'))).toEqual(['OK 2', 'INVALID_OUTPUT 1']);
    expect(new Set(hook.calls.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
  });
});
