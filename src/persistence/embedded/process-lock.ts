import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import { codeOf, EmbeddedPostgresError } from './errors.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/** Longer than creating a cluster or a crash recovery takes on a slow disk. */
const WAIT_MS = 300_000;

/**
 * When the library itself takes a lock for abandoned. Rarely what counts: a holder that died is known by its
 * pid and replaced at once; this covers one killed in the instant before it wrote its name.
 */
const STALE_MS = 20_000;

/** Runs the work while no other process (and no other caller of this one) holds the folder's lock. */
export async function withProcessLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const unlock = await takeLock(folder);
  try {
    return await work();
  } finally {
    await unlock();
  }
}

async function takeLock(folder: string): Promise<() => Promise<void>> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const unlock = await tryLock(folder);
    if (unlock !== null) return unlock;
    await breakLockOfDead(folder);
    if (Date.now() > deadline) {
      const holder = await readHolder(holderFile(folder));
      throw new EmbeddedPostgresError(
        `Process ${holder?.pid ?? '(unknown)'} has been starting or stopping the database of ${folder} ` +
          `for ${WAIT_MS / 1000} s; end it, then try again.`,
      );
    }
    await sleep(15 + Math.random() * 20);
  }
}

async function tryLock(folder: string): Promise<(() => Promise<void>) | null> {
  const release = await lock(folder, {
    lockfilePath: lockFolder(folder),
    realpath: false,
    stale: STALE_MS,
    // The work is short and safe to finish; throwing from a timer would end the process instead.
    onCompromised: () => {},
  }).catch((error: unknown) => {
    if (codeOf(error) === 'ELOCKED') return null;
    throw error;
  });
  if (release === null) return null;
  const unlock = async (): Promise<void> => {
    await rm(holderFile(folder), { force: true });
    // It fails only when the lock is no longer ours, and then there is nothing to give back.
    await release().catch(() => {});
  };
  try {
    await writeFile(holderFile(folder), JSON.stringify(ownIdentity()), { mode: 0o600 });
  } catch (error) {
    await unlock();
    throw error;
  }
  return unlock;
}

/**
 * Opens a lock whose holder was killed. Of several that saw the dead holder, only the one that moves its name
 * away may remove the lock; who moved the name of a newer, living holder puts it back.
 */
async function breakLockOfDead(folder: string): Promise<void> {
  const dead = await readHolder(holderFile(folder));
  if (dead === null || isAlive(dead)) return;
  const moved = `${holderFile(folder)}.${randomUUID()}`;
  try {
    await rename(holderFile(folder), moved);
  } catch {
    return;
  }
  const holder = await readHolder(moved);
  if (holder !== null && isAlive(holder)) {
    await rename(moved, holderFile(folder));
    return;
  }
  await rmdir(lockFolder(folder)).catch(() => {});
  await rm(moved, { force: true });
}

async function readHolder(file: string): Promise<ProcessIdentity | null> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const match = /^\{"pid":(\d+),"birth":"([^"]*)"\}$/.exec(text);
  return match ? { pid: Number(match[1]), birth: match[2] ?? '' } : null;
}

function lockFolder(folder: string): string {
  return join(folder, 'lock');
}

function holderFile(folder: string): string {
  return join(folder, 'lock-holder');
}
