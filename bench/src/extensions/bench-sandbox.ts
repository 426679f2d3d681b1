import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as EngineFile from '../../../src/plugin-host/runtimes/sandbox/engine.ts';
import type * as Sandbox from '../../../src/plugin-host/runtimes/sandbox/index.ts';
import type * as Engine from '../../../src/plugin-host/runtimes/sandbox/instance.ts';
import { PRODUCT_FOLDER } from '../folders.ts';
import { percentile } from '../load/job.ts';
import type { Options } from '../options.ts';
import { machineLine, median, print, tableOf } from '../report.ts';
import { INPUT, outputOf, scriptOf } from './scripts.ts';

const CALLS = 2_000;
const UPLOADS = 20;
const TENANTS = 1_000;
const THREADS = 2;
const CACHE_BYTES = 80 * 1_024 * 1_024;
const NOW = new Date('2026-11-20T08:30:00Z');

const WARM_LOOP_US = 60;
const WARM_REQUEST_US = 250;
const FIRST_CALL_MS = 50;
const RANDOM_P99_MS = 10;
const RSS_MB = 512;

type Ask = () => Promise<number> | number;

/** Measures the sandbox alone: no database, and nothing of the host that will ask it. */
export async function benchSandbox({ rounds }: Options): Promise<void> {
  const load = (file: string): Promise<unknown> =>
    import(pathToFileURL(join(PRODUCT_FOLDER, 'plugin-host/runtimes/sandbox', file)).href);
  const { SandboxInstance } = (await load('instance.js')) as typeof Engine;
  const { SandboxPool } = (await load('index.js')) as typeof Sandbox;
  const { compileEngine } = (await load('engine.js')) as typeof EngineFile;
  const loop = warmLoop(await SandboxInstance.open(await compileEngine(), CACHE_BYTES));
  const pool = await SandboxPool.open({ workers: THREADS });
  try {
    const parts = [
      await measure('warm call, in the loop', loop, rounds, CALLS),
      await measure('warm call, from the request', await warmRequest(pool), rounds, CALLS),
      await measure('first call after an upload', firstCall(pool), rounds, UPLOADS),
      await measure(`${TENANTS} tenants at random`, await tenantsAtRandom(pool), rounds, CALLS, THREADS),
    ];
    report(parts, rounds);
  } finally {
    await pool.close();
  }
}

function warmLoop(instance: Engine.SandboxInstance): Ask {
  const call = { tenantKey: 'tea-house', digest: 'warm', code: scriptOf(20), input: INPUT };
  return () => {
    const startedAt = performance.now();
    const { output } = instance.call({ ...call, remainingMs: 500, now: +NOW, seed: 1 });
    const ms = performance.now() - startedAt;
    check(output, 20);
    return ms;
  };
}

async function warmRequest(pool: Sandbox.SandboxPool): Promise<Ask> {
  const code = await compiled(pool, 'tea-house', 20);
  return async () => await timed(pool, 'tea-house', code, 20);
}

function firstCall(pool: Sandbox.SandboxPool): Ask {
  let bonus = 1_000_000;
  return async () => {
    bonus += 1;
    // As another thread than the one that checked it has to do: it has never seen this code.
    const code = { digest: `never-seen-${bonus}`, code: scriptOf(bonus) };
    return await timed(pool, `new-${bonus}`, code, bonus);
  };
}

async function tenantsAtRandom(pool: Sandbox.SandboxPool): Promise<Ask> {
  const codes: Engine.SandboxCode[] = [];
  for (let bonus = 0; bonus < TENANTS; bonus += 1) codes.push(await compiled(pool, `tenant-${bonus}`, bonus));
  return async () => {
    const bonus = Math.floor(Math.random() * TENANTS);
    const code = codes[bonus] as Engine.SandboxCode;
    return await timed(pool, `tenant-${bonus}`, code, bonus);
  };
}

async function compiled(pool: Sandbox.SandboxPool, tenantKey: string, bonus: number) {
  const answer = await pool.compile({ tenantKey, source: scriptOf(bonus), language: 'JAVASCRIPT' });
  if (answer.compiled === null) throw new Error(JSON.stringify(answer.findings));
  return answer.compiled;
}

async function timed(
  pool: Sandbox.SandboxPool,
  tenantKey: string,
  code: Engine.SandboxCode,
  bonus: number,
): Promise<number> {
  const startedAt = performance.now();
  const call = { ...code, tenantKey, input: INPUT, deadlineMs: 1_000, now: NOW, seed: 1 };
  const { output } = await pool.call(call);
  const ms = performance.now() - startedAt;
  check(output, bonus);
  return ms;
}

function check(output: string | null, bonus: number): void {
  if (output !== outputOf(bonus)) throw new Error(`The script with ${bonus} answered ${output}.`);
}

interface Part {
  readonly name: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rssMb: number;
}

/** Rounds after one to warm up; medians over the rounds. */
async function measure(name: string, ask: Ask, rounds: number, calls: number, callers = 1): Promise<Part> {
  process.stderr.write(`${name}…\n`);
  const slices: Float64Array[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const latencies: number[] = [];
    const caller = async (): Promise<void> => {
      while (latencies.length < calls) latencies.push(await ask());
    };
    await Promise.all(Array.from({ length: callers }, caller));
    if (round > 0) slices.push(Float64Array.from(latencies).sort());
  }
  const middle = (share: number): number => median(slices.map((slice) => percentile(slice, share)));
  return { name, p50Ms: middle(0.5), p99Ms: middle(0.99), rssMb: process.memoryUsage.rss() / 1_048_576 };
}

function report(parts: readonly Part[], rounds: number): void {
  const [loop, request, first, random] = parts as [Part, Part, Part, Part];
  const lines = parts.map(({ name, p50Ms, p99Ms, rssMb }) => [
    ...[name, (p50Ms * 1_000).toFixed(0), (p99Ms * 1_000).toFixed(0), rssMb.toFixed(0)],
  ]);
  const bound = (text: string, holds: boolean): string => `bound: ${text}: ${holds ? 'held' : 'not held'}`;
  print([
    ...tableOf([['the sandbox', 'p50 µs', 'p99 µs', 'RSS MB'], ...lines], 1),
    '',
    bound(`warm p50 in the loop < ${WARM_LOOP_US} µs`, loop.p50Ms * 1_000 < WARM_LOOP_US),
    bound(`warm p50 from the request < ${WARM_REQUEST_US} µs`, request.p50Ms * 1_000 < WARM_REQUEST_US),
    bound(`first call p99 < ${FIRST_CALL_MS} ms`, first.p99Ms < FIRST_CALL_MS),
    bound(`${TENANTS} tenants p99 < ${RANDOM_P99_MS} ms`, random.p99Ms < RANDOM_P99_MS),
    bound(`within ${RSS_MB} MB`, random.rssMb < RSS_MB),
    '',
    `${rounds} rounds of ${CALLS} calls (${UPLOADS} uploads), ${THREADS} threads; ${machineLine()}`,
  ]);
}
