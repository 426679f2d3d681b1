import { LedgerReads } from '../../src/domain/ledgers/index.ts';
import { settleTenant } from '../../src/jobs/index.ts';
import { fromPublicId } from '../../src/kernel/ids.ts';
import { startApplication, type TestApplication } from '../persistence/furnished.ts';
import { auditLedgers } from '../support/audit.ts';
import { definitionOf, exampleText, MAY_OWE } from './programs.ts';
import { enrolMember, newTenant, outcomesOf, setClock, type TestTenant } from './tenants.ts';

let application: TestApplication;
beforeAll(async () => {
  application = await startApplication();
});
afterAll(async () => {
  expect(await auditLedgers(application.testDatabase.adminUrl)).toEqual([]);
  await application.close();
});

let made = 0;

/** A member of a new tenant, whose clock shows a moment; by the demo program, or another. */
async function newMember(moment: string, program?: string) {
  made += 1;
  const definition = program === undefined ? undefined : definitionOf(program);
  const tenant = await newTenant(application, `tenant-${made}`, definition);
  await setClock(application, tenant.tenantKey, moment);
  return { tenant, memberId: await enrolMember(application, tenant, `card-${made}`) };
}

const tell = ({ tenantKey }: TestTenant, moment: string) => setClock(application, tenantKey, moment);

function purchase({ ctx }: TestTenant, memberId: string, value: string, currency = 'CNY') {
  made += 1;
  return application.services.activities.record(ctx, {
    idempotencyKey: `purchase-${made}`,
    memberId,
    type: 'purchase',
    amount: { value, currency },
  });
}

function redeem({ ctx }: TestTenant, memberId: string, amount: bigint) {
  made += 1;
  const input = { idempotencyKey: `redeem-${made}`, memberId, asset: 'points', amount };
  return application.services.ledgers.redeem(ctx, input);
}

function earn(
  { ctx }: TestTenant,
  memberId: string,
  amount: bigint,
  moments: { availableAt?: string; expiresAt?: string } = {},
) {
  made += 1;
  return application.services.ledgers.earn(ctx, {
    idempotencyKey: `earn-${made}`,
    memberId,
    asset: 'points',
    amount,
    availableAt: moments.availableAt === undefined ? null : new Date(moments.availableAt),
    expiresAt: moments.expiresAt === undefined ? null : new Date(moments.expiresAt),
  });
}

/** The points of a member as a read shows them: available, pending, and the number of entries. */
async function pointsOf({ tenantKey }: TestTenant, memberId: string): Promise<[number, number, number]> {
  const reads = new LedgerReads(application.database.read(tenantKey), tenantKey);
  const ledgers = await reads.byMembers([fromPublicId('member', memberId) ?? '']);
  const ledger = ledgers.find(({ assetCode }) => assetCode === 'points');
  if (ledger === undefined) return [0, 0, 0];
  const { posted, pending, held, version, due = 0n, expired = 0n } = ledger;
  return [Number(posted - held + due - expired), Number(pending - due), Number(version)];
}

/** What stands in the ledger: kind and amount of each entry, oldest first. */
async function entriesOf({ tenantKey }: TestTenant, memberId: string): Promise<string[]> {
  const reads = new LedgerReads(application.database.read(tenantKey), tenantKey);
  const ledgers = await reads.byMembers([fromPublicId('member', memberId) ?? '']);
  const ledgerKey = ledgers.find(({ assetCode }) => assetCode === 'points')?.ledgerKey ?? '';
  const entries = await reads.entryPages([{ ledgerKey, before: 1_000n }], 100, true);
  return entries.reverse().map(({ kind, amount }) => `${kind} ${amount}`);
}

const settle = ({ tenantKey }: TestTenant) => settleTenant(application.jobs, tenantKey);

