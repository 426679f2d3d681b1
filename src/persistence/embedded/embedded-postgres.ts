import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { findBinaries } from './binaries.ts';
import { ensureCluster } from './cluster.ts';
import { APP_ROLE, databaseUrl, loadCredentials, OWNER_ROLE } from './credentials.ts';
import { codeOf, EmbeddedPostgresError, messageOf } from './errors.ts';
import { keep } from './keeper.ts';
import { dropLease, type Lease, sweepLeases, takeLease } from './leases.ts';
import { serverUser } from './os-user.ts';
import { withProcessLock } from './process-lock.ts';
import { ensureRunning, isRunning, type Server, stop } from './server.ts';
import { prepareControl, prepareSite, recordedSite } from './site.ts';

export interface EmbeddedDatabase {
  /** Owner role, for migrations. */
  readonly adminUrl: string;
  /** App role (owns nothing, cannot bypass row-level security), for everything else. */
  readonly appUrl: string;
  /** Leaves; the last of all users stops the server (fast shutdown) and waits for it. Idempotent. */
  release(): Promise<void>;
}

export interface EmbeddedOptions {
  /** DATA_DIR; everything is kept in its subfolder `postgres`. */
  readonly dataDir: string;
  /** One line of progress at a time ("creating the database cluster…"). */
  readonly log?: (message: string) => void;
  /** False trades safety against a power cut for speed, for tests. Counts when the server is started. */
  readonly durable?: boolean;
  /** Further postgresql settings, when the server is started. */
  readonly settings?: Record<string, string>;
  /** Whether a server that died is started again, where it was, for as long as it isn't released. */
  readonly keepRunning?: boolean;
}

const NOT_DURABLE = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/**
 * Joins the PostgreSQL of this DATA_DIR, creating and starting it where needed. It is shared: its process
 * belongs to nobody, and whoever leaves last stops it.
 * @throws EmbeddedPostgresError with one sentence that says what is wrong and how to mend it
 */
export async function acquireEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const log = options.log ?? (() => {});
  const settings = { ...(options.durable === false ? NOT_DURABLE : {}), ...options.settings };
  const control = await prepareControl(options.dataDir);
  assertSafeForShell(control);
  const join = async (): Promise<EmbeddedDatabase> => {
    const user = await serverUser(log);
    const binaries = await findBinaries(user, log);
    const site = await prepareSite(control, user, log);
    const server: Server = { site, binaries, user, log };
    await ensureCluster(server);
    const credentials = await loadCredentials(control);
    const port = await joinServer(server, () => ensureRunning(server, credentials, settings));
    const lease = await takeLease(control);
    const bringBack = async (): Promise<void> => {
      if (await isRunning(site)) return;
      await withProcessLock(control, () => ensureRunning(server, credentials, settings, port));
    };
    const keeper = options.keepRunning === true ? keep(bringBack, log) : undefined;
    let released: Promise<void> | undefined;
    const release = async (): Promise<void> => {
      await keeper?.stop();
      await leave(server, lease);
    };
    return {
      adminUrl: databaseUrl(OWNER_ROLE, credentials.owner, port),
      appUrl: databaseUrl(APP_ROLE, credentials.app, port),
      release: () => (released ??= release()),
    };
  };
  return withProcessLock(control, join).catch((error: unknown) => {
    throw explained(error, control);
  });
}

/**
 * Removes the database of a DATA_DIR with all its files, also those kept outside of it.
 * @throws EmbeddedPostgresError while somebody uses it
 */
export async function removeEmbeddedPostgres(dataDir: string): Promise<void> {
  const control = await prepareControl(dataDir);
  await withProcessLock(control, async () => {
    const users = await sweepLeases(control);
    if (users > 0) {
      throw new EmbeddedPostgresError(
        `The database of ${dataDir} is in use (${users} times); end the processes that use it first.`,
      );
    }
    const site = await recordedSite(control);
    if (site !== null) {
      const user = await serverUser(() => {});
      const binaries = await findBinaries(user, () => {});
      await stop({ site, binaries, user, log: () => {} });
      await rm(site.home, { recursive: true, force: true });
    }
    await rm(dirname(control), { recursive: true, force: true });
  });
}

/** A server that we cannot use and nobody else uses is not left running. */
async function joinServer(server: Server, run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if ((await sweepLeases(server.site.control)) === 0) await stop(server).catch(() => {});
    throw error;
  }
}

async function leave(server: Server, lease: Lease): Promise<void> {
  const { control } = server.site;
  const finish = async (): Promise<void> => {
    await dropLease(lease);
    if ((await sweepLeases(control)) === 0) await stop(server);
  };
  await withProcessLock(control, finish).catch(async (error: unknown) => {
    // Somebody has removed the whole DATA_DIR: there is nobody to agree with any more.
    if (codeOf(error) !== 'ENOENT') throw error;
    await stop(server);
  });
}

/** Whatever else the system says (no space, an input error) becomes a sentence too. */
function explained(error: unknown, control: string): EmbeddedPostgresError {
  if (error instanceof EmbeddedPostgresError) return error;
  return new EmbeddedPostgresError(
    `The embedded database of ${dirname(dirname(control))} could not be used (${messageOf(error)}); ` +
      `mend this, or set DATABASE_URL to a database of your own.`,
    { cause: error },
  );
}

/** pg_ctl puts the path between double quotes in a shell command. */
function assertSafeForShell(control: string): void {
  const unsafe = process.platform === 'win32' ? /["%\n]/ : /["$`\\\n]/;
  if (!unsafe.test(control)) return;
  throw new EmbeddedPostgresError(
    `The data folder ${dirname(dirname(control))} has a character in its path that PostgreSQL's start ` +
      `command cannot hold (one of " $ \` \\); set DATA_DIR to another folder.`,
  );
}
