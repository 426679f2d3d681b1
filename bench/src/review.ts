import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import type * as Boot from '../../src/boot/index.ts';
import type * as Compose from '../../src/compose.ts';
import type * as ConfigModule from '../../src/config/index.ts';
import type * as Embedded from '../../src/persistence/embedded/index.ts';
import type * as Persistence from '../../src/persistence/index.ts';
import { type Cleanup, withCleanup } from './cleanup.ts';
import { PRODUCT_FOLDER, readBenchFile } from './folders.ts';
import type { Options } from './options.ts';
import { machineLine, print } from './report.ts';

/** The product, opened in this process on a PostgreSQL of its own, with no gateway and no jobs beside it. */
interface Opened {
  readonly application: Compose.Application;
  readonly owner: pg.Client;
  readonly tenantKey: string;
  readonly version: string;
}

/** Measures the daily review of many members, with a year of what they did. */
export async function benchReview({ members }: Options): Promise<void> {
  await withCleanup(async (cleanup) => {
    const { application, owner, tenantKey, version } = await open(cleanup);
    process.stderr.write(`filling in ${members} members…\n`);
    await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
    await owner.query(`select set_config('bench.members', $1, false)`, [String(members)]);
    await owner.query(await readBenchFile('sql', 'review.sql'));
    await owner.query('vacuum (analyze)');
    await owner.query('checkpoint').catch(() => undefined);
    process.stderr.write('reviewing…\n');
    const lines: string[] = [];
    for (const what of ['of a day', 'once more', 'two years later']) {
      if (what === 'two years later') await owner.query(`update tenant set clock_offset = '2 years'`);
      const startedAt = performance.now();
      const { reviewed, changed } = await application.jobs.tiers.review(tenantKey);
      const seconds = (performance.now() - startedAt) / 1_000;
      const rate = (reviewed / seconds).toFixed(0);
      lines.push(
        `review ${what}: ${reviewed} members in ${seconds.toFixed(1)} s, ${rate}/s, ${changed} changed`,
      );
    }
    print([...lines, '', `${await sizeOf(owner)}; ${machineLine(version)}`]);
  });
}

async function open(cleanup: Cleanup): Promise<Opened> {
  const dataDir = await mkdtemp(join(tmpdir(), 'membergraph-bench-'));
  cleanup.add(() => rm(dataDir, { recursive: true, force: true }));
  // As root, PostgreSQL runs as another user, who has to pass through here.
  await chmod(dataDir, 0o755);
  const embedded = (await productModule('persistence/embedded/index.js')) as typeof Embedded;
  cleanup.add(() => embedded.removeEmbeddedPostgres(dataDir));
  const { adminUrl, appUrl, release } = await embedded.acquireEmbeddedPostgres({ dataDir });
  cleanup.add(release);
  const { migrate } = (await productModule('persistence/index.js')) as typeof Persistence;
  await migrate(adminUrl, appUrl);
  // Decorators need the metadata that the schema's module brings.
  await productModule('gateway/schema.js');
  const { loadConfig } = (await productModule('config/index.js')) as typeof ConfigModule;
  const { composeApplication, createLogger } = (await productModule('compose.js')) as typeof Compose;
  const { ensureDemoTenant } = (await productModule('boot/index.js')) as typeof Boot;
  const config = loadConfig({ DATA_DIR: dataDir, LOG_LEVEL: 'warn' }, '');
  const logger = createLogger('warn');
  const application = await composeApplication({ config, databaseUrl: appUrl, plugins: [], logger });
  cleanup.add(() => application.close());
  const { tenant } = await ensureDemoTenant(application, config);
  const owner = new pg.Client({ connectionString: adminUrl });
  await owner.connect();
  cleanup.add(() => owner.end());
  const tenantKey = (await application.services.tenants.findKeyByCode(tenant)) ?? '';
  const { rows } = await owner.query<{ server_version: string }>('show server_version');
  return { application, owner, tenantKey, version: rows[0]?.server_version ?? '?' };
}

async function productModule(path: string): Promise<unknown> {
  return await import(pathToFileURL(join(PRODUCT_FOLDER, ...path.split('/'))).href);
}

async function sizeOf(owner: pg.Client): Promise<string> {
  const { rows } = await owner.query<{ days: string; tiers: string }>(
    `select (select count(*) from metric_day) as days,
            (select string_agg(coalesce(tier, 'none') || ' ' || members, ', ' order by members desc)
               from (select tier, count(*) as members from member_tier group by tier) t) as tiers`,
  );
  return `${rows[0]?.days ?? '?'} rows of days; ${rows[0]?.tiers ?? '?'}`;
}
