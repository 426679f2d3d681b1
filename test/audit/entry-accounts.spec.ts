import type pg from 'pg';
import { findContents } from '../../src/domain/audit/chain.repository.ts';
import { settleTenant } from '../../src/jobs/index.ts';
import { toPublicId } from '../../src/kernel/ids.ts';
import { definitionOf } from '../ledger/programs.ts';
import { enrolMember, newTenant, setClock, type TestTenant } from '../ledger/tenants.ts';
import { connect, startApplication, type TestApplication } from '../persistence/furnished.ts';
import { findBreaches } from '../support/audit.ts';
import { migrated, takeBackAccounts, textOf } from './migrated.ts';

// The program's own side was a table of its own once: books that were kept so come out of the upgrade as they are here.

const PROGRAM = `name: { en: Wallets }
timeZone: Europe/Berlin
currency: EUR
assets:
  - code: points
    kind: POINTS
    name: { en: Points }
    transferable: true
    expiry: { after: P12M }
  - code: wallet
    kind: STORED_VALUE
    name: { en: Wallet }
    transferable: true
    storedValue: { forfeitBonus: true }
rules: []`;

let application: TestApplication;
let tea: TestTenant;
let owner: pg.Client;
let made = 0;

beforeAll(async () => {
  application = await startApplication();
  tea = await newTenant(application, 'tea', definitionOf(PROGRAM));
  owner = await connect(application.testDatabase.adminUrl);
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tea.tenantKey]);
  await everything();
  await application.proof.rollUp(tea.tenantKey, 'UTC');
  await application.proof.seal(tea.tenantKey);
});

afterAll(async () => {
  await owner.end();
  await application.close();
});

const key = (): { idempotencyKey: string } => {
  made += 1;
  return { idempotencyKey: `act-${made}` };
};

/** Something of every kind that there is; part of it comes back when it has expired. */
async function everything(): Promise<void> {
  const { ledgers, holds, reversals, transfers, storedValue, memberMerges } = application.services;
  const { ctx, tenantKey } = tea;
  await setClock(application, tenantKey, '2026-03-01T04:00:00Z');
  const [memberId, toMemberId] = [
    await enrolMember(application, tea, '1'),
    await enrolMember(application, tea, '2'),
  ];
  const of = (amount: bigint, asset = 'points') => ({ ...key(), memberId, asset, amount });
  const undo = ({ operationKey }: { readonly operationKey: string }, amount?: bigint) =>
    reversals.reverse(ctx, {
      ...{ ...key(), operationId: toPublicId('operation', operationKey), reason: 'a test' },
      ...(amount === undefined ? {} : { amount }),
    });
  const given = async (amount: bigint, asset: string) =>
    await transfers.transfer(ctx, { ...of(amount, asset), fromMemberId: memberId, toMemberId });
  const earned = await ledgers.earn(ctx, of(100n));
  const spent = await ledgers.redeem(ctx, of(30n));
  await undo(spent, 10n);
  await undo(earned, 5n);
  await undo(await ledgers.adjust(ctx, { ...of(-9n), reason: 'a test' }));
  const { hold } = await holds.hold(ctx, of(20n));
  const holdId = toPublicId('hold', hold.holdKey);
  await undo((await holds.capture(ctx, { ...key(), holdId, amount: 8n })).operation);
  await holds.release(ctx, { ...key(), holdId });
  await holds.hold(ctx, { ...of(6n), expiresIn: 'P1D' });
  await undo(await given(12n, 'points'), 4n);
  await storedValue.topUp(ctx, { ...key(), memberId, asset: 'wallet', paid: 500n, bonus: 50n });
  await ledgers.redeem(ctx, of(70n, 'wallet'));
  await given(30n, 'wallet');
  const paidBack = await storedValue.payBack(ctx, of(100n, 'wallet'));
  await undo(paidBack, 40n);
  await application.proof.rollUp(tenantKey, 'UTC');
  await setClock(application, tenantKey, '2027-06-01T04:00:00Z');
  await settleTenant(application.jobs, tenantKey);
  await undo(spent);
  await memberMerges.merge(ctx, { ...key(), fromMemberId: memberId, intoMemberId: toMemberId });
}

const rowsOf = async (sql: string): Promise<Record<string, unknown>[]> =>
  (await owner.query<Record<string, unknown>>(sql)).rows;

const accounts = () => rowsOf('select account, kind from entry order by feed_position');

it('has entries in every account, and some in none', async () => {
  const found = (await accounts()).map(({ account, kind }) => `${kind} ${account}`);
  const expected = ['EARN I', 'REDEEM R', 'REDEEM P', 'CAPTURE R', 'ADJUST A', 'TRANSFER T', 'MERGE T'];
  const undone = ['I', 'R', 'P', 'A', 'T'].map((account) => `REVERSE ${account}`);
  const none = ['HOLD null', 'RELEASE null', 'EXPIRE null'];
  expect([...new Set(found)].sort()).toEqual([...expected, ...undone, ...none].sort());
  expect(await findBreaches(owner)).toEqual([]);
});

it('gives each entry the account of its legs, and empties the sums of days', async () => {
  const look = async () => ({
    accounts: await accounts(),
    legs: await rowsOf('select * from leg order by position, asset, account'),
    breaches: await findBreaches(owner),
    summed: await rowsOf('select position from leg_rollup where position > 0'),
    days: await rowsOf('select * from leg_day'),
    lifted: await rowsOf(
      `select relname from pg_class where relrowsecurity and not relforcerowsecurity
          and relnamespace = 'public'::regnamespace`,
    ),
  });
  const before = await look();
  expect([before.breaches, before.lifted]).toEqual([[], []]);
  expect(before.days).not.toEqual([]);
  const upgrade = {
    takeBack: () => takeBackAccounts(owner),
    migration: await textOf('0024_entry_accounts.sql'),
  };
  const after = await migrated(owner, tea.tenantKey, upgrade, look);
  expect(after).toEqual({ ...before, summed: [], days: [] });
});

it('is sealed in the words that it had when legs were rows', async () => {
  const { tenantKey } = tea;
  const takeBack = { takeBack: () => takeBackAccounts(owner), migration: 'select 1' };
  const rows = await migrated(owner, tenantKey, takeBack, () =>
    rowsOf(`select operation_id as key, array_agg(
                     json_build_array(position, asset, account, amount, recorded_at)::text) as texts
              from leg group by operation_id`),
  );
  const words = Object.fromEntries(rows.map(({ key: operation, texts }) => [operation, texts]));
  const sql = application.database.survey(tenantKey);
  // Pages of one entry: the others of an operation lie elsewhere.
  const { rows: feed } = await owner.query<{ place: string }>('select feed_position as place from entry');
  const pages = feed.map(({ place }) => findContents(sql, tenantKey, BigInt(place) - 1n, BigInt(place)));
  for (const contents of [
    await findContents(sql, tenantKey, 0n, 5_000n),
    (await Promise.all(pages)).flat(),
  ]) {
    const found = contents.filter(({ legs }) => legs.length > 0);
    expect(Object.fromEntries(found.map(({ operationKey, legs }) => [operationKey, legs]))).toEqual(
      Object.fromEntries(
        Object.entries(words).map(([operation, texts]) => [
          operation,
          expect.arrayContaining(texts as string[]),
        ]),
      ),
    );
    expect(found.flatMap(({ legs }) => legs)).toHaveLength(Object.values(words).flat().length);
  }
});
