import type { Config } from '../config/index.ts';
import { acquireEmbeddedPostgres } from '../persistence/embedded/index.ts';
import { migrate } from '../persistence/index.ts';

/**
 * A fresh database fills quickly. Its tables are looked at often, so that plans fit their size soon; at few
 * of their rows, because nearly all is looked up by whole keys. Files of its log aren't filled with zeros
 * before they are written: a fresh one has none to use again, and would write all twice.
 */
const EMBEDDED_SETTINGS = {
  shared_buffers: '256MB',
  autovacuum_naptime: '15s',
  default_statistics_target: '30',
  wal_buffers: '16MB',
  wal_init_zero: 'off',
};

/** A database that is there and migrated. */
export interface OpenedDatabase {
  /** The app role's. */
  readonly appUrl: string;
  /** The owner role's, where it is known. */
  readonly adminUrl: string | null;
  /** Whether it is ours to keep: the embedded one, under DATA_DIR. */
  readonly embedded: boolean;
  release(): Promise<void>;
}

/**
 * The PostgreSQL of DATABASE_URL, or the embedded one. The embedded one is migrated here; another is when its
 * owner's address is known, and else by `membergraph migrate`.
 * @param tell hears one line for each step that takes a moment
 */
export async function openDatabase(config: Config, tell: (line: string) => void): Promise<OpenedDatabase> {
  const { databaseUrl, databaseAdminUrl, dataDir } = config;
  if (databaseUrl !== undefined) {
    if (databaseAdminUrl !== undefined) await migrate(databaseAdminUrl, databaseUrl);
    return {
      appUrl: databaseUrl,
      adminUrl: databaseAdminUrl ?? null,
      embedded: false,
      release: async () => undefined,
    };
  }
  const embedded = await acquireEmbeddedPostgres({
    dataDir,
    log: tell,
    settings: EMBEDDED_SETTINGS,
    keepRunning: true,
  });
  try {
    await migrate(embedded.adminUrl, embedded.appUrl);
  } catch (error) {
    await embedded.release();
    throw error;
  }
  const { appUrl, adminUrl } = embedded;
  return { appUrl, adminUrl, embedded: true, release: () => embedded.release() };
}
