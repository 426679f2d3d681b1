import { jest } from '@jest/globals';
import pg from 'pg';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { mutate, type OwnTenant, ownTenant } from '../support/own-tenant.ts';

/** So often may the work of a day go to the database; it does about 22 times. */
const PACKETS_A_DAY = 40;
const ENTRIES = `query($id: ID!) { member(id: $id) { ledger(asset: "points") {
  balance { available pending } entries(first: 20) { edges { node { kind amount recordedAt } } } } } }`;

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

type Asked = Pick<OwnTenant, 'act' | 'ask'>;
const demo: Asked = {
  ask: (...rest) => gateway.ask(...rest),
  act: (...rest) => mutate(gateway.ask, ...rest),
};

function advance({ act }: Asked, input: Record<string, unknown>): Promise<Json> {
  return act('advanceTestClock', { idempotencyKey: newRequestKey(), ...input }, 'now');
}

async function nowOf({ tenantKey }: Pick<OwnTenant, 'tenantKey'>): Promise<number> {
  const [row] = await gateway.application.database.unitOfWork(tenantKey, (em) =>
    em.execute<{ now: string }[]>('select business_time() as now'),
  );
  return new Date(row?.now ?? '').getTime();
}

/** A sandbox whose clock shows this moment. */
async function sandboxAt(moment: string): Promise<OwnTenant> {
  const tenant = await ownTenant(gateway);
  await gateway.application.database.unitOfWork(tenant.tenantKey, (em) =>
    em.execute('update tenant set clock_offset = ?::timestamptz - now() where tenant_id = ?', [
      moment,
      tenant.tenantKey,
    ]),
  );
  return tenant;
}

async function pointsOf({ ask }: Asked, id: string): Promise<{ balance: Json; entries: string[] }> {
  const { ledger } = (await ask(ENTRIES, { id })).data.member;
  const entries = ledger.entries.edges.map(
    ({ node }: Json) => `${node.kind} ${node.amount} ${node.recordedAt.slice(0, 16)}`,
  );
  return { balance: ledger.balance, entries };
}

describe('the clock of a sandbox', () => {
  it('moves on by local days and hours, or to a moment, and goes on from there', async () => {
    const tenant = await sandboxAt('2026-03-10T04:00:00Z');
    const begun = performance.now();
    const moved = await advance(tenant, { by: 'P1DT2H' });
    expect(moved.now).toMatch(/^2026-03-11T06:00:/);
    const goneOn = (await nowOf(tenant)) - Date.parse(moved.now);
    expect(goneOn).toBeLessThanOrEqual(performance.now() - begun + 1);
    expect(await advance(tenant, { to: '2026-04-01T00:00:00+08:00' })).toEqual({
      now: '2026-03-31T16:00:00.000Z',
      userErrors: [],
    });
    expect(await nowOf(tenant)).toBeGreaterThanOrEqual(Date.parse('2026-03-31T16:00:00Z'));
    expect((await advance(tenant, { by: 'P1M' })).now).toMatch(/^2026-04-30T16:00:/);
  });

  it('moves once for a key, and for each of two that are sent at once', async () => {
    const tenant = await sandboxAt('2026-03-10T04:00:00Z');
    const input = { idempotencyKey: newRequestKey(), by: 'P1D' };
    const answers = await Promise.all([advance(tenant, input), advance(tenant, input)]);
    expect(answers[0]).toEqual(answers[1]);
    expect(await advance(tenant, input)).toEqual(answers[0]);
    expect((await advance(tenant, { ...input, by: 'P2D' })).userErrors).toMatchObject([
      { code: 'IDEMPOTENCY_CONFLICT' },
    ]);
    await Promise.all([advance(tenant, { by: 'P1D' }), advance(tenant, { by: 'P1D' })]);
    expect(new Date(await nowOf(tenant)).toISOString()).toMatch(/^2026-03-13T04:00:/);
  });

  it('stays where it is in a dry run', async () => {
    const tried = await expectNothingWritten(gateway, () => advance(demo, { by: 'P3D', dryRun: true }));
    expect(Date.parse(tried.now) - Date.now()).toBeGreaterThan(2.9 * 86_400_000);
    expect(Math.abs((await nowOf(gateway)) - Date.now())).toBeLessThan(60_000);
  });

  it('goes on to the end when a request that broke off is sent again', async () => {
    const tenant = await sandboxAt('2026-03-10T04:00:00Z');
    const input = { idempotencyKey: newRequestKey(), by: 'P4D' };
    const { jobs } = gateway.application;
    const review = jobs.tiers.review.bind(jobs.tiers);
    let reviews = 0;
    jobs.tiers.review = async (tenantKey) => {
      reviews += 1;
      if (reviews === 3) throw new Error('The review fails.');
      return await review(tenantKey);
    };
    await expect(advance(tenant, input)).rejects.toThrow('INTERNAL');
    expect(new Date(await nowOf(tenant)).toISOString()).toMatch(/^2026-03-11T16:00:/);
    expect((await advance(tenant, input)).now).toMatch(/^2026-03-14T04:00:/);
    expect(reviews).toBe(6);
    jobs.tiers.review = review;
    expect(new Date(await nowOf(tenant)).toISOString()).toMatch(/^2026-03-14T04:00:/);
  });

  it.each([
    ['both', { by: 'P1D', to: '2099-01-01T00:00:00Z' }, 'CLOCK_BY_OR_TO', ['by']],
    ['neither', {}, 'CLOCK_BY_OR_TO', ['by']],
    ['the past', { to: '2020-01-01T00:00:00Z' }, 'CLOCK_NOT_BACK', ['to']],
    ['a moment too far', { to: '2099-01-01T00:00:00Z' }, 'CLOCK_TOO_FAR', ['to']],
    ['a span too long', { by: 'P1101D' }, 'CLOCK_TOO_FAR', ['by']],
  ])('refuses %s, and writes nothing', async (_what, input, code, field) => {
    const refused = await expectNothingWritten(gateway, () => advance(demo, input));
    expect(refused).toMatchObject({ now: null, userErrors: [{ code, field }] });
  });

  it('is the only one that moves: not that of a live tenant, nor one without a program', async () => {
    const live = await ownTenant(gateway, { sandbox: false });
    expect(await advance(live, { by: 'P1D' })).toMatchObject({
      now: null,
      userErrors: [{ code: 'NOT_A_SANDBOX', field: null }],
    });
    expect(Math.abs((await nowOf(live)) - Date.now())).toBeLessThan(60_000);
    const empty = await ownTenant(gateway, { program: false });
    expect((await advance(empty, { by: 'P1D' })).userErrors).toMatchObject([{ code: 'NO_PROGRAM' }]);
  });
});

