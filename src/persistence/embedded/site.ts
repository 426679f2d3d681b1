import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { readIfExists, writePrivateFile } from './durable-file.ts';
import { codeOf, EmbeddedPostgresError, messageOf } from './errors.ts';
import { canUse, sharedShelf } from './os-user.ts';
import type { OsUser } from './run-tool.ts';

type Log = (message: string) => void;

/** Where one DATA_DIR keeps its database. */
export interface Site {
  /** Ours alone: passwords, leases, lock, placement. */
  readonly control: string;
  /** The server's own folder: its cluster and log. */
  readonly home: string;
  readonly cluster: string;
  readonly logFile: string;
}

const IN_DATA_DIR = 'server';

const placement = z.object({
  /** 'server' for the folder beside control, else an absolute path outside DATA_DIR. */
  home: z.string(),
  /** Set once the cluster has been there, so that losing it is an error and not a fresh database. */
  created: z.boolean(),
});

/** Makes the folders that must exist before the lock can be taken; answers `<dataDir>/postgres/control`. */
export async function prepareControl(dataDir: string): Promise<string> {
  const given = resolve(dataDir);
  try {
    await mkdir(given, { recursive: true });
    const root = join(await realpath(given), 'postgres');
    const isNew = (await mkdir(root, { recursive: true })) !== undefined;
    // The server may run as another user, who has to pass through here, whatever our umask.
    if (isNew) await chmod(root, 0o755);
    const control = join(root, 'control');
    await mkdir(control, { recursive: true, mode: 0o700 });
    await assertOurs(control, root);
    return control;
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error;
    throw new EmbeddedPostgresError(
      `The data folder ${given} cannot be used (${messageOf(error)}); ` +
        `give this user the right to write there, or set DATA_DIR to another folder.`,
      { cause: error },
    );
  }
}

/** Finds the recorded place of the server's files, or chooses and records one. Call it under the lock. */
export async function prepareSite(control: string, user: OsUser | undefined, log: Log): Promise<Site> {
  const recorded = await readPlacement(control);
  if (recorded === null) {
    const home = await chooseHome(control, user, log);
    await writePlacement(control, { home, created: false });
    return siteAt(control, home);
  }
  const site = siteAt(control, recorded.home);
  if (!(await isFolder(site.home))) {
    if (recorded.created) throw lostError(site);
    await makeHome(site.home, user);
  }
  await assertUsable(site.home, user);
  return site;
}

/** The recorded site without making or checking anything; null when there is none. */
export async function recordedSite(control: string): Promise<Site | null> {
  const recorded = await readPlacement(control);
  return recorded === null ? null : siteAt(control, recorded.home);
}

/** Whether the site has its cluster. One that was there and is gone is an error, never a fresh start. */
export async function hasCluster(site: Site): Promise<boolean> {
  const recorded = await readPlacement(site.control);
  const present = await isFolder(site.cluster);
  if (!present && recorded?.created) throw lostError(site);
  if (present && recorded?.created === false) {
    await writePlacement(site.control, { home: recorded.home, created: true });
  }
  return present;
}

async function chooseHome(control: string, user: OsUser | undefined, log: Log): Promise<string> {
  const inside = siteAt(control, IN_DATA_DIR).home;
  await makeHome(inside, user);
  if (user === undefined || (await canUse(user, inside, 'write'))) return IN_DATA_DIR;
  await rm(inside, { recursive: true });
  const shelf = await sharedShelf(user);
  const outside = join(shelf, `cluster-${randomBytes(8).toString('hex')}`);
  await mkdir(outside, { mode: 0o700 });
  await writeFile(join(outside, 'belongs-to'), `${control}\n`);
  await chown(outside, user.uid, user.gid);
  log(
    `the user ${user.name}, as whom PostgreSQL runs, cannot enter ${inside}, ` +
      `so the database's files are kept in ${outside}`,
  );
  return outside;
}

async function makeHome(home: string, user: OsUser | undefined): Promise<void> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  if (user !== undefined) await chown(home, user.uid, user.gid);
}

async function assertOurs(control: string, root: string): Promise<void> {
  const uid = process.getuid?.();
  const owner = (await stat(control)).uid;
  if (uid === undefined || owner === uid) return;
  const name = (id: number): string => (id === 0 ? 'root' : `the user with uid ${id}`);
  throw new EmbeddedPostgresError(
    `The database in ${root} was created by ${name(owner)} and cannot be run by ${name(uid)}; ` +
      `run as ${name(owner)}, or set DATA_DIR to another folder.`,
  );
}

async function assertUsable(home: string, user: OsUser | undefined): Promise<void> {
  if (user === undefined) return;
  const owner = (await stat(home)).uid;
  if (owner !== user.uid) {
    throw new EmbeddedPostgresError(
      `The database's files in ${home} belong to uid ${owner}, but PostgreSQL runs as ${user.name} ` +
        `(uid ${user.uid}); run \`chown -R ${user.name} ${home}\`.`,
    );
  }
  if (await canUse(user, home, 'write')) return;
  throw new EmbeddedPostgresError(
    `The user ${user.name}, as whom PostgreSQL runs, can no longer enter ${home}; ` +
      `allow others to pass through its parent folders (chmod o+x).`,
  );
}

function siteAt(control: string, home: string): Site {
  const path = isAbsolute(home) ? home : join(control, '..', home);
  return { control, home: path, cluster: join(path, 'cluster'), logFile: join(path, 'server.log') };
}

function lostError(site: Site): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The database's files were kept in ${site.cluster}, which is gone; restore it from a backup, ` +
      `or remove ${join(site.control, '..')} to begin with an empty database.`,
  );
}

async function readPlacement(control: string): Promise<z.infer<typeof placement> | null> {
  const text = await readIfExists(placementFile(control));
  if (text === null) return null;
  try {
    return placement.parse(JSON.parse(text));
  } catch (error) {
    throw new EmbeddedPostgresError(
      `${placementFile(control)}, which says where the database's files are, cannot be read; ` +
        `restore it from a backup.`,
      { cause: error },
    );
  }
}

async function writePlacement(control: string, value: z.infer<typeof placement>): Promise<void> {
  await writePrivateFile(placementFile(control), `${JSON.stringify(value)}\n`);
}

function placementFile(control: string): string {
  return join(control, 'placement.json');
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path)
    .then((s) => s.isDirectory())
    .catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
      throw error;
    });
}
