import { createHash } from 'node:crypto';
import pg from 'pg';

/** The tables that a plugin brings. */
export interface OwnTables {
  /** The PostgreSQL schema that they stand in. */
  readonly schema: string;
  readonly migrations: readonly { readonly name: string; readonly sql: string }[];
}

interface Urls {
  readonly adminUrl: string;
  readonly appUrl: string;
}

const JOURNAL = '_migration';
/** Up to when each job did its work. It came later than the other tables of ours. */
const DONE = '_job';
const OWN_TENANT = `tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid`;

/** What of a plugin's schema breaks a rule, one line each; and nothing where all is well. */
const FIND_FAULTS = `
  with own as (
    select c.oid, c.relname, c.relkind,
           (select a.attnum from pg_attribute a
             where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull
               and a.atttypid = 'uuid'::regtype and not a.attisdropped) as tenant
      from pg_class c
     where c.relnamespace = to_regnamespace($1) and c.relname <> '${JOURNAL}'
       and c.relkind not in ('i', 'I', 't', 'S', 'c')),
  tables as (select * from own where relkind in ('r', 'p'))
  select 'the table "' || relname || '" has no column "tenant_id uuid not null"' as fault
    from tables where tenant is null
  union all
  select '"' || relname || '" is no table: nothing else can be kept apart by tenants'
    from own where relkind not in ('r', 'p')
  union all
  select 'the table "' || relname || '" has no primary key'
    from tables t where not exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary)
  union all
  select 'the key "' || i.indexrelid::regclass::text || '" of the table "' || relname ||
         '" does not begin with tenant_id'
    from tables t join pg_index i on i.indrelid = t.oid
   where i.indisunique and i.indkey[0] <> t.tenant
  union all
  select 'the foreign key "' || k.conname || '" of the table "' || relname ||
         '" does not begin with tenant_id, or leaves the plugin''s own tables'
    from tables t join pg_constraint k on k.conrelid = t.oid
   where k.contype = 'f'
     and (k.conkey[1] <> t.tenant or k.confrelid not in (select oid from tables))
  union all
  select 'the table "' || relname || '" has a trigger "' || g.tgname || '"'
    from tables t join pg_trigger g on g.tgrelid = t.oid where not g.tgisinternal
  union all
  select 'the table "' || relname || '" has a policy "' || p.polname || '" of its own'
    from tables t join pg_policy p on p.polrelid = t.oid where p.polname <> 'own_tenant'
  union all
  select '"' || proname || '" is a function' from pg_proc where pronamespace = to_regnamespace($1)
  order by 1`;

/**
 * Brings a plugin's tables to its newest migration, all in one transaction, and closes them between tenants.
 * @throws Error, one sentence without its subject, when a migration fails or leaves what isn't allowed
 */
export async function migrateOwnTables({ adminUrl, appUrl }: Urls, tables: OwnTables): Promise<string[]> {
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    await admin.query(`select pg_advisory_lock(hashtext('membergraph.migrate'))`);
    await admin.query('begin');
    const applied = await applyMigrations(admin, tables);
    await closeBetweenTenants(admin, tables.schema);
    await grantAppRole(admin, appUrl, tables.schema);
    await admin.query('commit');
    return applied;
  } finally {
    await admin.end();
  }
}

