import { setTimeout } from 'node:timers/promises';
import type { BenchMember } from '../ledger/bed.ts';
import { percentile } from '../load/job.ts';
import type { LiveBed, LiveGateway } from './bed.ts';
import { msBetween } from './crowd.ts';
import type { Heard } from './orders.ts';

/** Of members who listen for themselves, in the order in which they were opened. */
export const CROWD = 'members';
export const POSTINGS_A_SECOND = 500;
/** Sent together, as far as a timer can tell. */
const TURN_MS = 2;
/** How long the last events may take. */
const WITHIN_MS = 30_000;

/** One posting, by the clock that all processes of the machine share. */
export interface Posting {
  readonly member: number;
  readonly sentNs: bigint;
  answeredNs: bigint;
}

/** Credits members at random at the fixed rate, each by a request of its own; ends when all was heard. */
export async function postAll(
  gateway: LiveGateway,
  listeners: LiveBed['listeners'],
  members: readonly BenchMember[],
  seconds: number,
  what: string,
): Promise<{ postings: readonly Posting[]; heard: Heard }> {
  const count = Math.round(seconds * POSTINGS_A_SECOND);
  await listeners.watch(CROWD, 'stamp', count);
  const postings: Posting[] = [];
  const answers: Promise<void>[] = [];
  const startedAt = performance.now();
  while (postings.length < count) {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * POSTINGS_A_SECOND) + 1;
    while (postings.length < Math.min(due, count)) {
      const index = Math.floor(Math.random() * members.length);
      const posting: Posting = { member: index, sentNs: process.hrtime.bigint(), answeredNs: 0n };
      const member = members[index];
      if (member === undefined) throw new Error('There are no members.');
      const answered = gateway.creditOne(member, String(postings.push(posting) - 1)).then(() => {
        posting.answeredNs = process.hrtime.bigint();
      });
      // It is awaited below, with all the others.
      answered.catch(() => undefined);
      answers.push(answered);
    }
    await setTimeout(TURN_MS);
  }
  await Promise.all(answers);
  const heard = await listeners.heardAll(CROWD, WITHIN_MS);
  const right = heard.stamps.filter(({ posting, listener }) => postings[posting]?.member === listener);
  const isRight = new Set(right.map(({ posting }) => posting)).size === count && heard.messages === count;
  if (isRight && heard.failures === 0) return { postings, heard };
  throw new Error(
    `${what}: of ${count} events ${right.length} were heard by their member, ${heard.messages} in all; ` +
      `${heard.failures} listeners were thrown out (${heard.failure}).`,
  );
}

/** The p50, the p99 and the longest in milliseconds, of each event from some moment until it was heard. */
export function latencies(heard: Heard, since: (posting: number) => bigint): readonly number[] {
  const all = heard.stamps.map(({ posting, atNs }) => msBetween(since(posting), atNs));
  const sorted = Float64Array.from(all).sort();
  return [0.5, 0.99, 1].map((share) => percentile(sorted, share));
}

/**
 * When PostgreSQL committed each of the last postings, and when it says that they were recorded, by this
 * machine's monotonic clock. The commit's time is taken just before it is made durable.
 */
export async function committedAt(
  { product }: Pick<LiveBed, 'product'>,
  count: number,
): Promise<readonly { readonly committedNs: bigint; readonly recordedNs: bigint }[]> {
  const { rows } = await product.owner.query<{ committed: string; recorded: string }>(
    `select (extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000000)::bigint as committed,
            (extract(epoch from recorded_at) * 1000000)::bigint as recorded
       from (select xmin, recorded_at, reason, feed_position from entry
              where tenant_id = $1 order by feed_position desc limit $2) as newest
      order by reason::bigint`,
    [product.tenantKey, count],
  );
  // How far the wall clock, in milliseconds with a fraction, is ahead of the monotonic one.
  const aheadUs = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000));
  const nowNs = process.hrtime.bigint();
  const toNs = (us: string): bigint => nowNs - (aheadUs - BigInt(us)) * 1_000n;
  return rows.map(({ committed, recorded }) => ({
    committedNs: toNs(committed),
    recordedNs: toNs(recorded),
  }));
}
