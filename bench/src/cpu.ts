import { readFile } from 'node:fs/promises';
import type pg from 'pg';

/** Linux counts processor time in hundredths of a second. */
const MS_A_TICK = 10;

/** Processor time in milliseconds that processes have used so far. */
export interface CpuReading {
  readonly serverMs: number;
  /** By process id: those of connections come and go. */
  readonly databaseMs: ReadonlyMap<number, number>;
}

export interface CpuTime {
  readonly serverMs: number;
  readonly databaseMs: number;
}

/**
 * Reads what the operating system has counted. On a machine where other work goes on, and where the load
 * shares the cores, time per request says more than requests per second.
 * @returns null where there is no /proc
 */
export async function readCpu(serverPid: number, owner: pg.Client): Promise<CpuReading | null> {
  const serverMs = await usedBy(serverPid);
  if (serverMs === null) return null;
  const { rows } = await owner.query<{ pid: number }>(
    'select pid from pg_stat_activity where datname = current_database()',
  );
  const databaseMs = new Map<number, number>();
  for (const { pid } of rows) databaseMs.set(pid, (await usedBy(pid)) ?? 0);
  return { serverMs, databaseMs };
}

/** What was used between two readings; null when there are none. */
export function cpuBetween(before: CpuReading | null, after: CpuReading | null): CpuTime | null {
  if (before === null || after === null) return null;
  let databaseMs = 0;
  for (const [pid, ms] of after.databaseMs) databaseMs += ms - (before.databaseMs.get(pid) ?? 0);
  return { serverMs: after.serverMs - before.serverMs, databaseMs };
}

async function usedBy(pid: number): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // The command's name comes second, in brackets, and may hold anything; user and system time, 14th and 15th.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * MS_A_TICK;
}
