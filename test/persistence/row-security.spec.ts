import type pg from 'pg';
import type { TestTenant } from '../ledger/tenants.ts';
import { connect, furnishTenant, startApplication, type TestApplication } from './furnished.ts';

const NOBODY = '0190f3c4-5b6a-7def-8123-456789abcdef';
const INSUFFICIENT_PRIVILEGE = '42501';

let application: TestApplication;
let tea: TestTenant;
let books: TestTenant;
let app: pg.Client;
let tables: string[];

beforeAll(async () => {
  application = await startApplication();
  [tea, books] = [await furnishTenant(application, 'tea'), await furnishTenant(application, 'books')];
  app = await connect(application.testDatabase.appUrl);
  const { rows } = await app.query<{ name: string }>(
    `select table_name as name from information_schema.columns
       join information_schema.tables using (table_schema, table_name)
      where table_schema = 'public' and table_type = 'BASE TABLE' and column_name = 'tenant_id'
        and table_name <> 'tenant_directory'
      order by table_name`,
  );
  tables = rows.map(({ name }) => name);
});

afterAll(async () => {
  await app.end();
  await application.close();
});

async function as<Result>(tenantKey: string | null, act: () => Promise<Result>): Promise<Result> {
  await app.query('begin');
  try {
    if (tenantKey !== null) await app.query(`select set_config('app.tenant_id', $1, true)`, [tenantKey]);
    return await act();
  } finally {
    await app.query('rollback');
  }
}

/** The tenants whose rows a table shows. */
async function shownBy(table: string): Promise<string[]> {
  const { rows } = await app.query<{ tenant: string }>(
    `select distinct tenant_id::text as tenant from ${table} order by tenant`,
  );
  return rows.map(({ tenant }) => tenant);
}

/** What a change of every table comes to, by table: how many rows it changed, or PostgreSQL's code. */
async function outcomes(
  tenantKey: string | null,
  change: (table: string) => Promise<{ rowCount: number | null }>,
): Promise<Record<string, number | string | null>> {
  const found: Record<string, number | string | null> = {};
  for (const table of tables) {
    found[table] = await as(tenantKey, () => change(table)).then(
      ({ rowCount }) => rowCount,
      (error: { code: string }) => error.code,
    );
  }
  return found;
}

const everywhere = <Value>(value: Value): Record<string, Value> =>
  Object.fromEntries(tables.map((table) => [table, value]));