describe('T+1', () => {
  it('counts from the next local midnight in reads, before any job has run', async () => {
    const { tenant, memberId } = await newMember('2026-03-10T15:58:00Z');
    await purchase(tenant, memberId, '238.00');
    expect(await pointsOf(tenant, memberId)).toEqual([100, 20, 2]);
    await tell(tenant, '2026-03-10T15:59:00Z');
    expect(await pointsOf(tenant, memberId)).toEqual([100, 20, 2]);
    await tell(tenant, '2026-03-10T16:00:00Z');
    expect(await pointsOf(tenant, memberId)).toEqual([120, 0, 2]);
  });

  it('lets what is due be spent, and what isn’t not', async () => {
    const { tenant, memberId } = await newMember('2026-03-10T15:58:00Z');
    await purchase(tenant, memberId, '238.00');
    expect(await outcomesOf([redeem(tenant, memberId, 101n)])).toEqual({ INSUFFICIENT_BALANCE: 1 });
    await tell(tenant, '2026-03-10T16:00:00Z');
    await redeem(tenant, memberId, 120n);
    expect(await pointsOf(tenant, memberId)).toEqual([0, 0, 4]);
    expect(await entriesOf(tenant, memberId)).toEqual(['EARN 100', 'EARN 20', 'MATURE 20', 'REDEEM -120']);
  });

  it('counts a back-dated purchase from when it happened', async () => {
    const { tenant, memberId } = await newMember('2026-03-10T04:00:00Z');
    await application.services.activities.record(tenant.ctx, {
      idempotencyKey: 'yesterday',
      memberId,
      type: 'purchase',
      occurredAt: new Date('2026-03-09T15:59:59.999Z'),
      amount: { value: '100.00', currency: 'CNY' },
    });
    expect(await pointsOf(tenant, memberId)).toEqual([110, 0, 2]);
    expect(await entriesOf(tenant, memberId)).toEqual(['EARN 100', 'EARN 10']);
  });
});

describe('expiry', () => {
  const LAST_MINUTE = '2027-03-31T15:59:00Z';
  const OVER = '2027-03-31T16:00:00Z';

  it('comes at the end of the month in the tenant’s zone, before any job has run', async () => {
    const { tenant, memberId } = await newMember('2026-03-10T04:00:00Z');
    await tell(tenant, LAST_MINUTE);
    expect(await pointsOf(tenant, memberId)).toEqual([100, 0, 1]);
    await tell(tenant, OVER);
    expect(await pointsOf(tenant, memberId)).toEqual([0, 0, 1]);
  });

  it('lets no expired point be spent, and a point of the last minute be', async () => {
    const { tenant, memberId } = await newMember('2026-03-10T04:00:00Z');
    await tell(tenant, LAST_MINUTE);
    await redeem(tenant, memberId, 30n);
    await tell(tenant, OVER);
    expect(await outcomesOf([redeem(tenant, memberId, 1n)])).toEqual({ INSUFFICIENT_BALANCE: 1 });
    expect(await entriesOf(tenant, memberId)).toEqual(['EARN 100', 'REDEEM -30']);
    await earn(tenant, memberId, 5n);
    expect(await entriesOf(tenant, memberId)).toEqual(['EARN 100', 'REDEEM -30', 'EXPIRE -70', 'EARN 5']);
    expect(await pointsOf(tenant, memberId)).toEqual([5, 0, 4]);
  });

  it.each([
    ['2026-12-31T15:58:00Z', '2027-12-31T16:00:00Z'],
    ['2026-12-31T16:00:00Z', '2028-01-31T16:00:00Z'],
    ['2028-02-29T04:00:00Z', '2029-02-28T16:00:00Z'],
  ])('of what is earned at %s is at %s', async (earned, over) => {
    const { tenant, memberId } = await newMember(earned);
    await tell(tenant, new Date(Date.parse(over) - 60_000).toISOString());
    expect(await pointsOf(tenant, memberId)).toEqual([100, 0, 1]);
    await tell(tenant, over);
    expect(await pointsOf(tenant, memberId)).toEqual([0, 0, 1]);
  });

  it('takes what matured and expired unseen, and nothing more', async () => {
    const { tenant, memberId } = await newMember('2026-03-10T04:00:00Z');
    await earn(tenant, memberId, 7n, {
      availableAt: '2026-03-11T00:00:00Z',
      expiresAt: '2026-03-12T00:00:00Z',
    });
    await tell(tenant, '2026-03-13T00:00:00Z');
    expect(await pointsOf(tenant, memberId)).toEqual([100, 0, 2]);
    expect(await outcomesOf([redeem(tenant, memberId, 101n)])).toEqual({ INSUFFICIENT_BALANCE: 1 });
    expect(await settle(tenant)).toBe(2);
    expect(await entriesOf(tenant, memberId)).toEqual(['EARN 100', 'EARN 7', 'MATURE 7', 'EXPIRE -7']);
  });
});

