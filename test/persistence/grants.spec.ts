import pg from 'pg';
import type { TestTenant } from '../ledger/tenants.ts';
import { connect, furnishTenant, startApplication, type TestApplication } from './furnished.ts';

const INSUFFICIENT_PRIVILEGE = '42501';

let application: TestApplication;
let tenant: TestTenant;
let app: pg.Client;

beforeAll(async () => {
  application = await startApplication();
  tenant = await furnishTenant(application, 'tea');
  app = await connect(application.testDatabase.appUrl);
  await app.query(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
});

afterAll(async () => {
  await app.end();
  await application.close();
});

/** What is never changed once written: the ledger's past, and what answers a replay. */
const IMMUTABLE = [
  'stored_entry',
  'stored_operation',
  'operation_chain',
  'activity',
  'idempotency',
  'program',
  'extension_revision',
  'extension_change',
  'extension_call',
  'call_seal',
];
const GROWING = [
  ...IMMUTABLE.filter((table) => !['extension_call', 'call_seal'].includes(table)),
  'extension',
  'ledger',
  'stored_lot',
  'hold',
  'member',
  'tenant',
  'tenant_feed',
  'api_key',
  'benefit_grant',
  'leg_day',
  'leg_rollup',
];

describe('the app role', () => {
  it.each(IMMUTABLE)('can’t change what stands in %s', async (table) => {
    const columns = await app.query<{ name: string }>(
      `select column_name as name from information_schema.columns where table_name = $1`,
      [table],
    );
    expect(columns.rows).not.toEqual([]);
    for (const { name } of columns.rows) {
      await expect(app.query(`update ${table} set ${name} = ${name}`)).rejects.toMatchObject({
        code: INSUFFICIENT_PRIVILEGE,
      });
    }
  });

  it.each([...GROWING, 'tenant_directory', 'schema_migration'])('can’t delete from %s', async (table) => {
    for (const sql of [`delete from ${table}`, `truncate ${table} cascade`])
      await expect(app.query(sql)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });

  it('can’t upsert its way around that', async () => {
    const sql = `insert into stored_entry select * from stored_entry
                 on conflict (tenant_id, ledger_id, version) do update set amount = 0`;
    await expect(app.query(sql)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });

  it.each([
    'create table mine (id int)',
    'create schema mine',
    'alter table stored_entry add column mine int',
    'drop table stored_entry',
    'create view mine as select 1',
    'create or replace view entry as select * from stored_entry',
    'update entry set amount = 0',
    'delete from stored_operation',
    'delete from entry',
    'create trigger mine before insert on stored_entry execute function suppress_redundant_updates_trigger()',
    'drop function business_time()',
    `insert into schema_migration (name, executed_at) values ('9999_mine', now())`,
    'drop schema graphile_worker cascade',
    'create table graphile_worker.mine (id int)',
    'truncate graphile_worker._private_jobs',
    'insert into graphile_worker.migrations (id) values (999999)',
  ])('can’t: %s', async (sql) => {
    await expect(app.query(sql)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });

  it('can’t become the owner', async () => {
    const owner = pg.escapeIdentifier(new URL(application.testDatabase.adminUrl).username);
    await expect(app.query(`set role ${owner}`)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });

  it('can’t give rights to anybody, itself included', async () => {
    await app.query('grant update on entry to public');
    const { rows } = await app.query(`select has_table_privilege('entry', 'update') as may`);
    expect(rows).toEqual([{ may: false }]);
  });
});
