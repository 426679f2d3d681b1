import type pg from 'pg';
import { firstHash, linkAll, linksOf } from '../../src/domain/audit/chain.policy.ts';
import { findContents } from '../../src/domain/audit/chain.repository.ts';
import { settleTenant } from '../../src/jobs/index.ts';
import { digestOf } from '../../src/persistence/idempotency.ts';
import { setClock, type TestTenant } from '../ledger/tenants.ts';
import { connect, furnishTenant, startApplication, type TestApplication } from '../persistence/furnished.ts';
import { findBreaches } from '../support/audit.ts';
import { migrated as migratedOf, partOf, takeBackSparseRows, textOf } from './migrated.ts';

// What migrations make of what was there: the books are taken back to the state before, and come out of it as
// they were.

let application: TestApplication;
let tea: TestTenant;
let owner: pg.Client;

beforeAll(async () => {
  application = await startApplication();
  tea = await furnishTenant(application, 'tea');
  owner = await connect(application.testDatabase.adminUrl);
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tea.tenantKey]);
  // Something has expired.
  await setClock(application, tea.tenantKey, '2040-01-01T04:00:00Z');
  await settleTenant(application.jobs, tea.tenantKey);
  await application.proof.seal(tea.tenantKey);
});

afterAll(async () => {
  await owner.end();
  await application.close();
});

/** Runs a migration on what `takeBack` leaves, and looks at what comes of it. */
const migrated = <Result>(
  takeBack: () => Promise<unknown>,
  migration: string,
  look: () => Promise<Result>,
): Promise<Result> => migratedOf(owner, tea.tenantKey, { takeBack, migration }, look);

const rowsOf = async (sql: string): Promise<Record<string, unknown>[]> =>
  (await owner.query<Record<string, unknown>>(sql)).rows;

describe('what was taken from lots is moved to the entries that took it', () => {
  const kept = async () => [
    await rowsOf('select lot_ids, taken, lost from entry order by ledger_id, version'),
    await rowsOf('select lot_id, lost from lot order by lot_id'),
    await rowsOf('select position from operation_chain order by position'),
  ];

  /** The table from before, as it was made, with what entries say now. */
  async function takeBack(): Promise<void> {
    await takeBackSparseRows(owner);
    await owner.query('drop view leg');
    await owner.query(await partOf('0001_house.sql', /create table allocation[^;]*;/));
    await owner.query(await partOf('0003_holds.sql', /alter table allocation[^;]*;/));
    await owner.query(await partOf('0007_stored_value.sql', /alter table allocation[^;]*;/));
    await owner.query(
      `insert into allocation
       select e.tenant_id, e.operation_id, e.ledger_id, u.lot_id, u.amount, e.recorded_at,
              coalesce(u.lost, 0), u.place - 1
         from entry e
        cross join lateral unnest(e.lot_ids, e.taken, e.lost) with ordinality
                     as u (lot_id, amount, lost, place)`,
    );
    await owner.query('alter table entry drop column lot_ids, drop column taken, drop column lost');
    await owner.query('alter table lot drop column lost');
  }

  it('with its order, and what of it time took', async () => {
    const before = await kept();
    expect(before[0]).toContainEqual(
      expect.objectContaining({ lost: expect.arrayContaining([expect.any(String)]) }),
    );
    expect(before[2]).not.toEqual([]);
    expect(await migrated(takeBack, await textOf('0017_taken_lots.sql'), kept)).toEqual(before);
  });

  it('as the oldest releases kept it, whose chain is to be sealed anew', async () => {
    const [entries, lots] = await kept();
    const asOldest = async () => {
      await takeBack();
      await owner.query('update allocation set place = null, expired = 0');
    };
    const after = await migrated(asOldest, await textOf('0017_taken_lots.sql'), kept);
    expect(after).toEqual([entries, lots, []]);
  });
});

