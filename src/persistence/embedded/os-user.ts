import { chmod, lstat, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EmbeddedPostgresError, messageOf } from './errors.ts';
import { type OsUser, runTool } from './run-tool.ts';

const USER_NAME = 'postgres';

/**
 * Folders of root's that everybody may enter. /var/tmp comes last: some systems remove what nobody touched
 * there for a month.
 */
const SHELF_PARENTS = ['/var/lib', '/var/tmp'];
const SHELF_NAME = 'membergraph-postgres';

type Log = (message: string) => void;

/** PostgreSQL refuses to run as root: then it is another user, found or created; otherwise undefined. */
export async function serverUser(log: Log, name = USER_NAME): Promise<OsUser | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const found = await lookUp(name);
  if (found) return found;
  log(`creating the operating system user ${name}, since PostgreSQL does not run as root`);
  const problem = await createUser(name);
  // Another process may have created it meanwhile, so only looking again decides.
  const created = await lookUp(name);
  if (created) return created;
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root and the user ${name} could not be created (${problem}); ` +
      `create it, run as an ordinary user, or set DATABASE_URL to a database of your own.`,
  );
}

/** Whether that user can really enter (and write) the folder, asked of a process that runs as it. */
export async function canUse(user: OsUser, folder: string, right: 'enter' | 'write'): Promise<boolean> {
  const test = right === 'write' ? 'cd -- "$1" && test -w .' : 'cd -- "$1"';
  const run = await runTool('/bin/sh', ['-c', test, 'sh', folder], { runAs: user });
  return run.code === 0;
}

/** A folder that belongs to root, that nobody else can write, and that the user can enter. */
export async function sharedShelf(user: OsUser): Promise<string> {
  const problems: string[] = [];
  for (const parent of SHELF_PARENTS) {
    const shelf = join(parent, SHELF_NAME);
    try {
      await mkdir(shelf, { mode: 0o755 }).then(
        () => chmod(shelf, 0o755),
        (error: unknown) => assertExists(shelf, error),
      );
      await assertOnlyRootWrites(shelf);
      if (await canUse(user, shelf, 'enter')) return shelf;
      problems.push(`${user.name} cannot enter ${shelf}`);
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  throw new EmbeddedPostgresError(
    `No place found for files that the user ${user.name} must reach (${problems.join('; ')}); ` +
      `mend one of these, or run as an ordinary user.`,
  );
}

/** Refuses a folder (or a link in its place) that somebody else has made or could change. */
export async function assertOnlyRootWrites(folder: string): Promise<void> {
  const stat = await lstat(folder);
  if (stat.isDirectory() && stat.uid === 0 && (stat.mode & 0o022) === 0) return;
  throw new EmbeddedPostgresError(
    `${folder} is not a folder that only root can write, so what it holds is not trusted; remove it.`,
  );
}

async function assertExists(folder: string, error: unknown): Promise<void> {
  await lstat(folder).catch(() => {
    throw error;
  });
}

async function lookUp(name: string): Promise<OsUser | undefined> {
  const [uid, gid] = await Promise.all([runTool('id', ['-u', name]), runTool('id', ['-g', name])]);
  if (uid.code !== 0 || gid.code !== 0) return undefined;
  return { name, uid: Number(uid.output), gid: Number(gid.output) };
}

/** Most systems have useradd; busybox has adduser. Returns what the last attempt said. */
async function createUser(name: string): Promise<string> {
  await runTool('groupadd', ['--system', name]);
  const useradd = ['--system', '--gid', name, '--no-create-home', '--shell', '/bin/false', name];
  const first = await runTool('useradd', useradd);
  if (first.code === 0) return '';
  await runTool('addgroup', ['-S', name]);
  const second = await runTool('adduser', ['-S', '-D', '-H', '-G', name, '-s', '/bin/false', name]);
  return second.code === 0 ? '' : first.output;
}
