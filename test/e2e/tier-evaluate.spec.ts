import { jest } from '@jest/globals';
import {
  answers,
  type CallContext,
  definePlugin,
  type TierEvaluateInput,
  tierEvaluate,
} from '../../src/extension/index.ts';
import { findDueWork } from '../../src/jobs/due.repository.ts';
import type { Transaction } from '../../src/persistence/index.ts';
import { setClock } from '../ledger/tenants.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { withJobs } from '../support/jobs.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { applyProgram, type OwnTenant, tenantWith } from '../support/own-tenant.ts';
import { register } from '../support/registered.ts';
import { untilHolds } from '../support/until-holds.ts';

// Whose tier an extension says, where the program leaves it to one: asked after the commit, never in it.

type Asked = { plugin: string; input: TierEvaluateInput; context: Omit<CallContext, 'signal'> };

/** What the plugins were asked, in order, and what they answer now. */
const asked: Asked[] = [];
let answering: Record<string, (input: TierEvaluateInput) => Json> = {};

function plugin(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    ...{ id, version: 3, priority, onFailure, deadlineMs: 20_000, description: 'Answers what a test says.' },
    answers: [
      answers(tierEvaluate, async (input, { signal: _, ...context }): Promise<Json> => {
        asked.push({ plugin: id, input, context });
        return (await answering[id]?.(input)) ?? {};
      }),
    ],
  });
}

const TIERS = ['bronze', 'silver', 'gold'].map(
  (code, index) => `{ code: ${code}, name: { en: ${code} }, threshold: "${index * 100}" }`,
);
const PROGRAM = `name: { en: Tiers }
timeZone: UTC
currency: EUR
assets:
  - { code: points, kind: POINTS, name: { en: Points } }
  - { code: growth, kind: GROWTH, name: { en: Growth }, spendable: false }
ladders:
  - { code: main, name: { en: Main }, metric: growth, window: ROLLING_DAYS, windowDays: 30,
      evaluation: EXTENSION, tiers: [${TIERS.join(', ')}] }
  - { code: guests, name: { en: Guests }, metric: 'activities:visit', window: LIFETIME,
      tiers: [{ code: guest, name: { en: Guest }, threshold: "0" },
        { code: host, name: { en: Host }, threshold: "2" }] }
rules:
  - code: grow
    name: { en: Grow }
    trigger: purchase
    postings: [{ asset: growth, amount: { each: "1.00", gives: 1 } }]`;

let gateway: TestGateway;
/** Without anybody who answers. */
let plain: TestGateway;
let tenant: OwnTenant;
let memberId: string;
beforeAll(async () => {
  const plugins = [plugin('second', 20, 'FAIL_CLOSED'), plugin('first', 10, 'FAIL_OPEN')];
  gateway = await startTestGateway({ plugins });
  plain = await startTestGateway({ plugins: [] });
});
afterAll(async () => {
  for (const one of [gateway, plain]) {
    expect(await auditLedgers(one.database.adminUrl)).toEqual([]);
    await one.close();
  }
});
beforeEach(() => begin(gateway));

async function begin(at: TestGateway): Promise<void> {
  answering = {};
  tenant = await tenantWith(at, PROGRAM, '2026-03-01T04:00:00Z');
  // What `gateway.sql` sees, and so whether anything was written.
  await at.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  memberId = await enrol(tenant);
  asked.length = 0;
}

const FIELDS = `member { tier { code } tierHistory(first: 5) { edges { node {
  cause reason extension { name version } from { code } to { code } } } } }`;

async function buy(value: string, more: Json = {}): Promise<Json> {
  const input = {
    ...{ idempotencyKey: newRequestKey(), memberId, type: 'purchase' },
    ...{ amount: { value, currency: 'EUR' }, ...more },
  };
  const { member, userErrors } = await tenant.act('recordActivity', input, FIELDS);
  expect(userErrors).toEqual([]);
  return { tier: member.tier?.code, history: member.tierHistory.edges.map(({ node }: Json) => node) };
}

async function shownTier(): Promise<string | undefined> {
  const { data } = await tenant.ask('query($id: ID!) { member(id: $id) { tier { code } } }', {
    id: memberId,
  });
  return data.member.tier?.code;
}