it('carries what was sealed one by one over to runs', async () => {
  const { tenantKey } = tea;
  const sql = application.database.survey(tenantKey);
  const links = linkAll(firstHash(tenantKey), await findContents(sql, tenantKey, 0n, 5_000n));
  // The later half as if there were many more before.
  const far = (index: number): bigint => (index < links.length / 2 ? 0n : 1_000_000n);
  const takeBack = async () => {
    await owner.query('drop table operation_chain');
    await owner.query(await partOf('0004_legs.sql', /create table operation_chain[^;]*;/));
    for (const [index, { position, operationKey, hash }] of links.entries()) {
      const values = [tenantKey, position + far(index), operationKey, hash];
      await owner.query('insert into operation_chain values ($1, $2, $3, $4)', values);
    }
  };
  const rows = await migrated(takeBack, await textOf('0018_sealed_runs.sql'), async () => {
    const { rows: runs } = await owner.query('select * from operation_chain order by position');
    return runs;
  });
  expect(rows).toHaveLength(2);
  const carried = rows.flatMap(({ position, operation_ids, offsets, hashes }) =>
    linksOf({ position: BigInt(position), operationKeys: operation_ids, offsets, hashes }),
  );
  const last = [Math.ceil(links.length / 2) - 1, links.length - 1];
  expect(carried).toEqual(
    links.map(({ position, operationKey, hash }, index) => ({
      position: position + far(index),
      operationKey,
      hash: last.includes(index) ? hash : hash.subarray(0, 16),
    })),
  );
});

it('keeps what follows from a row out of it, and shows it as it was', async () => {
  const look = async () => ({
    entries: await rowsOf('select * from entry order by feed_position'),
    operations: await rowsOf('select * from operation order by operation_id'),
    legs: await rowsOf('select * from leg order by position, account'),
    stored: await rowsOf('select * from stored_entry order by feed_position'),
    lots: await rowsOf('select * from lot order by lot_id'),
    storedLots: await rowsOf('select * from stored_lot order by lot_id'),
    openLots: await rowsOf('select * from open_lot order by lot_id'),
    apart: await rowsOf('select * from stored_operation order by operation_id'),
    breaches: await findBreaches(owner),
    lifted: await rowsOf(
      `select relname from pg_class where relrowsecurity and not relforcerowsecurity
          and relnamespace = 'public'::regnamespace`,
    ),
  });
  const before = await look();
  expect([before.breaches, before.lifted]).toEqual([[], []]);
  // Some of each way to keep what was taken from lots, and of operations with one entry and with several.
  for (const kept of ['lot_id', 'lot_ids', 'lost', 'posted_delta', 'held_after', 'program_version'])
    expect(before.stored.filter((row) => row[kept] !== null)).not.toEqual([]);
  for (const kept of ['lost', 'created_at', 'matured_at'])
    expect(before.storedLots.filter((row) => row[kept] !== null)).not.toEqual([]);
  expect(before.openLots.filter(({ held }) => held !== '0')).not.toEqual([]);
  expect(before.openLots.length).toBeLessThan(before.storedLots.length);
  expect(before.apart).not.toEqual([]);
  const migration = [await textOf('0025_sparse_rows.sql'), await textOf('0028_open_lots.sql')].join('\n');
  const takeBack = async () => {
    await takeBackSparseRows(owner);
    await owner.query('drop table open_lot');
  };
  expect(await migrated(takeBack, migration, look)).toEqual(before);
});

it('finds a request again by the digest of its key', async () => {
  const [digest, uuid] = [
    await textOf('0025_sparse_rows.sql'),
    await partOf('0027_keys_of_operations.sql', /^update idempotency [^;]*;/m),
  ];
  const keys = async () => await rowsOf('select key, operation_id from idempotency order by created_at, key');
  const texts = new Map<unknown, unknown>();
  const takeBack = async () => {
    await takeBackSparseRows(owner);
    await owner.query(`update idempotency set key = 'order 订单 ' || key`);
    for (const { key, operation_id } of await keys()) texts.set(operation_id, digestOf(String(key)));
  };
  const unforced = 'alter table idempotency no force row level security;';
  const found = await migrated(takeBack, `${digest} ${unforced} ${uuid}`, keys);
  expect(found.length).toBeGreaterThan(1);
  for (const { key, operation_id } of found.filter((row) => row.operation_id !== null))
    expect(key).toBe(texts.get(operation_id));
});

it('keeps an operation apart that says something else than its entry', async () => {
  const look = async () =>
    await rowsOf(
      `select o.operation_id, o.reason, o.kind, o.versions from stored_operation o
         join stored_entry e using (tenant_id, operation_id) where e.program_version is null and e.version = 1`,
    );
  const takeBack = async () => {
    await takeBackSparseRows(owner);
    await owner.query(
      `update operation o set reason = 'told otherwise'
         from entry e where e.operation_id = o.operation_id and e.version = 1`,
    );
  };
  const found = await migrated(takeBack, await textOf('0025_sparse_rows.sql'), look);
  expect(found).toContainEqual(expect.objectContaining({ reason: 'told otherwise', versions: ['1'] }));
});
