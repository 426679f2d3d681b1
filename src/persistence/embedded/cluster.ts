import { randomUUID } from 'node:crypto';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import {
  APP_ROLE,
  type Credentials,
  DATABASE_NAME,
  newCredentials,
  OWNER_ROLE,
  SUPERUSER,
  saveCredentials,
} from './credentials.ts';
import { EmbeddedPostgresError } from './errors.ts';
import { type OsUser, runTool, type ToolRun } from './run-tool.ts';
import { hasCluster, type Site } from './site.ts';

const BUILDING = 'building-';

export interface ClusterOptions {
  readonly site: Site;
  readonly binaries: Binaries;
  readonly user: OsUser | undefined;
  readonly log: (message: string) => void;
}

/**
 * Creates the cluster with its roles and database, unless it is there. It is built under another name and
 * renamed last, so one that was interrupted is never taken for whole. Call it under the lock.
 */
export async function ensureCluster(options: ClusterOptions): Promise<void> {
  const { site, binaries } = options;
  if (await hasCluster(site)) {
    await assertSameMajor(site, binaries);
    return;
  }
  options.log(`creating the database cluster in ${site.cluster}`);
  await removeAbandoned(site);
  const name = `${BUILDING}${randomUUID()}`;
  const credentials = newCredentials();
  try {
    await initialise(options, name, credentials);
    await createRoles(options, name, credentials);
    // The passwords first: a cluster under its right name always has them.
    await saveCredentials(site.control, credentials);
    await rename(join(site.home, name), site.cluster);
  } finally {
    await removeAbandoned(site);
  }
  await hasCluster(site);
}

async function initialise(options: ClusterOptions, name: string, credentials: Credentials): Promise<void> {
  const { site, binaries, user } = options;
  const passwordFile = join(site.home, `${name}.password`);
  // 'wx' follows no link and the mode shuts others out, as the folder may belong to a user we don't trust.
  const handle = await open(passwordFile, 'wx', 0o600);
  try {
    await handle.writeFile(`${credentials.superuser}\n`);
    if (user !== undefined) await handle.chown(user.uid, user.gid);
  } finally {
    await handle.close();
  }
  const args = [
    ...['-D', join(site.home, name), '--username', SUPERUSER, '--pwfile', passwordFile],
    ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C'],
    // PostgreSQL's own C.UTF-8: it sorts and folds alike on every system.
    ...['--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
    ...['--set', 'timezone=UTC', '--set', 'log_timezone=UTC', '--no-sync', '--no-instructions'],
  ];
  failUnlessDone(await runTool(binaries.initdb, args, { runAs: user, cwd: site.home }), site);
}

/** In single-user mode, so that nothing listens before everybody has a password. */
async function createRoles(options: ClusterOptions, name: string, credentials: Credentials): Promise<void> {
  const { site, binaries, user } = options;
  const sql = [
    `CREATE ROLE ${OWNER_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS CREATEDB NOCREATEROLE NOREPLICATION ` +
      `PASSWORD '${credentials.owner}'`,
    `CREATE ROLE ${APP_ROLE} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION ` +
      `PASSWORD '${credentials.app}'`,
    `CREATE DATABASE ${DATABASE_NAME} OWNER ${OWNER_ROLE}`,
  ];
  const args = [
    ...['--single', '-D', join(site.home, name), '-c', 'exit_on_error=true'],
    // A statement that fails would otherwise be printed, with its password.
    ...['-c', 'log_min_error_statement=panic', '-c', 'fsync=off', 'postgres'],
  ];
  const input = `${sql.join('\n')}\n`;
  failUnlessDone(await runTool(binaries.postgres, args, { runAs: user, cwd: site.home, input }), site);
}

function failUnlessDone(run: ToolRun, site: Site): void {
  if (run.code === 0) return;
  const lines = run.output.split('\n').filter((line) => line.trim() !== '');
  const reason = lines.find((line) => /error|fatal|panic|could not/i.test(line)) ?? lines.at(-1);
  const mend = /shared (librar|object)|library not loaded/i.test(run.output)
    ? 'run `npm rebuild` without --ignore-scripts, which lays the links to its libraries'
    : `mend this, or set DATABASE_URL to a database of your own`;
  throw new EmbeddedPostgresError(
    `The database cluster could not be created in ${site.cluster} ` +
      `(${reason ?? 'a signal ended its creation'}); ${mend}.`,
    { cause: new Error(run.output) },
  );
}

/** What killed creations left. An initdb without its parent may still write there, hence the retries. */
async function removeAbandoned(site: Site): Promise<void> {
  for (const name of await readdir(site.home)) {
    if (!name.startsWith(BUILDING)) continue;
    const path = join(site.home, name);
    await rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 }).catch(() => {});
  }
}

async function assertSameMajor(site: Site, binaries: Binaries): Promise<void> {
  const major = (await readFile(join(site.cluster, 'PG_VERSION'), 'utf8')).trim();
  if (major === binaries.major) return;
  throw new EmbeddedPostgresError(
    `The database in ${site.cluster} was created by PostgreSQL ${major}, this is PostgreSQL ` +
      `${binaries.major}; dump it with the version of Membergraph that created it, ` +
      `and load it in a new DATA_DIR.`,
  );
}
