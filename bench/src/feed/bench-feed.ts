import { type Cleanup, withCleanup } from '../cleanup.ts';
import { anyDistinct, postMany } from '../ledger/batch.ts';
import { type BenchMember, fill, PLENTY } from '../ledger/bed.ts';
import {
  type Contender,
  comparedBy,
  contest,
  medianOf,
  pressCallers,
  type Result,
  rateOf,
} from '../ledger/contest.ts';
import { oneFunction, poolOf } from '../ledger/floors.ts';
import type { Options } from '../options.ts';
import { type OpenedProduct, openProduct } from '../product.ts';
import { machineLine, print, tableOf } from '../report.ts';
import { measureDelay, measurePages } from './follow.ts';
import { createOrders, HORIZON, NONE, ORDERS, type Order, POSITION } from './orders.ts';

const SIZES = [25, 250];
const IN_FLIGHT = 2;
const QUIET_SECONDS = 3;
const OPEN_SECONDS = 10;

/** Measures two ways to order the feed of a tenant, and none: what posting, following and waiting cost. */
export async function benchFeed(options: Options): Promise<void> {
  await withCleanup(async (cleanup) => {
    const product = await openProduct(cleanup);
    process.stderr.write(`filling ${options.members} ledgers…\n`);
    const members = await fill(product, { members: options.members, first: PLENTY, lots: 1, pairs: 0 });
    await createOrders(product);
    const lines = [
      ...(await ratesOf(cleanup, product, members, options)),
      ...['', ...(await delaysOf(cleanup, product, members))],
      ...['', ...(await pagesOf(cleanup, product))],
    ];
    await checkPositions(product);
    const { connections, rounds, seconds } = options;
    const how = `${connections} callers, medians of ${rounds} rounds of ${seconds} s`;
    print([...lines, '', `${how}; ${machineLine(product.version)}`]);
  });
}

async function ratesOf(
  cleanup: Cleanup,
  product: OpenedProduct,
  members: readonly BenchMember[],
  options: Options,
): Promise<string[]> {
  const lines: string[][] = [];
  const oneByOne = ORDERS.map((order): Contender => {
    const way = oneFunction(cleanup, product, order.one);
    const call = (): Promise<unknown> => way.post('EARN', anyDistinct(members, 1)[0] ?? nobody(), 1);
    return contenderOf(order, product, (seconds) => pressCallers(options.connections, seconds, call));
  });
  lines.push(...linesOf('one at a time', 1, await contest('one at a time', oneByOne, options)));
  for (const size of SIZES) {
    const batches = ORDERS.map((order): Contender => {
      const pool = poolOf(cleanup, product);
      const halves = [0, 1].map((half) => members.filter((_, index) => index % IN_FLIGHT === half));
      const call = (caller: number): Promise<unknown> =>
        postMany(pool, product.tenantKey, anyDistinct(halves[caller] ?? [], size), order.many);
      return contenderOf(order, product, (seconds) => pressCallers(IN_FLIGHT, seconds, call));
    });
    lines.push(...linesOf(`batches of ${size}`, size, await contest(`batches of ${size}`, batches, options)));
  }
  return tableOf([['postings', 'order', 'postings/s', 'p50 ms', 'p99 ms', 'to neither'], ...lines], 2);
}

function nobody(): never {
  throw new Error('There are no members.');
}

function contenderOf({ name }: Order, { owner }: OpenedProduct, press: Contender['press']): Contender {
  return { name, pid: process.pid, owner, press };
}

function linesOf(what: string, each: number, result: Result): string[][] {
  const none = result.get(NONE.name) ?? [];
  return [...result].map(([name, slices]) => [
    ...[what, name],
    (medianOf(slices, rateOf) * each).toFixed(0),
    medianOf(slices, ({ p50Ms }) => p50Ms).toFixed(1),
    medianOf(slices, ({ p99Ms }) => p99Ms).toFixed(1),
    `${comparedBy(rateOf, slices, none).toFixed(2)}×`,
  ]);
}

async function delaysOf(
  cleanup: Cleanup,
  product: OpenedProduct,
  members: readonly BenchMember[],
): Promise<string[]> {
  const lines: string[][] = [];
  for (const openSeconds of [0, OPEN_SECONDS]) {
    for (const order of [POSITION, HORIZON]) {
      process.stderr.write(`following ${order.name}, ${openSeconds} s of another's transaction…\n`);
      const seconds = openSeconds === 0 ? QUIET_SECONDS : openSeconds;
      const delay = await measureDelay(cleanup, product, order, members, { seconds, openSeconds });
      const while_ = openSeconds === 0 ? 'none' : `${openSeconds} s`;
      lines.push([while_, order.name, String(delay.count), delay.p50Ms.toFixed(1), delay.p99Ms.toFixed(1)]);
    }
  }
  const head = ["another tenant's transaction", 'order', 'entries', 'COMMIT to visible p50 ms', 'p99 ms'];
  return tableOf([head, ...lines], 2);
}

async function pagesOf(cleanup: Cleanup, product: OpenedProduct): Promise<string[]> {
  await product.owner.query('vacuum (analyze)');
  const lines: string[][] = [];
  for (const order of [POSITION, HORIZON]) {
    const { p50Ms, p99Ms, buffers, bytes } = await measurePages(cleanup, product, order);
    lines.push(['next 100', order.name, p50Ms.toFixed(2), p99Ms.toFixed(2), `${buffers}`, bytes.toFixed(0)]);
  }
  const head = ['a follower reads', 'order', 'p50 ms', 'p99 ms', 'pages of 8 kB', 'index bytes an entry'];
  return tableOf([head, ...lines], 2);
}

/** What only a gapless position lets anybody check. */
async function checkPositions({ owner }: OpenedProduct): Promise<void> {
  const { rows } = await owner.query<{ is_whole: boolean }>(
    `select count(*) = max(position) and count(distinct position) = count(*)
              and max(position) = (select max(position) from tenant_feed) as is_whole
       from (select feed_position as position from entry union all select position from feed_event) as taken`,
  );
  if (rows[0]?.is_whole !== true) throw new Error('The gapless positions have a gap.');
}