describe('row-level security', () => {
  it('is asked about every table, and each has rows of both tenants', async () => {
    const { rows } = await app.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public' order by tablename`,
    );
    const without = ['schema_migration', 'tenant_directory'];
    expect(tables).toEqual(rows.map(({ name }) => name).filter((name) => !without.includes(name)));
    for (const { tenantKey } of [tea, books])
      expect(await outcomes(tenantKey, (table) => app.query(`select 1 from ${table} limit 1`))).toEqual(
        everywhere(1),
      );
  });

  it('shows no row to a statement without a tenant', async () => {
    const count = (table: string) => app.query(`select 1 from ${table} limit 1`);
    expect(await outcomes(null, count)).toEqual(everywhere(0));
    // After a transaction that set it, the setting is an empty text and not NULL.
    await as(tea.tenantKey, () => app.query('select 1'));
    const { rows } = await app.query(`select current_setting('app.tenant_id', true) as tenant`);
    expect(rows).toEqual([{ tenant: '' }]);
    expect(await outcomes(null, count)).toEqual(everywhere(0));
  });

  it('shows a tenant its own rows and no others, even where it asks for them', async () => {
    for (const { tenantKey } of [tea, books]) {
      for (const table of tables)
        expect([table, await as(tenantKey, () => shownBy(table))]).toEqual([table, [tenantKey]]);
    }
    const foreign = (table: string) =>
      app.query(`select 1 from ${table} where tenant_id = $1`, [books.tenantKey]);
    expect(await outcomes(tea.tenantKey, foreign)).toEqual(everywhere(0));
  });

  it('holds of views as of their tables', async () => {
    const { rows } = await app.query<{ name: string }>(
      `select viewname as name from pg_views where schemaname = 'public' order by 1`,
    );
    expect(rows).toEqual([{ name: 'entry' }, { name: 'leg' }, { name: 'lot' }, { name: 'operation' }]);
    for (const { name } of rows) {
      for (const { tenantKey } of [tea, books])
        expect(await as(tenantKey, () => shownBy(name))).toEqual([tenantKey]);
      for (const nobody of [NOBODY, null]) expect(await as(nobody, () => shownBy(name))).toEqual([]);
    }
  });

  it('shows nothing to a tenant that there isn’t', async () => {
    expect(await outcomes(NOBODY, (table) => app.query(`select 1 from ${table} limit 1`))).toEqual(
      everywhere(0),
    );
  });

  it('refuses rows of another tenant, and rows without a tenant set', async () => {
    const rowsOf = new Map<string, Record<string, unknown>>();
    for (const table of tables) {
      const { rows } = await as(tea.tenantKey, () =>
        app.query<{ row: Record<string, unknown> }>(`select to_jsonb(t) as row from ${table} t limit 1`),
      );
      rowsOf.set(table, rows[0]?.row ?? {});
    }
    const insertFor = (tenantKey: string) => (table: string) =>
      app.query(`insert into ${table} select * from jsonb_populate_record(null::${table}, $1)`, [
        JSON.stringify({ ...rowsOf.get(table), tenant_id: tenantKey }),
      ]);
    expect(await outcomes(tea.tenantKey, insertFor(books.tenantKey))).toEqual(
      everywhere(INSUFFICIENT_PRIVILEGE),
    );
    expect(await outcomes(tea.tenantKey, insertFor(NOBODY))).toEqual(everywhere(INSUFFICIENT_PRIVILEGE));
    expect(await outcomes(null, insertFor(tea.tenantKey))).toEqual(everywhere(INSUFFICIENT_PRIVILEGE));
    // It is the tenant that is refused, not the row: in its own tenant the same row meets its twin.
    const UNIQUE_VIOLATION = '23505';
    expect(await outcomes(tea.tenantKey, insertFor(tea.tenantKey))).toEqual(everywhere(UNIQUE_VIOLATION));
  });

  it('lets nobody change another tenant’s rows, or give rows away', async () => {
    const { rows } = await app.query<{ name: string }>(
      `select name from unnest($1::text[]) as name where has_table_privilege(name, 'update')`,
      [tables],
    );
    const changeable = rows.map(({ name }) => name);
    const onlyChangeable = <Value>(value: Value) =>
      Object.fromEntries(
        tables.map((table) => [table, changeable.includes(table) ? value : INSUFFICIENT_PRIVILEGE]),
      );
    const touchForeign = (table: string) =>
      app.query(`update ${table} set tenant_id = tenant_id where tenant_id = $1`, [books.tenantKey]);
    expect(await outcomes(tea.tenantKey, touchForeign)).toEqual(onlyChangeable(0));
    expect(await outcomes(null, touchForeign)).toEqual(onlyChangeable(0));
    const giveAway = (table: string) => app.query(`update ${table} set tenant_id = $1`, [books.tenantKey]);
    expect(await outcomes(tea.tenantKey, giveAway)).toEqual(everywhere(INSUFFICIENT_PRIVILEGE));
  });

  it('can’t be switched off by the app role', async () => {
    await app.query('begin');
    try {
      await app.query('set local row_security = off');
      await expect(app.query('select * from member')).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
    } finally {
      await app.query('rollback');
    }
    for (const sql of ['alter table member disable row level security', 'drop policy own_tenant on member'])
      await expect(app.query(sql)).rejects.toMatchObject({ code: INSUFFICIENT_PRIVILEGE });
  });

  it('shows the key that a caller presents, and no other row', async () => {
    const { secret } = await application.services.tenants.createApiKey(tea.tenantKey, 'presented');
    const { rows } = await app.query<{ hash: string }>(`select encode(sha256($1), 'hex') as hash`, [
      Buffer.from(secret),
    ]);
    await app.query('begin');
    await app.query(`select set_config('app.api_key_hash', $1, true)`, [rows[0]?.hash]);
    const keys = await app.query('select label from api_key');
    const members = await app.query('select 1 from member');
    await app.query('rollback');
    expect(keys.rows).toEqual([{ label: 'presented' }]);
    expect(members.rows).toEqual([]);
  });
});

describe('the owner', () => {
  it('is bound by it like everybody else', async () => {
    const owner = await connect(application.testDatabase.adminUrl);
    try {
      for (const table of tables) {
        const { rows } = await owner.query(`select 1 from ${table} limit 1`);
        expect([table, rows]).toEqual([table, []]);
      }
    } finally {
      await owner.end();
    }
  });
});
