import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/**
 * A process, told from a later one that got the same pid. `birth` is its start time in clock ticks with the
 * boot it belongs to; where the system does not tell, it is 'unknown' and the pid alone must do.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly birth: string;
}

const UNKNOWN_BIRTH = 'unknown';

/** When the process was born, or null when there is no such process (a zombie counts as none). */
export function birthOf(pid: number): string | null {
  if (process.platform === 'linux') {
    const stat = readOrNull(`/proc/${pid}/stat`);
    if (stat !== null) return birthInStat(stat);
    // Without an entry of our own /proc is not mounted, and says nothing about others.
    if (readOrNull('/proc/self/stat') !== null) return null;
  }
  try {
    process.kill(pid, 0);
    return UNKNOWN_BIRTH;
  } catch (error) {
    const refused = error instanceof Error && 'code' in error && error.code === 'EPERM';
    return refused ? UNKNOWN_BIRTH : null;
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return birthOf(identity.pid) === identity.birth;
}

export function ownIdentity(): ProcessIdentity {
  return { pid: process.pid, birth: birthOf(process.pid) ?? UNKNOWN_BIRTH };
}

/** The arguments a process was started with, or null when the system does not tell. */
export async function commandLineOf(pid: number): Promise<readonly string[] | null> {
  if (process.platform === 'win32') return null;
  if (process.platform === 'linux') {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
    return text === null ? null : text.split('\0');
  }
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'command=', '-p', String(pid)], (error, stdout) => {
      resolve(error === null ? [stdout.trim()] : null);
    });
  });
}

/** Field 2 is the program's name in parentheses and may hold anything, so we count from the last ')'. */
function birthInStat(stat: string): string | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTicks = fields[19];
  if (startTicks === undefined || state === 'Z' || state === 'X') return null;
  const bootId = readOrNull('/proc/sys/kernel/random/boot_id')?.slice(0, 8) ?? 'boot';
  return `${startTicks}-${bootId}`;
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
