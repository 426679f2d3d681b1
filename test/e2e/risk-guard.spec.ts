import { plugin as riskGuard } from '../../plugins/risk-guard/plugin.ts';
import { startJobs } from '../../src/jobs/index.ts';
import { readSource } from '../architecture/sources.ts';
import { blocksOf, deadLinksIn } from '../docs/guide-blocks.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { untilHolds } from '../support/until-holds.ts';

/** With time enough for a busy machine. */
const plugin = { ...riskGuard, deadlineMs: 10_000 };
const GUIDE = readSource('docs/guides/schema-plugins.md');
const LIMIT = { event: 'points.earned', most: 8, withinMinutes: 60 };
const SET = `mutation($input: RiskGuard_LimitInput!) {
  riskGuard_setLimit(input: $input) { limit { event most withinMinutes } wrong }
}`;
const SCORE = 'query($id: ID!) { member(id: $id) { riskGuard_score } }';

let gateway: TestGateway;
let jobs: { stop(): Promise<void> };
let own: OwnTenant;
beforeAll(async () => {
  gateway = await startTestGateway({ plugins: [plugin] });
  own = await ownTenant(gateway);
  jobs = await startJobs(gateway.application.jobs, { everyMs: 500 });
});
afterAll(async () => {
  await jobs.stop();
  await gateway.close();
});

async function earn({ act }: OwnTenant, memberId: string): Promise<void> {
  const input = { memberId, asset: 'points', amount: '5', reason: 'a test' };
  const { userErrors } = await act(
    'earnPoints',
    { idempotencyKey: newRequestKey(), ...input },
    'operation { id }',
  );
  expect(userErrors).toEqual([]);
}

async function scoreOf({ ask }: OwnTenant, id: string): Promise<number | null> {
  const { data, errors } = await ask(SCORE, { id });
  expect(errors).toEqual([]);
  return data.member.riskGuard_score;
}

async function untilScored(tenant: OwnTenant, id: string, score: number): Promise<void> {
  await untilHolds(async () => (await scoreOf(tenant, id)) === score, `a score of ${score}`);
}

describe('risk-guard', () => {
  it('scores members by what happens to them, each event once', async () => {
    const { data } = await own.ask(SET, { input: LIMIT });
    expect(data.riskGuard_setLimit).toEqual({ limit: LIMIT, wrong: null });
    const [busy, calm] = [await enrol(own), await enrol(own)];
    await untilScored(own, calm, 25);
    await earn(own, busy);
    await untilScored(own, busy, 37);
    for (let times = 0; times < 5; times += 1) await earn(own, busy);
    await untilScored(own, busy, 100);
    expect(await scoreOf(own, calm)).toBe(25);
  });

  it('hears tenants that are made later from their beginning, and keeps tenants apart', async () => {
    const later = await ownTenant(gateway);
    expect((await later.ask('{ riskGuard_limits { event } }')).data).toEqual({ riskGuard_limits: [] });
    const member = await enrol(later);
    expect(await scoreOf(later, member)).toBe(0);
    await later.ask(SET, { input: { ...LIMIT, most: 1 } });
    await untilScored(later, member, 100);
    expect((await own.ask('{ riskGuard_limits { most } }')).data).toEqual({
      riskGuard_limits: [{ most: 8 }],
    });
  });

  it('refuses activities of those who have reached a limit, and of nobody else', async () => {
    const tenant = await ownTenant(gateway);
    const signIn = async (memberId: string): Promise<string | null> => {
      const input = { idempotencyKey: newRequestKey(), memberId, type: 'sign_in' };
      const { activity, userErrors } = await tenant.act('recordActivity', input, 'activity { id }');
      return activity === null ? userErrors[0].code : null;
    };
    const [busy, calm] = [await enrol(tenant), await enrol(tenant)];
    await tenant.ask(SET, { input: { ...LIMIT, most: 3 } });
    await untilScored(tenant, calm, 66);
    expect(await signIn(busy)).toBeNull();
    await earn(tenant, busy);
    await untilScored(tenant, busy, 100);
    expect(await signIn(busy)).toBe('EXTENSION_REFUSED');
    expect(await signIn(calm)).toBeNull();
  });

  it('says which field of a limit is wrong', async () => {
    const { data } = await own.ask(SET, { input: { ...LIMIT, most: 0 } });
    expect(data.riskGuard_setLimit).toEqual({ limit: null, wrong: 'most' });
  });

  it('forgets what is old by its tenant’s configuration, at night', async () => {
    const tenant = await ownTenant(gateway);
    await tenant.ask(SET, { input: LIMIT });
    const configuration = { keepDays: 2 };
    const input = { idempotencyKey: newRequestKey(), plugin: 'risk-guard', configuration };
    expect((await tenant.act('configurePlugin', input, 'plugin { id }')).userErrors).toEqual([]);
    const member = await enrol(tenant);
    await untilScored(tenant, member, 25);
    const { database, services } = gateway.application;
    const count = (table: '_job' | 'seen'): Promise<number> =>
      services.pluginParts.transaction(plugin, tenant.tenantKey, async (sql) => {
        const text = `select count(*)::int as n from ${table} where tenant_id = $1`;
        return (await sql.run<{ n: number }>(text, [tenant.tenantKey]))[0]?.n ?? 0;
      });
    await untilHolds(async () => (await count('_job')) === 1, 'the job is seen');
    expect(await count('seen')).toBeGreaterThan(0);
    await database.unitOfWork(tenant.tenantKey, (em) =>
      em.execute(`update tenant set clock_offset = '4 days' where tenant_id = ?`, [tenant.tenantKey]),
    );
    await untilHolds(async () => (await count('seen')) === 0, 'what was heard is forgotten');
  });

  it('goes on where it was, told by whichever process', async () => {
    const member = await enrol(own);
    await untilScored(own, member, 25);
    await jobs.stop();
    await earn(own, member);
    const again = await startTestGateway({ plugins: [plugin], beside: gateway });
    const others = await startJobs(again.application.jobs, { everyMs: 500 });
    try {
      await untilScored(own, member, 37);
    } finally {
      await others.stop();
      await again.close();
      jobs = await startJobs(gateway.application.jobs, { everyMs: 500 });
    }
  });
});

describe('the guide', () => {
  it('shows what this plugin is made of', () => {
    const blocks = blocksOf(GUIDE).filter(({ info }) => info.startsWith('ts '));
    expect(blocks.length).toBeGreaterThan(3);
    for (const { info, text } of blocks) expect(readSource(info.slice(3))).toContain(text.trimEnd());
  });

  it('asks what can be asked', async () => {
    const blocks = blocksOf(GUIDE).filter(({ info }) => info === 'graphql');
    expect(blocks.length).toBeGreaterThan(0);
    for (const { text } of blocks) expect((await own.ask(text)).errors).toEqual([]);
  });

  it('leads to nothing that isn’t there', () => {
    expect(deadLinksIn(GUIDE, 'docs/guides')).toEqual([]);
  });
});
