import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { withCleanup } from '../cleanup.ts';
import { openDatabase } from '../database.ts';
import { percentile } from '../load/job.ts';
import type { Options } from '../options.ts';
import { machineLine, median, print, tableOf } from '../report.ts';
import { openShop, type Shop, type ShopOptions, type WantedExtension } from './shop.ts';

const P50_RATIO = 1.1;
const P99_MORE_MS = 1;
/** What the tenant next door sends each second, whatever becomes of it. */
const NEXT_DOOR_PER_SECOND = 40;
/** Short slices and many of them: the machine's own moods last longer than a second, and fall out in the median. */
const SLICE_SECONDS = 1;
const SLICES_A_ROUND = 10;

/** Of a neighbour between two requests: what is measured is who is in the way, not a machine that is full. */
const PAUSE_MS = 10;

const RULE = `export default ({ activity }) => ({
  postings: [{ asset: 'points', amount: '3', reason: activity.type }],
});`;
/** A join of a list that long is never interrupted from inside the engine. */
const BOMB = `export default () => ({ postings: [new Array(1e9) + ''] });`;

/** Two states of the tenant next door, measured by turns. */
const STATES = [
  { name: 'its webhook hangs', calm: 'webhook-calm', wild: 'webhook-hangs' },
  { name: 'its code bombs', calm: 'sandbox-calm', wild: 'sandbox-bombs' },
] as const;

interface Neighbour {
  readonly name: string;
  readonly shop: Shop;
}

/** The neighbours' latencies of one slice, in milliseconds, sorted; by neighbour. */
type Slice = readonly Float64Array[];

/**
 * Measures what a tenant whose extension hangs or bombs costs the others: the same requests, beside the same
 * load next door, once with an extension that answers and once with the one that doesn't.
 */
export async function benchIsolation(options: Options): Promise<void> {
  await withCleanup(async (cleanup) => {
    const database = await openDatabase(cleanup, { members: 1, nodeArgs: [] });
    const worker = new Worker(new URL('./receiver.ts', import.meta.url));
    cleanup.add(() => worker.terminate());
    const [port] = (await once(worker, 'message')) as [number];
    const at = (path: string): WantedExtension => ({
      runtime: 'WEBHOOK',
      webhook: { url: `http://127.0.0.1:${port}/${path}` },
    });
    const code = (source: string): WantedExtension => ({ runtime: 'SANDBOX', sandbox: { code: source } });
    const open = (name: string, options: ShopOptions = {}): Promise<Shop> =>
      openShop(cleanup, database, name, options);
    const neighbours: Neighbour[] = [
      { name: 'without an extension', shop: await open('plain') },
      { name: 'with code of its own', shop: await open('coding', { extension: code(RULE) }) },
      { name: 'with a webhook of its own', shop: await open('hooked', { extension: at('hook') }) },
    ];
    const nextDoor = new Map([
      ['webhook-calm', await open('webhook-calm', { extension: at('hook') })],
      ['webhook-hangs', await open('webhook-hangs', { extension: at('hang'), onFailure: 'FAIL_OPEN' })],
      ['sandbox-calm', await open('sandbox-calm', { extension: code(RULE) })],
      ['sandbox-bombs', await open('sandbox-bombs', { extension: code(BOMB), onFailure: 'FAIL_OPEN' })],
    ]);
    const measured = new Map<string, Slice[]>([...nextDoor.keys()].map((name) => [name, []]));
    for (const shop of nextDoor.values()) await slice(neighbours, shop, options.warmUp);
    for (let round = 0; round < options.rounds * SLICES_A_ROUND; round += 1) {
      for (const [name, shop] of nextDoor) {
        process.stderr.write(`round ${round + 1}: ${name}…\n`);
        measured.get(name)?.push(await slice(neighbours, shop, SLICE_SECONDS));
      }
    }
    report(neighbours, measured, `${machineLine(database.version)}`, options);
  });
}

/** One request of each neighbour at a time, with a pause between, while the tenant next door sends on. */
async function slice(neighbours: readonly Neighbour[], nextDoor: Shop, seconds: number): Promise<Slice> {
  // Who failed too often has stepped back to SHADOW by itself; its load stays the same.
  await nextDoor.goLive();
  const until = performance.now() + seconds * 1_000;
  const sent: Promise<unknown>[] = [];
  const timer = setInterval(() => sent.push(nextDoor.buy()), 1_000 / NEXT_DOOR_PER_SECOND);
  try {
    return await Promise.all(
      neighbours.map(async ({ shop }) => {
        const own: number[] = [];
        while (performance.now() < until) {
          const startedAt = performance.now();
          await shop.buy();
          own.push(performance.now() - startedAt);
          await setTimeout(PAUSE_MS);
        }
        return Float64Array.from(own).sort();
      }),
    );
  } finally {
    clearInterval(timer);
    await Promise.allSettled(sent);
  }
}

function report(
  neighbours: readonly Neighbour[],
  measured: ReadonlyMap<string, readonly Slice[]>,
  machine: string,
  { rounds }: Options,
): void {
  const lines: string[][] = [];
  const bounds: string[] = [];
  for (const { name: state, calm, wild } of STATES) {
    const rows = [
      ...neighbours.map(({ name }, index) => ({ name, of: (one: Slice) => one[index] ?? EMPTY })),
      { name: 'all three', of: together },
    ];
    for (const { name, of } of rows) {
      const at = (who: string, share: number): number[] =>
        (measured.get(who) ?? []).map((one) => percentile(of(one), share));
      const [calm50, wild50, calm99, wild99] = [at(calm, 0.5), at(wild, 0.5), at(calm, 0.99), at(wild, 0.99)];
      const ratio = median(wild50.map((p50, round) => p50 / (calm50[round] ?? p50)));
      const more = median(wild99.map((p99, round) => p99 - (calm99[round] ?? p99)));
      const shown = [median(calm50), median(wild50), ratio, median(calm99), median(wild99), more];
      lines.push([state, name, ...shown.map((value) => value.toFixed(2))]);
      if (of !== together) continue;
      const holds = ratio <= P50_RATIO && more <= P99_MORE_MS;
      bounds.push(
        `bound: ${state}: the others’ p50 ≤ ${P50_RATIO}×, p99 ≤ +${P99_MORE_MS} ms: ${held(holds)}`,
      );
    }
  }
  const head = ['next door', 'a neighbour', 'p50 ms calm', 'p50 ms', '×', 'p99 ms calm', 'p99 ms', '+ms'];
  print([
    ...tableOf([head, ...lines], 2),
    '',
    ...bounds,
    '',
    `${NEXT_DOOR_PER_SECOND} requests/s next door; ${rounds * SLICES_A_ROUND} slices of ${SLICE_SECONDS} s each; ${machine}`,
  ]);
}

const EMPTY = new Float64Array(1);

function together(slices: Slice): Float64Array {
  return Float64Array.from(slices.flatMap((own) => [...own])).sort();
}

function held(holds: boolean): string {
  return holds ? 'held' : 'not held';
}
