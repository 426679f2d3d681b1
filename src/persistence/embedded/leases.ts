import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/**
 * One empty file for each acquisition, named `<pid>.<birth>.<random>`. Everything is in the name, so a lease
 * exists whole or not at all, however its process ends.
 */
export interface Lease {
  readonly file: string;
}

export async function takeLease(control: string): Promise<Lease> {
  const folder = leaseFolder(control);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { pid, birth } = ownIdentity();
  const file = join(folder, `${pid}.${birth}.${randomBytes(6).toString('hex')}`);
  await writeFile(file, '', { flag: 'wx', mode: 0o600 });
  return { file };
}

export async function dropLease(lease: Lease): Promise<void> {
  await rm(lease.file, { force: true });
}

/** How many leases living processes hold; those of dead ones are removed. Call it under the lock. */
export async function sweepLeases(control: string): Promise<number> {
  const folder = leaseFolder(control);
  const names = await readdir(folder).catch(() => []);
  let living = 0;
  for (const name of names) {
    const holder = parseName(name);
    if (holder !== null && isAlive(holder)) living += 1;
    else await rm(join(folder, name), { force: true });
  }
  return living;
}

function parseName(name: string): ProcessIdentity | null {
  const match = /^(\d+)\.([^.]+)\.[0-9a-f]+$/.exec(name);
  return match ? { pid: Number(match[1]), birth: match[2] ?? '' } : null;
}

function leaseFolder(control: string): string {
  return join(control, 'leases');
}
