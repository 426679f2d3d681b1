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
import type { Cleanup } from './cleanup.ts';
import { PRODUCT_FOLDER } from './folders.ts';

/** The product, opened in this process on a PostgreSQL of its own, with no gateway and no jobs beside it. */
export interface OpenedProduct {
  readonly application: Compose.Application;
  readonly owner: pg.Client;
  /** Of the tables' owner. */
  readonly ownerUrl: string;
  /** As the app role, bound by row-level security. */
  readonly appUrl: string;
  readonly tenantKey: string;
  /** Of the tenant's staff. */
  readonly apiKey: string;
  /** Where a gateway finds the same database. */
  readonly dataDir: string;
  readonly version: string;
}

/** An empty database. */
export interface OpenedPostgres {
  readonly dataDir: string;
  /** Of the tables' owner. */
  readonly adminUrl: string;
  readonly appUrl: string;
}

/** A PostgreSQL in a folder of its own, with nothing in it yet; both are removed in the end. */
export async function openPostgres(
  cleanup: Cleanup,
  settings: Record<string, string> = {},
): Promise<OpenedPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'membergraph-bench-'));
  cleanup.add(() => rm(dataDir, { recursive: true, force: true }));
  // As root, PostgreSQL runs as another user, who has to pass through here.
  await chmod(dataDir, 0o755);
  const embedded = (await productModule('persistence/embedded/index.js')) as typeof Embedded;
  cleanup.add(() => embedded.removeEmbeddedPostgres(dataDir));
  const { adminUrl, appUrl, release } = await embedded.acquireEmbeddedPostgres({ dataDir, settings });
  cleanup.add(release);
  return { dataDir, adminUrl, appUrl };
}

/** @param settings of PostgreSQL */
export async function openProduct(
  cleanup: Cleanup,
  settings?: Record<string, string>,
): Promise<OpenedProduct> {
  const { dataDir, adminUrl, appUrl } = await openPostgres(cleanup, settings);
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
  const { tenant, adminApiKey: apiKey } = await ensureDemoTenant(application, config);
  const owner = new pg.Client({ connectionString: adminUrl });
  await owner.connect();
  cleanup.add(() => owner.end());
  const tenantKey = (await application.services.tenants.findKeyByCode(tenant)) ?? '';
  const { rows } = await owner.query<{ server_version: string }>('show server_version');
  return {
    ...{ application, owner, ownerUrl: adminUrl, appUrl, tenantKey, apiKey, dataDir },
    version: rows[0]?.server_version ?? '?',
  };
}

export async function productModule(path: string): Promise<unknown> {
  return await import(pathToFileURL(join(PRODUCT_FOLDER, ...path.split('/'))).href);
}