const due = (at = gateway): Promise<Json[]> =>
  at.sql('select * from tier_due where tenant_id = $1', [tenant.tenantKey]);
/** What is to be evaluated again is due now, or after a while. */
const hasten = (after = '0 s'): Promise<Json[]> =>
  gateway.sql('update tier_due set next_attempt_at = now() + $2::interval where tenant_id = $1', [
    ...[tenant.tenantKey, after],
  ]);
const evaluateDue = (at = gateway): Promise<Json> =>
  at.application.jobs.evaluation.evaluateDue(tenant.tenantKey);
async function isDue(): Promise<boolean | undefined> {
  const sql = gateway.application.database.read(tenant.tenantKey);
  return (await findDueWork(sql, tenant.tenantKey, { callDays: 30, eventDays: 30 }))?.evaluations;
}

it('is asked after the commit, with what it comes to; what it says is a change that names it', async () => {
  answering = { first: () => ({ tier: 'gold', reason: 'known elsewhere' }) };
  const idempotencyKey = newRequestKey();
  const answer = await buy('120.00', { idempotencyKey });
  expect(asked.map(({ plugin: id }) => id)).toEqual(['first']);
  expect(asked[0]?.input).toEqual({
    member: expect.objectContaining({ id: memberId, tier: { code: 'bronze', rank: 1 } }),
    ...{ ladder: 'main', cause: 'REACHED', tier: 'bronze', since: expect.any(String), proposed: 'silver' },
    ...{ metric: 'growth', current: '120', previous: '0' },
  });
  expect(asked[0]?.context).toMatchObject({ mode: 'LIVE', attempt: 1, tenant: tenant.code });
  const change = {
    ...{ cause: 'EVALUATED', reason: 'known elsewhere', extension: { name: 'first', version: 3 } },
    ...{ from: { code: 'bronze' }, to: { code: 'gold' } },
  };
  expect(answer).toEqual({ tier: 'gold', history: [change] });
  expect(await buy('120.00', { idempotencyKey })).toEqual(answer);
  expect([asked.length, await due()]).toEqual([1, []]);
  const told = await gateway.sql(`select type from feed_event where tenant_id = $1 and stream = 'tiers'`, [
    tenant.tenantKey,
  ]);
  expect(told).toEqual([{ type: 'RAISED' }]);
});

it('leaves it to the program where nobody says anything, and asks no more once somebody does', async () => {
  expect(await buy('120.00')).toMatchObject({
    ...{ tier: 'silver', history: [{ cause: 'REACHED', reason: null, extension: null }] },
  });
  answering = { first: () => ({ tier: 'silver' }) };
  expect(await buy('100.00')).toMatchObject({ tier: 'silver', history: [{ cause: 'REACHED' }] });
  answering = { first: () => ({ tier: 'bronze' }) };
  expect(await buy('1.00')).toMatchObject({ tier: 'bronze', history: [{ cause: 'EVALUATED' }, {}] });
  expect(asked.map(({ plugin: id }) => id)).toEqual(['first', 'second', 'first', 'first']);
  const keys = asked.map(({ context }) => context.idempotencyKey);
  expect(new Set(keys).size).toBe(3);
});

it('shows in a dry run what it would say', async () => {
  answering = { first: () => ({ tier: 'gold' }) };
  const dry = await expectNothingWritten(gateway, () => buy('120.00', { dryRun: true }));
  expect(dry).toEqual({ tier: 'gold', history: [] });
  expect(asked).toMatchObject([{ input: { current: '120' }, context: { mode: 'DRY_RUN' } }]);
  answering = {};
  expect(await buy('120.00', { dryRun: true })).toMatchObject({ tier: 'silver' });
  expect(await shownTier()).toBe('bronze');
});

const fails = (): Json => Promise.reject(new Error('no'));