/** The names of a plugin's migrations that the database doesn't have, as the app role sees it. */
export async function missingOwnMigrations(
  appUrl: string,
  { schema, migrations }: OwnTables,
): Promise<string[]> {
  const client = new pg.Client({ connectionString: appUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(`select name from ${schema}.${JOURNAL}`);
    const there = new Set(rows.map(({ name }) => name));
    const done = await client.query<{ name: string | null }>('select to_regclass($1) as name', [
      `${schema}.${DONE}`,
    ]);
    const missing = migrations.map(({ name }) => name).filter((name) => !there.has(name));
    return done.rows[0]?.name === null ? [...missing, DONE] : missing;
  } catch (error) {
    if (!(error instanceof pg.DatabaseError)) throw error;
    return migrations.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

async function applyMigrations(admin: pg.Client, { schema, migrations }: OwnTables): Promise<string[]> {
  await admin.query(`create schema if not exists ${schema}`);
  await admin.query(
    `create table if not exists ${schema}.${JOURNAL} (
       name text primary key, digest text not null, applied_at timestamptz not null default now())`,
  );
  await admin.query(
    `create table if not exists ${schema}._place (
       tenant_id uuid not null, listener text not null, position bigint not null,
       primary key (tenant_id, listener))`,
  );
  await admin.query(
    `create table if not exists ${schema}.${DONE} (
       tenant_id uuid not null, job text not null, done_until timestamptz not null,
       primary key (tenant_id, job))`,
  );
  const { rows } = await admin.query<{ name: string; digest: string }>(
    `select name, digest from ${schema}.${JOURNAL}`,
  );
  const digests = new Map(rows.map(({ name, digest }) => [name, digest]));
  const applied: string[] = [];
  for (const { name, sql } of migrations) {
    const digest = createHash('sha256').update(sql).digest('hex');
    const before = digests.get(name);
    if (before === digest) continue;
    if (before !== undefined)
      throw new Error(
        `its migration "${name}" was changed after it had been applied: add a new one instead.`,
      );
    await applyOne(admin, schema, { name, sql });
    await admin.query(`insert into ${schema}.${JOURNAL} (name, digest) values ($1, $2)`, [name, digest]);
    applied.push(name);
  }
  return applied;
}

async function applyOne(
  admin: pg.Client,
  schema: string,
  { name, sql }: { readonly name: string; readonly sql: string },
): Promise<void> {
  const transaction = async (): Promise<string> =>
    (await admin.query<{ id: string }>('select pg_current_xact_id()::text as id')).rows[0]?.id ?? '';
  const before = await transaction();
  try {
    await admin.query(`select set_config('search_path', $1, true)`, [schema]);
    await admin.query(sql);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`its migration "${name}" fails: ${why}.`);
  }
  if ((await transaction()) !== before)
    throw new Error(`its migration "${name}" ends the transaction: leave that to the migrator.`);
}

async function closeBetweenTenants(admin: pg.Client, schema: string): Promise<void> {
  const { rows } = await admin.query<{ fault: string }>(FIND_FAULTS, [schema]);
  if (rows[0] !== undefined) throw new Error(`${rows.map(({ fault }) => fault).join(', and ')}.`);
  const open = await admin.query<{ name: string; hasPolicy: boolean }>(
    `select c.relname as name,
            exists (select from pg_policy p where p.polrelid = c.oid) as "hasPolicy"
       from pg_class c
      where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p') and c.relname <> '${JOURNAL}'`,
    [schema],
  );
  for (const { name, hasPolicy } of open.rows) {
    const table = `${schema}.${pg.escapeIdentifier(name)}`;
    await admin.query(`alter table ${table} enable row level security`);
    await admin.query(`alter table ${table} force row level security`);
    if (hasPolicy) await admin.query(`drop policy own_tenant on ${table}`);
    await admin.query(`create policy own_tenant on ${table} using (${OWN_TENANT})`);
  }
}

/** The app role works with the tables, and owns none of them. */
async function grantAppRole(admin: pg.Client, appUrl: string, schema: string): Promise<void> {
  const app = pg.escapeIdentifier(decodeURIComponent(new URL(appUrl).username));
  await admin.query(`grant usage on schema ${schema} to ${app}`);
  await admin.query(`grant select, insert, update, delete on all tables in schema ${schema} to ${app}`);
  await admin.query(`revoke insert, update, delete on ${schema}.${JOURNAL} from ${app}`);
  await admin.query(`grant usage on all sequences in schema ${schema} to ${app}`);
}
