import { cpus } from 'node:os';
import type pg from 'pg';
import { cpuBetween, readCpu } from '../cpu.ts';
import { percentile } from '../load/job.ts';
import type { Options } from '../options.ts';
import { median } from '../report.ts';

/** What was done in one go. */
export interface Pressed {
  readonly completed: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Slice extends Pressed {
  readonly effort: Effort;
}

/** What it took: cores that were busy on the average, and transactions that wrote. */
export interface Effort {
  readonly serverCores: number;
  readonly databaseCores: number;
  readonly idleCores: number;
  readonly commits: number;
  readonly elapsedMs: number;
}

export interface Contender {
  readonly name: string;
  /** The process that serves; this one, when it is called here. */
  readonly pid: number;
  /** Of the database that it writes to. */
  readonly owner: pg.Client;
  press(seconds: number): Promise<Pressed>;
}

/** The slices of each contender by its name, in the order of the rounds. */
export type Result = ReadonlyMap<string, readonly Slice[]>;

type Times = Pick<Options, 'rounds' | 'seconds' | 'warmUp'>;

/** Contenders take turns, after a warm-up; another one begins each round. */
export async function contest(
  title: string,
  contenders: readonly Contender[],
  { rounds, seconds, warmUp }: Times,
): Promise<Result> {
  for (const one of contenders) await one.press(warmUp);
  const result = new Map<string, Slice[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const first = round % contenders.length;
    for (const one of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      const slice = await pressWatched(one, seconds);
      result.get(one.name)?.push(slice);
      const rate = (slice.completed / slice.seconds).toFixed(0);
      process.stderr.write(`${title}: ${one.name.padEnd(24)} ${rate}/s, p50 ${slice.p50Ms.toFixed(1)} ms\n`);
    }
  }
  return result;
}

export async function pressWatched({ pid, owner, press }: Contender, seconds: number): Promise<Slice> {
  const [cpuBefore, xidBefore, idleBefore] = [await readCpu(pid, owner), await nextXid(owner), idleMs()];
  const startedAt = performance.now();
  const pressed = await press(seconds);
  const elapsedMs = performance.now() - startedAt;
  const idleCores = (idleMs() - idleBefore) / elapsedMs;
  const cpu = cpuBetween(cpuBefore, await readCpu(pid, owner));
  const commits = Number((await nextXid(owner)) - xidBefore);
  return {
    ...pressed,
    effort: {
      serverCores: (cpu?.serverMs ?? Number.NaN) / elapsedMs,
      databaseCores: (cpu?.databaseMs ?? Number.NaN) / elapsedMs,
      idleCores,
      commits,
      elapsedMs,
    },
  };
}

/** Only transactions that write have an id. */
export async function nextXid(owner: pg.Client): Promise<bigint> {
  const { rows } = await owner.query<{ next: string }>(
    'select pg_snapshot_xmax(pg_current_snapshot())::text as next',
  );
  return BigInt(rows[0]?.next ?? 0);
}

/** Of all cores together, since the machine was started. */
export function idleMs(): number {
  return cpus().reduce((sum, { times }) => sum + times.idle, 0);
}

/** Callers in this process, each with one call in flight. */
export async function pressCallers(
  callers: number,
  seconds: number,
  call: (caller: number) => Promise<unknown>,
): Promise<Pressed> {
  const latencies: number[] = [];
  const until = performance.now() + seconds * 1_000;
  const run = async (_: unknown, caller: number): Promise<void> => {
    while (performance.now() < until) {
      const startedAt = performance.now();
      await call(caller);
      const endedAt = performance.now();
      // What ends after the bell was cut short for the others: it counts for nobody.
      if (endedAt <= until) latencies.push(endedAt - startedAt);
    }
  };
  await Promise.all(Array.from({ length: callers }, run));
  return { seconds, ...summaryOf(latencies) };
}

/** Callers in this process that share out a number of things to do, each done once. */
export async function pressEach<Thing>(
  callers: number,
  things: readonly Thing[],
  call: (thing: Thing) => Promise<unknown>,
): Promise<Pressed> {
  const latencies: number[] = [];
  const open = things.values();
  const begunAt = performance.now();
  const run = async (): Promise<void> => {
    for (const thing of open) {
      const startedAt = performance.now();
      await call(thing);
      latencies.push(performance.now() - startedAt);
    }
  };
  await Promise.all(Array.from({ length: callers }, run));
  return { seconds: Math.max((performance.now() - begunAt) / 1_000, 0.001), ...summaryOf(latencies) };
}

function summaryOf(latencies: readonly number[]): Pick<Pressed, 'completed' | 'p50Ms' | 'p99Ms'> {
  const sorted = Float64Array.from(latencies).sort();
  return { completed: sorted.length, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
}

export function rateOf({ completed, seconds }: Pressed): number {
  return completed / seconds;
}

export function medianOf(slices: readonly Slice[], value: (slice: Slice) => number): number {
  return median(slices.map(value));
}

/** The median of what each round says by itself: what else the machine does changes between rounds. */
export function comparedBy(
  value: (slice: Slice) => number,
  ours: readonly Slice[],
  theirs: readonly Slice[],
): number {
  return median(
    ours.map((slice, round) => value(slice) / value(theirs[round] ?? { ...slice, completed: Number.NaN })),
  );
}

const BUSY = 0.85;

/** In a few words what a contender waits for: a process that is full, the whole machine, or neither. */
export function limitOf(slices: readonly Slice[], server: string): string {
  const share = (name: keyof Effort): number => medianOf(slices, ({ effort }) => effort[name]);
  const [serving, database, idle] = [share('serverCores'), share('databaseCores'), share('idleCores')];
  const commits = medianOf(slices, ({ effort, seconds }) => effort.commits / seconds);
  const each = medianOf(slices, ({ effort, completed }) => completed / Math.max(1, effort.commits));
  const what =
    serving >= BUSY
      ? `${server}'s processor time`
      : idle < cpus().length * (1 - BUSY)
        ? 'the processors, shared'
        : 'waits: locks, commits';
  const cores = `${server} ${serving.toFixed(2)}, database ${database.toFixed(2)}, idle ${idle.toFixed(2)}`;
  const written =
    commits < 1 ? '' : `; ${commits.toFixed(0)} commits/s of ${each.toFixed(each < 10 ? 1 : 0)}`;
  return `${what} (cores: ${cores}${written})`;
}