describe.each<[string, () => Json]>([
  ['a throw', fails],
  ['a tier of another ladder', () => ({ tier: 'host' })],
  ['no tier where one is for everybody', () => ({ tier: null })],
  ['something else', () => ({ tier: 'gold', until: '2027-01-01T00:00:00Z' })],
  ['a reason that can’t be kept', () => ({ tier: 'gold', reason: '\u0000' })],
])('%s', (_what, answer) => {
  it('leaves the tier as it is where it fails closed, and is asked again with the same key', async () => {
    answering = { first: fails, second: answer };
    const before = Date.now();
    expect(await buy('120.00')).toEqual({ tier: 'bronze', history: [] });
    // It waits for two seconds, and for as long as it is told to.
    const waiting = await due();
    expect(waiting).toHaveLength(1);
    expect(waiting[0].next_attempt_at - before).toBeGreaterThanOrEqual(2_000);
    await hasten('1 hour');
    expect(await isDue()).toBe(false);
    await hasten();
    expect(await isDue()).toBe(true);
    answering = { first: fails, second: () => ({ tier: 'gold' }) };
    expect(await evaluateDue()).toEqual({ changed: 1, isAll: true });
    expect(asked.map(({ context }) => context.attempt)).toEqual([1, 1, 2, 2]);
    expect(new Set(asked.map(({ context }) => context.idempotencyKey)).size).toBe(1);
    expect([await shownTier(), await due()]).toEqual(['gold', []]);
  });
});

it('goes on to the next where it fails open, and then to the program', async () => {
  answering = { first: fails, second: () => ({ tier: 'gold' }) };
  expect(await buy('120.00')).toMatchObject({ tier: 'gold', history: [{ extension: { name: 'second' } }] });
  const draft = { name: 'own', point: 'tier.evaluate', runtime: 'IN_PROCESS', plugin: { id: 'second' } };
  await register(tenant, draft);
  memberId = await enrol(tenant);
  asked.length = 0;
  expect(await buy('120.00')).toMatchObject({ tier: 'silver', history: [{ cause: 'REACHED' }] });
  expect(asked.map(({ plugin: id }) => id)).toEqual(['first']);
});

it('is not believed about what was counted since: that is asked about by itself', async () => {
  let isFirst = true;
  answering = {
    first: async ({ current }) => {
      if (!isFirst) return { tier: current === '220' ? 'gold' : 'bronze' };
      isFirst = false;
      await buy('100.00');
      return { tier: 'silver' };
    },
  };
  expect(await buy('120.00')).toMatchObject({ tier: 'gold' });
  expect(asked.map(({ input }) => input.current)).toEqual(['120', '220']);
  expect([await shownTier(), await due()]).toEqual(['gold', []]);
});

it('asks anew where the tier was set meanwhile', async () => {
  let isFirst = true;
  answering = {
    first: async () => {
      if (isFirst) {
        isFirst = false;
        const input = { idempotencyKey: newRequestKey(), memberId, tier: 'silver', reason: 'meanwhile' };
        await tenant.act('setTier', input, 'change { id }');
      }
      return { tier: 'gold' };
    },
  };
  expect(await buy('120.00')).toMatchObject({ tier: 'gold', history: [{ cause: 'EVALUATED' }, {}] });
  expect(asked.map(({ input }) => input.tier)).toEqual(['bronze', 'silver']);
  expect(new Set(asked.map(({ context }) => context.idempotencyKey)).size).toBe(2);
});

it('is asked by a job about what a process left undone', async () => {
  answering = { first: () => ({ tier: 'gold' }) };
  const { services } = gateway.application;
  const caller = { role: 'STAFF', memberKey: null, subject: 'a test', expiresAt: null } as const;
  const ctx = { requestId: 'r', tenantKey: tenant.tenantKey, caller, language: 'en' } as const;
  const amount = { value: '120.00', currency: 'EUR' };
  const inputs = [memberId, await enrol(tenant)].map((id) => {
    return { idempotencyKey: newRequestKey(), memberId: id, type: 'purchase', amount };
  });
  // Imports commit many together, and ask nobody: as if the process had ended there.
  expect(await services.activities.recordAll(ctx, inputs)).toEqual([null, null]);
  expect([asked, await shownTier(), (await due()).length]).toEqual([[], 'bronze', 2]);
  await hasten();
  expect(await isDue()).toBe(true);
  await withJobs(gateway, async () => {
    await untilHolds(async () => (await due()).length === 0, 'what was due is evaluated');
  });
  expect(await shownTier()).toBe('gold');
});