describe('what time does on the way', () => {
  it('matures T+1 at the local midnight, and expires points at the end of their month', async () => {
    const tenant = await sandboxAt('2026-03-10T04:00:00Z');
    const id = await enrol(tenant);
    const purchase = {
      idempotencyKey: newRequestKey(),
      memberId: id,
      type: 'purchase',
      amount: { value: '100.00', currency: 'CNY' },
    };
    await tenant.act('recordActivity', purchase, 'activity { id }');
    expect((await pointsOf(tenant, id)).balance).toEqual({ available: '100', pending: '10' });
    await advance(tenant, { by: 'P1D' });
    expect(await pointsOf(tenant, id)).toEqual({
      balance: { available: '110', pending: '0' },
      entries: ['MATURE 10 2026-03-10T16:00', 'EARN 10 2026-03-10T04:00', 'EARN 100 2026-03-10T04:00'],
    });
    await advance(tenant, { to: '2027-03-31T23:59:59+08:00' });
    expect((await pointsOf(tenant, id)).balance.available).toBe('110');
    await advance(tenant, { by: 'PT1S' });
    const { balance, entries } = await pointsOf(tenant, id);
    expect(balance).toEqual({ available: '0', pending: '0' });
    expect(entries[0]).toBe('EXPIRE -110 2027-03-31T16:00');
  });

  it('does each day’s work once, at its midnight, also that of the day it begins with', async () => {
    const tenant = await sandboxAt('2026-03-10T04:00:00Z');
    const { jobs } = gateway.application;
    const review = jobs.tiers.review.bind(jobs.tiers);
    const moments: string[] = [];
    jobs.tiers.review = async (tenantKey) => {
      moments.push(new Date(await nowOf(tenant)).toISOString().slice(0, 16));
      return await review(tenantKey);
    };
    await advance(tenant, { by: 'P2D' });
    await advance(tenant, { by: 'PT1H' });
    await advance(tenant, { by: 'P1D' });
    jobs.tiers.review = review;
    expect(moments).toEqual(['2026-03-10T04:00', '2026-03-10T16:00', '2026-03-11T16:00', '2026-03-12T16:00']);
  });

  it('brings each birthday within a year, with little to do on each of its days', async () => {
    const tenant = await sandboxAt('2026-03-10T04:00:00Z');
    const birthdays = ['1990-03-10', '1990-03-11', '1992-02-29', '1990-12-31', '1990-03-09'];
    const ids: string[] = [];
    for (const birthday of birthdays) ids.push(await enrol(tenant, { profile: { birthday } }));
    // How long that takes is the machine's; how often it waits for the database is ours.
    const sent = jest.spyOn(pg.Client.prototype, 'query');
    try {
      await advance(tenant, { by: 'P1Y' });
      expect(sent.mock.calls.length).toBeLessThan(365 * PACKETS_A_DAY);
    } finally {
      sent.mockRestore();
    }
    const rows = await gateway.application.database.unitOfWork(tenant.tenantKey, (em) =>
      em.execute<{ birthday: string; day: string }[]>(
        `select m.birthday::text as birthday, (a.occurred_at at time zone 'Asia/Shanghai')::date::text as day
           from activity a join member m using (tenant_id, member_id)
          where a.tenant_id = ? and a.type = 'birthday' order by 2, 1`,
        [tenant.tenantKey],
      ),
    );
    expect(rows.map(({ birthday, day }) => `${birthday} ${day}`)).toEqual([
      '1990-03-10 2026-03-10',
      '1990-03-11 2026-03-11',
      '1990-12-31 2026-12-31',
      '1992-02-29 2027-02-28',
      '1990-03-09 2027-03-09',
      '1990-03-10 2027-03-10',
    ]);
    const gifts = `query($id: ID!) { member(id: $id) { grants(first: 5) { edges { node { benefit { code } } } } } }`;
    expect((await tenant.ask(gifts, { id: ids[1] })).data.member.grants.edges).toEqual([
      { node: { benefit: { code: 'birthday-gift' } } },
    ]);
  });
});
