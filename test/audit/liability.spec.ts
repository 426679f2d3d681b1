import type pg from 'pg';
import { runDaily } from '../../src/jobs/index.ts';
import { enrolMember, newTenant, setClock, type TestTenant } from '../ledger/tenants.ts';
import { connect, startApplication, type TestApplication } from '../persistence/furnished.ts';
import { auditLedgers } from '../support/audit.ts';

let application: TestApplication;
let tea: TestTenant;
let owner: pg.Client;

const MOMENTS = [
  '2026-03-01T15:59:59.999Z',
  '2026-03-01T16:00:00.000Z',
  '2026-03-02T04:00:00.000Z',
  '2026-03-04T20:00:00.000Z',
  '2026-03-05T04:00:00.000Z',
  '2028-06-01T04:00:00.000Z',
];

beforeAll(async () => {
  application = await startApplication();
  tea = await newTenant(application, 'tea');
  owner = await connect(application.testDatabase.adminUrl);
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tea.tenantKey]);
  await setClock(application, tea.tenantKey, '2026-03-01T04:00:00Z');
  const memberId = await enrolMember(application, tea, '1');
  const { ledgers } = application.services;
  const act = (key: string, amount: bigint) => ({ idempotencyKey: key, memberId, asset: 'points', amount });
  for (const [index, moment] of MOMENTS.entries()) {
    await setClock(application, tea.tenantKey, moment);
    await ledgers.earn(tea.ctx, act(`earn-${index}`, 100n));
    if (index % 2 === 1) await runDaily(application.jobs, tea.tenantKey);
    await ledgers.redeem(tea.ctx, act(`redeem-${index}`, 30n));
    await ledgers.adjust(tea.ctx, { ...act(`adjust-${index}`, BigInt(index - 2) || 7n), reason: 'a test' });
  }
});

afterAll(async () => {
  expect(await auditLedgers(application.testDatabase.adminUrl)).toEqual([]);
  await owner.end();
  await application.close();
});

/** The same from all legs at once, without any roll-up. */
async function fromLegs(at: Date | null): Promise<unknown[]> {
  const { rows } = await owner.query<Record<string, string>>(
    `select asset, -sum(amount) as outstanding,
            coalesce(-sum(amount) filter (where account = 'ISSUED'), 0) as issued,
            coalesce(sum(amount) filter (where account = 'REDEEMED'), 0) as redeemed,
            coalesce(sum(amount) filter (where account = 'BREAKAGE'), 0) as breakage
       from leg where $1::timestamptz is null or recorded_at <= $1 group by asset order by asset`,
    [at],
  );
  return rows.map(({ asset, ...sums }) => ({
    asset,
    ...Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, BigInt(sum)])),
  }));
}

async function liabilities(at: Date | null): Promise<unknown[]> {
  const found = await application.services.audit.liabilities(tea.tenantKey, at);
  return found.map(({ asset, issued, redeemed, breakage, outstanding }) => ({
    ...{ asset, issued, redeemed, breakage, outstanding },
  }));
}

async function expectExact(): Promise<void> {
  const { rows } = await owner.query<{ at: Date }>('select distinct recorded_at as at from leg order by 1');
  const around = rows.flatMap(({ at }) => [-1, 0, 1].map((ms) => new Date(at.getTime() + ms)));
  for (const at of [...around, ...MOMENTS.map((moment) => new Date(moment)), new Date('2027-01-01')])
    expect([at, await liabilities(at)]).toEqual([at, await fromLegs(at)]);
  expect(await liabilities(null)).toEqual(await fromLegs(null));
}

const daysOf = async () => (await owner.query('select * from leg_day order by asset, account, day')).rows;

describe('liability', () => {
  it('has every kind of leg here, and is what members hold', async () => {
    const { rows } = await owner.query<{ account: string }>('select distinct account from leg order by 1');
    expect(rows.map(({ account }) => account)).toEqual(['ADJUSTED', 'BREAKAGE', 'ISSUED', 'REDEEMED']);
    const [{ outstanding }] = (await liabilities(null)) as [{ outstanding: bigint }];
    const held = await owner.query<{ sum: string }>(
      `select sum(posted + pending) as sum from ledger where asset = 'points'`,
    );
    expect(outstanding).toBe(BigInt(held.rows[0]?.sum ?? 0));
  });

  it('is exact at any moment: the sums of days, and the legs since', async () => {
    const { rows } = await owner.query<{ rest: string }>(
      'select count(*) as rest from leg where position > (select position from leg_rollup)',
    );
    expect(Number(rows[0]?.rest)).toBeGreaterThan(0);
    expect(await daysOf()).not.toEqual([]);
    await expectExact();
  });

  it('is summed once, however many do so at a time', async () => {
    const summed = await Promise.all(
      [1, 2, 3, 4].map(() => application.proof.rollUp(tea.tenantKey, 'Asia/Shanghai')),
    );
    expect(summed.filter((legs) => legs > 0n)).toHaveLength(1);
    const days = await daysOf();
    expect(await application.proof.rollUp(tea.tenantKey, 'UTC')).toBe(0n);
    expect(await daysOf()).toEqual(days);
    await expectExact();
  });

  it('knows what was written down later for an earlier day', async () => {
    await setClock(application, tea.tenantKey, '2026-03-02T04:00:00Z');
    const memberId = await enrolMember(application, tea, '2');
    const input = { idempotencyKey: 'late', memberId, asset: 'points', amount: 11n };
    await application.services.ledgers.earn(tea.ctx, input);
    await setClock(application, tea.tenantKey, '2028-07-01T04:00:00Z');
    await expectExact();
    await application.proof.rollUp(tea.tenantKey, 'UTC');
    await expectExact();
  });
});
