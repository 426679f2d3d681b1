import type { Cleanup } from '../cleanup.ts';
import type { Options } from '../options.ts';
import { median, tableOf } from '../report.ts';
import { type LiveBed, type LiveGateway, openGateway } from './bed.ts';
import { CROWD, committedAt, latencies, POSTINGS_A_SECOND, postAll } from './postings.ts';

/** Members who listen for themselves: the others, whom nothing should reach. */
const MEMBERS = 2_000;
/** Listeners to all of the tenant's events beside them. */
const BESIDE = 20;
const BESIDE_CROWD = 'beside';
/** Large events, so that a connection is full soon. */
const MANY = Array.from({ length: 30 }, (_, index) => `e${index}: entry { id kind occurredAt balanceAfter }`);
const WIDE = `subscription Wide($after: String) {
  programPointEvents(after: $after) { cursor ${MANY.join(' ')} } }`;
const SLICE_SECONDS = 6;
const KINDS = ['reading', 'stalled'] as const;
type Kind = (typeof KINDS)[number];
/** What an extension may cost its neighbours, too. */
const MOST_P50 = 1.1;
const MOST_P99_MS = 1;

/**
 * What members notice of listeners to all events who read nothing, beside as many who read; slices take
 * turns. Whoever reads nothing is ended on the way, by a full queue.
 */
export async function benchStalled(cleanup: Cleanup, bed: LiveBed, options: Options): Promise<string[]> {
  const { listeners, ofMember: query } = bed;
  const gateway = await openGateway(cleanup, bed, 'stalled', options);
  const [followers, members] = [bed.followers.slice(0, MEMBERS), bed.members.slice(0, MEMBERS)];
  const opening = { crowd: CROWD, url: gateway.url, query, listeners: followers, stalls: false };
  await listeners.open({ ...opening, after: await gateway.cursor() });
  await postAll(gateway, listeners, members, options.warmUp, 'warm-up');
  const slices: Record<Kind, (readonly number[])[]> = { reading: [], stalled: [] };
  let ended = 0;
  for (let round = 0; round < options.rounds; round += 1) {
    for (const kind of round % 2 === 0 ? KINDS : [...KINDS].reverse()) {
      const before = await tooSlow(gateway);
      slices[kind].push(await slice(gateway, bed, kind));
      const found = (await tooSlow(gateway)) - before;
      if (kind === 'reading' && found > 0) throw new Error(`${found} who read were taken for slow.`);
      ended += found;
      const [p50 = 0, p99 = 0] = slices[kind].at(-1) ?? [];
      process.stderr.write(
        `stalled: ${kind} p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, ${found} ended\n`,
      );
    }
  }
  if (ended === 0) throw new Error('Nobody was too slow: nothing was measured.');
  await listeners.cut(CROWD);
  await gateway.stop();
  return [
    ...tableFor(slices),
    `${MEMBERS} members, ${POSTINGS_A_SECOND} postings/s, ${ended} ended as too slow`,
  ];
}

/** A slice of load, with a fresh crowd beside the members; answers what these waited from the commit. */
async function slice(gateway: LiveGateway, bed: LiveBed, kind: Kind): Promise<readonly number[]> {
  const { listeners } = bed;
  const one = { credentials: { 'x-api-key': bed.product.apiKey }, variables: {} };
  const beside = Array.from({ length: BESIDE }, () => one);
  const opening = {
    crowd: BESIDE_CROWD,
    url: gateway.url,
    query: WIDE,
    listeners: beside,
    stalls: kind === 'stalled',
  };
  await listeners.open({ ...opening, after: await gateway.cursor() });
  const members = bed.members.slice(0, MEMBERS);
  const { postings, heard } = await postAll(gateway, listeners, members, SLICE_SECONDS, kind);
  const at = await committedAt(bed, postings.length);
  await listeners.cut(BESIDE_CROWD);
  return latencies(heard, (posting) => at[posting]?.committedNs ?? 0n);
}

/** How many streams the gateway has ended because their listener was too slow. */
async function tooSlow({ url }: LiveGateway): Promise<number> {
  const text = await (await fetch(new URL('/metrics', url))).text();
  const [, count] = /^membergraph_streams_too_slow_total (\d+)$/m.exec(text) ?? [];
  if (count === undefined) throw new Error('The gateway does not count whom it ended as too slow.');
  return Number(count);
}

function tableFor(slices: Record<Kind, (readonly number[])[]>): string[] {
  const of = (kind: Kind, index: number): number =>
    median(slices[kind].map((one) => one[index] ?? Number.NaN));
  const row = (kind: Kind): string[] => [kind, of(kind, 0).toFixed(2), of(kind, 1).toFixed(2)];
  const ratio = of('stalled', 0) / of('reading', 0);
  const moreMs = of('stalled', 1) - of('reading', 1);
  const spelt = (isMet: boolean, aim: string): string => (isMet ? aim : `${aim}, missed`);
  return tableOf(
    [
      [`${BESIDE} beside`, 'p50 ms of others', 'p99 ms of others'],
      ...[row('reading'), row('stalled')],
      ['stalled to reading', `${ratio.toFixed(2)} times`, `${moreMs >= 0 ? '+' : ''}${moreMs.toFixed(2)} ms`],
      [
        'aim',
        spelt(ratio <= MOST_P50, `≤ ${MOST_P50} times`),
        spelt(moreMs <= MOST_P99_MS, `≤ +${MOST_P99_MS} ms`),
      ],
    ],
    1,
  );
}