describe('a debt', () => {
  const OWING = exampleText('demo').replace('    expiry: {', `    ${MAY_OWE}\n    expiry: {`);

  /** A member who owes 30, and has 50 coming that lasts for a day. */
  async function newDebtor() {
    const { tenant, memberId } = await newMember('2026-03-10T04:00:00Z', OWING);
    const input = { idempotencyKey: 'owe', memberId, asset: 'points', amount: -130n, reason: 'a test' };
    await application.services.ledgers.adjust(tenant.ctx, input);
    const moments = { availableAt: '2026-03-11T00:00:00Z', expiresAt: '2026-03-12T00:00:00Z' };
    await earn(tenant, memberId, 50n, moments);
    return { tenant, memberId };
  }

  it('is paid by what falls due', async () => {
    const { tenant, memberId } = await newDebtor();
    expect(await pointsOf(tenant, memberId)).toEqual([-30, 50, 3]);
    await tell(tenant, '2026-03-11T04:00:00Z');
    expect(await pointsOf(tenant, memberId)).toEqual([20, 0, 3]);
    expect(await settle(tenant)).toBe(1);
    expect(await pointsOf(tenant, memberId)).toEqual([20, 0, 4]);
  });

  it('is paid by what fell due before it expired', async () => {
    const { tenant, memberId } = await newDebtor();
    await tell(tenant, '2026-03-13T04:00:00Z');
    expect(await settle(tenant)).toBe(2);
    expect(await pointsOf(tenant, memberId)).toEqual([0, 0, 5]);
  });

  // A known fault, reported: a read takes off all that expired, also what had paid the debt before.
  it('is paid by it also in what is read before any job has run', async () => {
    const { tenant, memberId } = await newDebtor();
    await tell(tenant, '2026-03-13T04:00:00Z');
    expect(await pointsOf(tenant, memberId)).toEqual([0, 0, 3]);
  });
});

describe('the job', () => {
  it('writes down what fell due and what expired, and changes no balance', async () => {
    const { tenant, memberId } = await newMember('2026-03-10T04:00:00Z');
    await purchase(tenant, memberId, '300.00');
    expect(await settle(tenant)).toBe(0);
    await tell(tenant, '2026-03-11T04:00:00Z');
    expect(await pointsOf(tenant, memberId)).toEqual([130, 0, 2]);
    expect(await settle(tenant)).toBe(1);
    expect(await pointsOf(tenant, memberId)).toEqual([130, 0, 3]);
    await tell(tenant, '2027-03-31T16:00:00Z');
    expect(await pointsOf(tenant, memberId)).toEqual([0, 0, 3]);
    expect(await settle(tenant)).toBe(1);
    expect(await pointsOf(tenant, memberId)).toEqual([0, 0, 4]);
    expect(await settle(tenant)).toBe(0);
    expect(await entriesOf(tenant, memberId)).toEqual(['EARN 100', 'EARN 30', 'MATURE 30', 'EXPIRE -130']);
  });

  it('that runs several times at once does each thing once', async () => {
    const { tenant, memberId } = await newMember('2026-03-10T04:00:00Z');
    const others = await Promise.all(
      Array.from({ length: 24 }, (_, index) => enrolMember(application, tenant, `sweep-${index}`)),
    );
    const everybody = [memberId, ...others];
    await Promise.all(everybody.map((id) => purchase(tenant, id, '100.00')));
    await tell(tenant, '2026-03-11T04:00:00Z');
    const rounds = await Promise.all(Array.from({ length: 4 }, () => settle(tenant)));
    expect(rounds.reduce((sum, one) => sum + one, 0)).toBe(25);
    await tell(tenant, '2027-04-01T04:00:00Z');
    const redeems = everybody.map((id) => redeem(tenant, id, 1n));
    const [outcomes, ...later] = await Promise.all([
      outcomesOf(redeems),
      ...Array.from({ length: 4 }, () => settle(tenant)),
    ]);
    expect(outcomes).toEqual({ INSUFFICIENT_BALANCE: 25 });
    expect(later.reduce((sum, one) => sum + one, 0)).toBe(25);
    for (const id of everybody)
      expect(await entriesOf(tenant, id)).toEqual(['EARN 100', 'EARN 10', 'MATURE 10', 'EXPIRE -110']);
  });

  it('agrees with what reads and spends say, day after day', async () => {
    const { tenant, memberId } = await newMember('2026-03-01T12:00:00Z');
    const at = (day: number): string => new Date(Date.UTC(2026, 2, day, 12)).toISOString();
    for (let index = 0; index < 12; index += 1) {
      const due = 2 + ((index * 5) % 9);
      const over = due + 1 + ((index * 7) % 6);
      await earn(tenant, memberId, BigInt(index + 1), {
        availableAt: at(due),
        ...(index % 4 === 0 ? {} : { expiresAt: at(over) }),
      });
    }
    for (let day = 2; day <= 18; day += 2) {
      await tell(tenant, at(day));
      const [available, pending] = await pointsOf(tenant, memberId);
      expect(await outcomesOf([redeem(tenant, memberId, BigInt(available + 1))])).toEqual({
        INSUFFICIENT_BALANCE: 1,
      });
      await settle(tenant);
      expect((await pointsOf(tenant, memberId)).slice(0, 2)).toEqual([available, pending]);
      if (day % 4 === 0) await redeem(tenant, memberId, 9n);
    }
    const kinds = (await entriesOf(tenant, memberId)).map((entry) => entry.split(' ')[0]);
    expect(kinds.filter((kind) => kind === 'MATURE').length).toBeGreaterThan(3);
    expect(kinds.filter((kind) => kind === 'EXPIRE').length).toBeGreaterThan(2);
  });

  it('leaves other tenants alone', async () => {
    const [here, there] = [await newMember('2026-03-10T04:00:00Z'), await newMember('2026-03-10T04:00:00Z')];
    for (const { tenant, memberId } of [here, there]) await purchase(tenant, memberId, '100.00');
    for (const { tenant } of [here, there]) await tell(tenant, '2026-03-11T04:00:00Z');
    expect(await settle(here.tenant)).toBe(1);
    expect(await entriesOf(there.tenant, there.memberId)).toEqual(['EARN 100', 'EARN 10']);
  });
});

