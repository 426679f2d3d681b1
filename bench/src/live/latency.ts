import type { Cleanup } from '../cleanup.ts';
import { cpuBetween, readCpu } from '../cpu.ts';
import { idleMs } from '../ledger/contest.ts';
import { type Aim, spellAim } from '../ledger/table.ts';
import { percentile } from '../load/job.ts';
import type { Options } from '../options.ts';
import { tableOf } from '../report.ts';
import { type LiveBed, openGateway } from './bed.ts';
import { assertHeard, msBetween } from './crowd.ts';
import { CROWD, committedAt, latencies, POSTINGS_A_SECOND, type Posting, postAll } from './postings.ts';

const AIM: Aim = { is: '≤', value: 100 };

/** A listener for each member, while postings arrive at a fixed rate, whatever becomes of those before. */
export async function benchLatency(cleanup: Cleanup, bed: LiveBed, options: Options): Promise<string[]> {
  const { listeners, followers, members, product } = bed;
  const gateway = await openGateway(cleanup, bed, 'latency', options);
  process.stderr.write(`opening ${members.length} listeners…\n`);
  const opening = { crowd: CROWD, url: gateway.url, query: bed.ofMember, listeners: followers };
  await listeners.open({ ...opening, after: await gateway.cursor() });
  // Who hears one event is there.
  await listeners.watch(CROWD, 'count', members.length);
  await gateway.credit(members);
  assertHeard(await listeners.heardAll(CROWD), 1, 'each member’s own event');
  await postAll(gateway, listeners, members, options.warmUp, 'warm-up');
  const [cpuBefore, idleBefore, ownBefore] = [
    await readCpu(gateway.pid, product.owner),
    idleMs(),
    process.cpuUsage(),
  ];
  const { postings, heard } = await postAll(gateway, listeners, members, options.seconds, 'measured');
  const cpu = cpuBetween(cpuBefore, await readCpu(gateway.pid, product.owner));
  const [idle, own] = [idleMs() - idleBefore, process.cpuUsage(ownBefore)];
  const at = await committedAt(bed, postings.length);
  await listeners.cut(CROWD);
  await gateway.stop();
  const from = (since: (posting: number) => bigint): readonly string[] =>
    latencies(heard, since).map((ms) => ms.toFixed(1));
  const committed = from((posting) => at[posting]?.committedNs ?? 0n);
  const lines = tableOf(
    [
      ['an event at its listener', 'p50 ms', 'p99 ms', 'max ms', 'aim p99'],
      ['from the commit', ...committed, spellAim(Number(committed[1]), AIM)],
      ['from entry.recordedAt', ...from((posting) => at[posting]?.recordedNs ?? 0n), ''],
      ['from the answer', ...from((posting) => postings[posting]?.answeredNs ?? 0n), ''],
      ['the answer itself', ...answers(postings), ''],
    ],
    1,
  );
  const lastNs = postings.reduce((last, { answeredNs }) => (answeredNs > last ? answeredNs : last), 0n);
  const tookMs = msBetween(postings[0]?.sentNs ?? 0n, lastNs);
  const rate = ((postings.length / tookMs) * 1_000).toFixed(0);
  const cores = (ms = Number.NaN): string => (ms / tookMs).toFixed(2);
  const busy = [
    ...[`gateway ${cores(cpu?.serverMs)}`, `database ${cores(cpu?.databaseMs)}`],
    ...[`listeners ${heard.cores.toFixed(2)}`, `poster ${cores((own.user + own.system) / 1_000)}`],
    `idle ${cores(idle)}`,
  ];
  const how = `${POSTINGS_A_SECOND} postings/s for ${options.seconds} s, ${rate}/s answered`;
  return [...lines, `${members.length} listeners; ${how} (cores: ${busy.join(', ')})`];
}

function answers(postings: readonly Posting[]): string[] {
  const sorted = Float64Array.from(postings, ({ sentNs, answeredNs }) =>
    msBetween(sentNs, answeredNs),
  ).sort();
  return [0.5, 0.99, 1].map((share) => percentile(sorted, share).toFixed(1));
}
