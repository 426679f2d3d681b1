import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { v7 } from 'uuid';
import type { Cleanup } from '../cleanup.ts';
import { anyDistinct, postMany } from '../ledger/batch.ts';
import type { BenchMember } from '../ledger/bed.ts';
import { poolOf, SETTINGS } from '../ledger/floors.ts';
import { percentile } from '../load/job.ts';
import type { OpenedProduct } from '../product.ts';
import { type Cursor, type Order, readPage } from './orders.ts';

const CALLERS = 4;
const ITEMS = 5;
const PAUSE_MS = 10;
const LOOK_EVERY_MS = 1;
/** How long the follower may take for what is left when nobody posts any more. */
const LAST_SECONDS = 30;
const PAGES = 500;

export interface Spread {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A connection of the app role, as the product has it, that sees the tenant's rows. */
async function connect(cleanup: Cleanup, { appUrl, tenantKey }: OpenedProduct): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: appUrl, options: SETTINGS });
  await client.connect();
  cleanup.add(() => client.end());
  await client.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
  return client;
}

/**
 * From the answer of a COMMIT until a follower may show its entries, who looks each millisecond.
 * @param openSeconds how long a transaction of another tenant stays open meanwhile; 0: there is none
 * @throws Error when the follower misses an entry or sees it twice
 */
export async function measureDelay(
  cleanup: Cleanup,
  product: OpenedProduct,
  order: Order,
  members: readonly BenchMember[],
  { seconds, openSeconds }: { readonly seconds: number; readonly openSeconds: number },
): Promise<Spread> {
  const pool = poolOf(cleanup, product);
  const client = await connect(cleanup, product);
  const committed = new Map<string, number>();
  const seen = new Map<string, number>();
  const open = openSeconds === 0 ? Promise.resolve() : stayOpen(cleanup, product, openSeconds);
  const until = performance.now() + seconds * 1_000;
  let isDone = false;
  const post = async (_: unknown, caller: number): Promise<void> => {
    const own = members.filter((_member, index) => index % CALLERS === caller);
    while (performance.now() < until) {
      const operations = await postMany(pool, product.tenantKey, anyDistinct(own, ITEMS), order.many);
      const now = performance.now();
      for (const operation of operations) committed.set(operation, now);
      await sleep(PAUSE_MS);
    }
  };
  const follow = async (after: Cursor): Promise<void> => {
    let cursor = after;
    for (const end = until + LAST_SECONDS * 1_000; performance.now() < end; ) {
      const page = await readPage(client, product.tenantKey, order, cursor);
      const now = performance.now();
      for (const { operation } of page) {
        if (seen.has(operation)) throw new Error(`${order.name}: a follower sees an entry twice.`);
        seen.set(operation, now);
      }
      cursor = page.at(-1)?.cursor ?? cursor;
      if (page.length > 0) continue;
      if (isDone && seen.size >= committed.size) return;
      await sleep(LOOK_EVERY_MS);
    }
  };
  const following = follow(await endOf(client, product, order));
  await Promise.all(Array.from({ length: CALLERS }, post));
  isDone = true;
  await Promise.all([following, open]);
  const delays = [...committed].map(([operation, at]) => {
    const seenAt = seen.get(operation);
    if (seenAt === undefined) throw new Error(`${order.name}: a follower never saw an entry.`);
    // What is seen before its poster has heard of the COMMIT has no delay.
    return Math.max(0, seenAt - at);
  });
  return spreadOf(delays);
}

/** A transaction of another tenant that writes, and takes its time. */
async function stayOpen(cleanup: Cleanup, product: OpenedProduct, seconds: number): Promise<void> {
  const other = v7();
  const client = await connect(cleanup, { ...product, tenantKey: other });
  await client.query('begin');
  await client.query(
    `insert into idempotency (tenant_id, key, request_hash, result, created_at)
     values ($1, $2, '', '{}', now())`,
    [other, v7()],
  );
  await sleep(seconds * 1_000);
  await client.query('rollback');
}

/** The cursor behind all that there is. */
async function endOf(client: pg.Client, { tenantKey }: OpenedProduct, order: Order): Promise<Cursor> {
  const keys = order.start.length === 1 ? 'feed_position' : 'xid, feed_position';
  const { rows } = await client.query<{ xid?: string; feed_position: string }>(
    `select ${keys} from ${order.table} where tenant_id = $1
      order by ${keys.replaceAll(',', ' desc,')} desc limit 1`,
    [tenantKey],
  );
  const [last] = rows;
  if (last === undefined) return order.start;
  return last.xid === undefined ? [last.feed_position] : [last.xid, last.feed_position];
}

/** What a follower's look-up of the next hundred entries costs, anywhere in the feed. */
export async function measurePages(
  cleanup: Cleanup,
  product: OpenedProduct,
  order: Order,
): Promise<Spread & { readonly buffers: number; readonly bytes: number }> {
  const client = await connect(cleanup, product);
  const keys = order.start.length === 1 ? ['feed_position'] : ['xid::text', 'feed_position'];
  const { rows } = await client.query<Record<string, string>>({
    text: `select ${keys.join(', ')} from ${order.table} where tenant_id = $1 order by random() limit ${PAGES}`,
    values: [product.tenantKey],
  });
  const delays: number[] = [];
  for (const row of rows) {
    const startedAt = performance.now();
    await readPage(client, product.tenantKey, order, Object.values(row));
    delays.push(performance.now() - startedAt);
  }
  const explained = await client.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
    `explain (analyze, buffers, format json) ${order.page}`,
    [product.tenantKey, ...Object.values(rows[0] ?? {})],
  );
  const plan = explained.rows[0]?.['QUERY PLAN'][0].Plan ?? {};
  const size = await product.owner.query<{ bytes: string }>(`select pg_relation_size($1) as bytes`, [
    `${order.table}_by_feed`,
  ]);
  const entries = await product.owner.query<{ count: string }>(`select count(*) from ${order.table}`);
  return {
    ...spreadOf(delays),
    buffers: (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0),
    bytes: Number(size.rows[0]?.bytes) / Number(entries.rows[0]?.count),
  };
}

function spreadOf(delays: readonly number[]): Spread {
  const sorted = Float64Array.from(delays).sort();
  return { count: sorted.length, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
}