describe('clocks that spring forward and fall back', () => {
  const NEW_YORK = exampleText('demo')
    .replace('Asia/Shanghai', 'America/New_York')
    .replace('CNY', 'USD')
    .replace('P12M', 'P1M');

  it.each([
    ['before the short day', '2026-03-07T17:00:00Z', '2026-03-08T05:00:00Z'],
    ['on the short day', '2026-03-08T16:00:00Z', '2026-03-09T04:00:00Z'],
    ['before the long day', '2026-10-31T16:00:00Z', '2026-11-01T04:00:00Z'],
    ['on the long day', '2026-11-01T04:30:00Z', '2026-11-02T05:00:00Z'],
  ])('move T+1 with them: %s', async (_when, bought, due) => {
    const { tenant, memberId } = await newMember(bought, NEW_YORK);
    await purchase(tenant, memberId, '100.00', 'USD');
    await tell(tenant, new Date(Date.parse(due) - 60_000).toISOString());
    expect(await pointsOf(tenant, memberId)).toEqual([100, 10, 2]);
    await tell(tenant, due);
    expect(await pointsOf(tenant, memberId)).toEqual([110, 0, 2]);
    expect(await settle(tenant)).toBe(1);
  });

  it.each([
    ['2026-02-10T17:00:00Z', '2026-04-01T04:00:00Z'],
    ['2026-10-10T16:00:00Z', '2026-12-01T05:00:00Z'],
  ])('move the end of the month with them: %s to %s', async (earned, over) => {
    const { tenant, memberId } = await newMember(earned, NEW_YORK);
    await tell(tenant, new Date(Date.parse(over) - 60_000).toISOString());
    expect(await pointsOf(tenant, memberId)).toEqual([100, 0, 1]);
    await tell(tenant, over);
    expect(await outcomesOf([redeem(tenant, memberId, 1n)])).toEqual({ INSUFFICIENT_BALANCE: 1 });
    expect(await pointsOf(tenant, memberId)).toEqual([0, 0, 1]);
  });
});

describe('a clock that is set back', () => {
  it('lets nothing be recorded before what stands there already, or come twice', async () => {
    const { tenant, memberId } = await newMember('2026-03-10T04:00:00Z');
    await purchase(tenant, memberId, '100.00');
    await tell(tenant, '2026-03-12T04:00:00Z');
    expect(await settle(tenant)).toBe(1);
    await tell(tenant, '2026-03-10T05:00:00Z');
    expect(await pointsOf(tenant, memberId)).toEqual([110, 0, 3]);
    await redeem(tenant, memberId, 105n);
    expect(await pointsOf(tenant, memberId)).toEqual([5, 0, 4]);
    await tell(tenant, '2026-03-12T05:00:00Z');
    expect(await settle(tenant)).toBe(0);
  });
});
