import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import { v7 } from 'uuid';
import type * as Embedded from '../../src/persistence/embedded/index.ts';
import type { Cleanup } from './cleanup.ts';
import { PRODUCT_FOLDER, readBenchFile } from './folders.ts';
import { ledgerKeyOf } from './ids.ts';
import { type ServerProcess, startServer } from './processes.ts';

/** The database that all contenders share, with the gateway that made its tenant. */
export interface BenchDatabase {
  /** Of the tables' owner. Row-level security does not bind it here: it stands for life without tenancy. */
  readonly ownerUrl: string;
  /** Of the app role, bound by row-level security. */
  readonly appUrl: string;
  readonly owner: pg.Client;
  readonly gateway: ServerProcess;
  readonly apiKey: string;
  readonly tenantKey: string;
  readonly memberKeys: readonly string[];
  /** What the server calls itself, e.g. `18.4`. */
  readonly version: string;
}

/** Starts a PostgreSQL of our own and the real gateway on it, and fills it with members. */
export async function openDatabase(
  cleanup: Cleanup,
  options: { readonly members: number; readonly nodeArgs: readonly string[] },
): Promise<BenchDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), 'membergraph-bench-'));
  cleanup.add(() => rm(dataDir, { recursive: true, force: true }));
  // As root, PostgreSQL runs as another user, who has to pass through here.
  await chmod(dataDir, 0o755);
  const { acquireEmbeddedPostgres, removeEmbeddedPostgres } = await embeddedModule();
  cleanup.add(() => removeEmbeddedPostgres(dataDir));
  const { adminUrl, appUrl, release } = await acquireEmbeddedPostgres({ dataDir });
  cleanup.add(release);
  const gateway = await startServer(cleanup, {
    name: 'membergraph',
    args: [...options.nodeArgs, join(PRODUCT_FOLDER, 'main.js')],
    env: { DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn' },
    cwd: dataDir,
  });
  const owner = new pg.Client({ connectionString: adminUrl });
  await owner.connect();
  cleanup.add(() => owner.end());
  const credentials = await readCredentials(dataDir);
  const tenantKey = await tenantKeyOf(owner, credentials.tenant);
  const memberKeys = await seed(owner, tenantKey, options.members);
  const { rows } = await owner.query<{ server_version: string }>('show server_version');
  return {
    ...{ ownerUrl: adminUrl, appUrl, owner, gateway, apiKey: credentials.adminApiKey, tenantKey, memberKeys },
    version: rows[0]?.server_version ?? '?',
  };
}

async function embeddedModule(): Promise<typeof Embedded> {
  const path = pathToFileURL(join(PRODUCT_FOLDER, 'persistence', 'embedded', 'index.js')).href;
  return (await import(path)) as typeof Embedded;
}

async function readCredentials(dataDir: string): Promise<{ tenant: string; adminApiKey: string }> {
  const text = await readFile(join(dataDir, 'credentials.json'), 'utf8');
  return JSON.parse(text) as { tenant: string; adminApiKey: string };
}

async function tenantKeyOf(owner: pg.Client, code: string): Promise<string> {
  const { rows } = await owner.query<{ tenant_id: string }>(
    'select tenant_id from tenant_directory where code = $1',
    [code],
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`The gateway made no tenant "${code}".`);
  return row.tenant_id;
}

async function seed(owner: pg.Client, tenantKey: string, count: number): Promise<string[]> {
  process.stderr.write(`seeding ${count} members…\n`);
  const memberKeys = Array.from({ length: count }, () => v7());
  const ledgers = (asset: string): string[] => memberKeys.map((key) => ledgerKeyOf(key, asset));
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
  await owner.query('begin');
  await owner.query(`create temporary table seed on commit drop as
    select null::bigint as n, null::uuid as member_id, null::uuid as points_id, null::uuid as growth_id,
           null::uuid as token_id limit 0`);
  await owner.query(
    `insert into seed
     select place, member_id, points_id, growth_id, token_id
       from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) with ordinality
         as s (member_id, points_id, growth_id, token_id, place)`,
    [memberKeys, ledgers('points'), ledgers('growth'), ledgers('token')],
  );
  await owner.query(await readBenchFile('sql', 'seed.sql'));
  await owner.query('commit');
  await freeOwner(owner);
  await owner.query('vacuum (analyze)');
  return memberKeys;
}

/** Lets the owner past row-level security; the app role stays bound by it. */
export async function freeOwner(owner: pg.Client): Promise<void> {
  const { rows } = await owner.query<{ name: string }>(
    `select format('%I', relname) as name from pg_class
      where relnamespace = 'public'::regnamespace and relforcerowsecurity`,
  );
  for (const { name } of rows) await owner.query(`alter table ${name} no force row level security`);
}
