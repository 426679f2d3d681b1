import { join } from 'node:path';
import type { Cleanup } from '../cleanup.ts';
import { profileArgs } from '../contenders/contenders.ts';
import { BENCH_FOLDER } from '../folders.ts';
import type { BenchMember } from '../ledger/bed.ts';
import {
  type Contender,
  comparedBy,
  contest,
  limitOf,
  medianOf,
  type Pressed,
  rateOf,
  type Slice,
} from '../ledger/contest.ts';
import { type Aim, spellAim, spellRatio } from '../ledger/table.ts';
import type { Options } from '../options.ts';
import { type ServerProcess, startServer } from '../processes.ts';
import { tableOf } from '../report.ts';
import { type LiveBed, type LiveGateway, openGateway } from './bed.ts';
import { assertHeard, type Listeners, msBetween } from './crowd.ts';
import type { Heard, ListenerOptions } from './orders.ts';

const LISTENERS = 2_000;
/** Events of a press: each goes to every listener. */
const EVENTS = 50;
const PRODUCT = 'membergraph';
const FLOOR = 'bare ws';
/** The same, where all events are there at once: of one commit, or in one request. */
const [PRODUCT_AT_ONCE, FLOOR_AT_ONCE] = ['membergraph, all at once', 'bare ws, all at once'];
/** As that, and what goes to a socket leaves in one write: as much as `ws` can be made to do. */
const FLOOR_GATHERED = 'bare ws, gathered';
const AIM: Aim = { is: '≥', value: 0.75 };

/** One tenant's events to listeners who asked for the same, beside a broadcast of the same bytes. */
export async function benchFanOut(cleanup: Cleanup, bed: LiveBed, options: Options): Promise<string[]> {
  const gateway = await openGateway(cleanup, bed, 'fan-out', options);
  const floor = await startServer(cleanup, {
    name: FLOOR,
    args: [
      ...profileArgs('live-bare-ws', options.profile),
      join(BENCH_FOLDER, 'src', 'live', 'broadcast-server.ts'),
    ],
    env: {},
    cwd: BENCH_FOLDER,
  });
  const earning = bed.members.slice(0, EVENTS);
  const texts = await openListeners(bed, gateway, floor, earning);
  const each = async (): Promise<void> => {
    for (const member of earning) await gateway.creditOne(member, 'bench');
  };
  const contenders: Contender[] = [
    contenderOver(bed, PRODUCT, PRODUCT, gateway.pid, each),
    contenderOver(bed, FLOOR, FLOOR, floor.pid, async () => {
      for (const text of texts) await broadcast(floor, [text]);
    }),
    contenderOver(bed, PRODUCT_AT_ONCE, PRODUCT, gateway.pid, () => gateway.credit(earning)),
    contenderOver(bed, FLOOR_AT_ONCE, FLOOR, floor.pid, () => broadcast(floor, texts)),
    contenderOver(bed, FLOOR_GATHERED, FLOOR, floor.pid, () => broadcast(floor, texts, 'gathered')),
  ];
  const result = await contest('fan-out', contenders, { ...options, warmUp: 0 });
  await gateway.stop();
  const lineOf = (theirs: string, ours: string, aim: Aim | null): string[] => {
    const [own = [], other = []] = [result.get(ours), result.get(theirs)];
    const ratio = comparedBy(rateOf, own, other);
    const byCpu = comparedBy(costOf, other, own).toFixed(2);
    const told = `${spellRatio(ratio)} (by processor time ${byCpu})`;
    return ['fan-out', theirs, ...figuresOf(other), told, aim === null ? '' : spellAim(ratio, aim)];
  };
  const ownLine = (name: string): string[] => [
    ...['fan-out', name, ...figuresOf(result.get(name) ?? []), '', ''],
  ];
  const lines = tableOf(
    [
      ['live', 'by', 'messages/s', 'server µs', 'membergraph is', 'aim'],
      ownLine(PRODUCT),
      lineOf(FLOOR, PRODUCT, AIM),
      ownLine(PRODUCT_AT_ONCE),
      lineOf(FLOOR_AT_ONCE, PRODUCT_AT_ONCE, AIM),
      lineOf(FLOOR_GATHERED, PRODUCT_AT_ONCE, null),
    ],
    2,
  );
  const bytes = Buffer.byteLength(texts[0] ?? '');
  return [
    ...lines,
    `${LISTENERS} listeners, ${EVENTS} events of ${bytes} bytes each; ${options.rounds} rounds`,
    `${PRODUCT}: ${limitOf(result.get(PRODUCT) ?? [], 'gateway')}`,
    `${FLOOR}: ${limitOf(result.get(FLOOR) ?? [], 'server')}`,
  ];
}

function figuresOf(slices: readonly Slice[]): string[] {
  return [medianOf(slices, rateOf).toFixed(0), medianOf(slices, costOf).toFixed(1)];
}

/** Processor time of the server for each message, in microseconds. */
function costOf({ effort, completed }: Slice): number {
  return (effort.serverCores * effort.elapsedMs * 1_000) / completed;
}

/**
 * Opens as many listeners to each, and has them all hear the same events: what the product sent is what the
 * floor will send.
 */
async function openListeners(
  bed: LiveBed,
  gateway: LiveGateway,
  floor: ServerProcess,
  earning: readonly BenchMember[],
): Promise<readonly string[]> {
  const { listeners, ofProgram: query, product } = bed;
  const one: ListenerOptions = {
    credentials: { 'x-api-key': product.apiKey },
    variables: { filter: { assets: ['points'], types: ['EARNED', 'REDEEMED'] } },
  };
  const all = Array.from({ length: LISTENERS }, () => one);
  const rest = { query, listeners: all, after: await gateway.cursor() };
  process.stderr.write(`opening ${LISTENERS} listeners to each…\n`);
  await listeners.open({ crowd: PRODUCT, url: gateway.url, ...rest });
  await listeners.open({ crowd: FLOOR, url: floor.url, ...rest });
  await listeners.watch(PRODUCT, 'text', LISTENERS * EVENTS);
  await gateway.credit(earning);
  const ours = await hearAlike(listeners, PRODUCT);
  await listeners.watch(FLOOR, 'text', LISTENERS * EVENTS);
  await broadcast(floor, ours.texts);
  await hearAlike(listeners, FLOOR);
  return ours.texts;
}

async function hearAlike(listeners: Listeners, crowd: string): Promise<Heard> {
  const heard = await listeners.heardAll(crowd);
  assertHeard(heard, EVENTS, crowd);
  if (heard.ways === 1) return heard;
  throw new Error(`${crowd}: ${LISTENERS} listeners heard the same events in ${heard.ways} ways.`);
}

function contenderOver(
  { listeners, product }: LiveBed,
  name: string,
  crowd: string,
  pid: number,
  tell: () => Promise<void>,
): Contender {
  return {
    ...{ name, pid, owner: product.owner },
    press: async (): Promise<Pressed> => {
      await listeners.watch(crowd, 'count', LISTENERS * EVENTS);
      await tell();
      const heard = await listeners.heardAll(crowd);
      assertHeard(heard, EVENTS, name);
      process.stderr.write(`the listeners’ process: ${heard.cores.toFixed(2)} cores\n`);
      const seconds = msBetween(heard.firstNs, heard.lastNs) / 1_000;
      return { completed: heard.messages, seconds, p50Ms: 0, p99Ms: 0 };
    },
  };
}

async function broadcast(
  { url }: ServerProcess,
  texts: readonly string[],
  way: '' | 'gathered' = '',
): Promise<void> {
  await fetch(new URL(way, url), { method: 'POST', body: JSON.stringify(texts) });
}
