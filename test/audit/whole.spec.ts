import type pg from 'pg';
import { settleTenant } from '../../src/jobs/index.ts';
import { toPublicId } from '../../src/kernel/ids.ts';
import { definitionOf, exampleText } from '../ledger/programs.ts';
import { enrolMember, newTenant, setClock, type TestTenant } from '../ledger/tenants.ts';
import { connect, startApplication, type TestApplication } from '../persistence/furnished.ts';
import { auditLedgers } from '../support/audit.ts';

let application: TestApplication;
let tea: TestTenant;
let owner: pg.Client;
let made = 0;

beforeAll(async () => {
  application = await startApplication();
  const program = exampleText('demo').replace(
    /^( +)(expiry: \{ after: P12M.*)$/m,
    '$1transferable: true\n$1$2',
  );
  tea = await newTenant(application, 'tea', definitionOf(program));
  owner = await connect(application.testDatabase.adminUrl);
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tea.tenantKey]);
});

afterAll(async () => {
  await owner.end();
  await application.close();
});

const key = (): { idempotencyKey: string } => {
  made += 1;
  return { idempotencyKey: `act-${made}` };
};

/** Everything that can be done with points; answers a redemption that was not undone. */
async function everything(moment: string, members: readonly [string, string]): Promise<string> {
  const { ledgers, holds, reversals, transfers } = application.services;
  const [memberId, toMemberId] = members;
  const { ctx } = tea;
  await setClock(application, tea.tenantKey, moment);
  const points = (amount: bigint) => ({ ...key(), memberId, asset: 'points', amount });
  const undo = (operationKey: string, amount?: bigint) =>
    reversals.reverse(ctx, {
      ...key(),
      operationId: toPublicId('operation', operationKey),
      reason: 'a test',
      ...(amount === undefined ? {} : { amount }),
    });
  const earned = await ledgers.earn(ctx, points(100n));
  await ledgers.earn(ctx, points(40n));
  const spent = await ledgers.redeem(ctx, points(30n));
  await undo(spent.operationKey, 10n);
  await undo(spent.operationKey);
  await undo(earned.operationKey, 5n);
  const adjusted = await ledgers.adjust(ctx, { ...points(-9n), reason: 'a test' });
  await undo(adjusted.operationKey);
  const [first, second] = [await holds.hold(ctx, points(20n)), await holds.hold(ctx, points(15n))];
  const holdId = (one: typeof first): string => toPublicId('hold', one.hold.holdKey);
  await holds.capture(ctx, { ...key(), holdId: holdId(first), amount: 8n });
  const captured = await holds.capture(ctx, { ...key(), holdId: holdId(first), amount: 2n, final: true });
  await undo(captured.operation.operationKey);
  await holds.release(ctx, { ...key(), holdId: holdId(second) });
  await holds.hold(ctx, { ...points(6n), expiresIn: 'P1D' });
  const given = await transfers.transfer(ctx, {
    ...key(),
    fromMemberId: memberId,
    toMemberId,
    asset: 'points',
    amount: 12n,
  });
  await undo(given.operationKey, 4n);
  await application.proof.seal(tea.tenantKey);
  return (await ledgers.redeem(ctx, points(7n))).operationKey;
}

it('is proven through all that can be done with points, and through time', async () => {
  const members = [
    await enrolMember(application, tea, '1'),
    await enrolMember(application, tea, '2'),
  ] as const;
  const spent = await everything('2026-03-01T04:00:00Z', [...members]);
  await setClock(application, tea.tenantKey, '2026-03-03T04:00:00Z');
  await settleTenant(application.jobs, tea.tenantKey);
  await everything('2026-04-01T04:00:00Z', [...members]);
  await setClock(application, tea.tenantKey, '2029-04-01T04:00:00Z');
  await settleTenant(application.jobs, tea.tenantKey);
  // Its lots have expired meanwhile: what comes back is lost at once, in the same operation.
  const late = { ...key(), operationId: toPublicId('operation', spent), reason: 'a test' };
  const undone = await application.services.reversals.reverse(tea.ctx, late);
  const legs = await owner.query('select account, amount from leg where operation_id = $1 order by account', [
    undone.operation.operationKey,
  ]);
  expect(legs.rows).toEqual([
    { account: 'BREAKAGE', amount: '7' },
    { account: 'REDEEMED', amount: '-7' },
  ]);
  await application.proof.rollUp(tea.tenantKey, 'Asia/Shanghai');
  await application.proof.seal(tea.tenantKey);

  expect(await auditLedgers(application.testDatabase.adminUrl)).toEqual([]);
  const { rows } = await owner.query<{ kind: string; n: string }>(
    'select kind, count(*) as n from operation group by kind order by kind',
  );
  expect(rows.map(({ kind }) => kind)).toEqual(
    ['ADJUST', 'CAPTURE', 'EARN', 'EXPIRE', 'HOLD', 'REDEEM', 'RELEASE', 'REVERSE', 'TRANSFER'].sort(),
  );
  const { sealed, fault } = await application.proof.verify(tea.tenantKey);
  expect([sealed, fault]).toEqual([rows.reduce((sum, { n }) => sum + Number(n), 0), null]);
  const [points] = await application.services.audit.liabilities(tea.tenantKey, null);
  const held = await owner.query<{ sum: string }>(
    `select sum(posted + pending) as sum from ledger where asset = 'points'`,
  );
  expect(points).toMatchObject({
    asset: 'points',
    outstanding: BigInt(held.rows[0]?.sum ?? 0),
    transferred: 0n,
  });
  const { breaches } = await application.services.audit.rebuild(tea.tenantKey, null);
  expect(breaches.named).toEqual([]);
});