it('is asked whom a review would move down, and may keep them', async () => {
  await buy('120.00');
  asked.length = 0;
  await setClock(gateway.application, tenant.tenantKey, '2026-05-01T04:00:00Z');
  const { tiers } = gateway.application.jobs;
  answering = { first: () => ({ tier: 'silver' }) };
  expect(await tiers.review(tenant.tenantKey)).toMatchObject({ changed: 0 });
  expect(asked).toMatchObject([
    { input: { cause: 'REVIEWED', tier: 'silver', proposed: 'bronze', current: '0' } },
  ]);
  expect(await shownTier()).toBe('silver');
  answering = {};
  expect(await tiers.review(tenant.tenantKey)).toMatchObject({ changed: 1 });
  expect(await shownTier()).toBe('bronze');
  const { history } = await buy('1.00');
  expect(history[0]).toMatchObject({ cause: 'REVIEWED', to: { code: 'bronze' } });
  asked.length = 0;
  await tiers.review(tenant.tenantKey);
  expect(asked).toEqual([]);
});

it('is not asked what a person set, before its end', async () => {
  const input = { idempotencyKey: newRequestKey(), memberId, tier: 'gold', reason: 'a complaint' };
  await tenant.act('setTier', { ...input, until: '2026-04-01T00:00:00Z' }, 'change { id }');
  answering = { first: () => ({ tier: 'silver' }) };
  expect(await buy('10.00')).toMatchObject({ tier: 'gold' });
  expect(asked).toEqual([]);
  await setClock(gateway.application, tenant.tenantKey, '2026-04-02T04:00:00Z');
  expect(await buy('10.00')).toMatchObject({ tier: 'silver' });
});

it('is asked of no ladder that the program evaluates itself, which rises within the commit', async () => {
  const visit = { type: 'visit', amount: undefined };
  await buy('1.00', visit);
  await buy('1.00', visit);
  const { data } = await tenant.ask(
    'query($id: ID!) { member(id: $id) { tierHistory(first: 1) { edges { node { ladder cause } } } } }',
    { id: memberId },
  );
  expect(data.member.tierHistory.edges).toEqual([{ node: { ladder: 'guests', cause: 'REACHED' } }]);
  expect([asked, await due()]).toEqual([[], []]);
  expect(await risesWithin(() => buy('120.00'))).toBe(false);
  await applyProgram(tenant, PROGRAM.replace('evaluation: EXTENSION, ', ''));
  asked.length = 0;
  const bought: Json[] = [];
  expect(await risesWithin(async () => bought.push(await buy('120.00')))).toBe(true);
  expect([asked, bought]).toMatchObject([[], [{ tier: 'gold' }]]);
});

/** Whether the transaction that keeps an activity is also the one that changes a tier. */
async function risesWithin(work: () => Promise<unknown>): Promise<boolean> {
  const { database } = gateway.application;
  const { transaction } = database;
  const sent: Set<string>[] = [];
  const spy = jest.spyOn(database, 'transaction').mockImplementation((key, act, options) => {
    const names = new Set<string>();
    sent.push(names);
    const watched = (tx: Transaction) => {
      const run: Transaction['run'] = (stmt, values) => {
        names.add(stmt.name);
        return tx.run(stmt, values);
      };
      return act({ facts: tx.facts, run, defer: tx.defer.bind(tx), check: tx.check.bind(tx) });
    };
    return transaction.call(database, key, watched as typeof act, options);
  });
  try {
    await work();
  } finally {
    spy.mockRestore();
  }
  const [recording, ...others] = sent.filter((names) => names.has('activity.insert'));
  expect([recording, others]).toEqual([expect.any(Set), []]);
  return recording?.has('tier_change.insert') === true;
}

it('comes to what the program says where nobody answers', async () => {
  await begin(plain);
  expect(await buy('120.00')).toMatchObject({ tier: 'silver', history: [{ cause: 'REACHED' }] });
  expect(await due(plain)).toEqual([]);
});
