import type { Cleanup } from '../cleanup.ts';
import type { Load } from '../load/load.ts';
import type { Options } from '../options.ts';
import type { ServerProcess } from '../processes.ts';
import { type OpenedProduct, openProduct } from '../product.ts';
import { auditBooks } from './audit.ts';
import { type BenchMember, fill, PLENTY, startGateway } from './bed.ts';
import { contest } from './contest.ts';
import { type Asked, anyOf, askedBy, askedPosting, contenderOver } from './http.ts';
import { type Row, rowsOf } from './table.ts';

const SMALL_ENTRIES = 100_000;
/** A ledger's entries, in the small database as in the large one: it has more members, as a tenant that grows. */
const PAIRS = 25;
const ENTRIES_EACH = 1 + 2 * PAIRS;
/** From here on indexes are built last. */
const MANY = 1_000_000;
const PAGE = 20;
const AIM = { is: '≤', value: 1.5 } as const;

/** A database of its own with a gateway on it. */
interface Sized {
  readonly name: string;
  readonly product: OpenedProduct;
  readonly gateway: ServerProcess;
  readonly members: readonly BenchMember[];
}

/** Earning, spending and reading a page of history in a database with many entries, beside one with few. */
export async function benchLarge(cleanup: Cleanup, load: Load, options: Options): Promise<Row[]> {
  const small = await sized(cleanup, SMALL_ENTRIES);
  const large = await sized(cleanup, options.entries);
  const rows: Row[] = [];
  const works: [string, Asked][] = [
    ['earn', await askedPosting('EARN', 1)],
    ['redeem', await askedPosting('REDEEM', 1)],
    [
      'history page',
      await askedBy('ledger-history.graphql', { id: '{{member}}' }, '"member":{"id":"{{member}}"'),
    ],
  ];
  for (const [what, asked] of works) {
    const contenders = [large, small].map(({ name, product, gateway, members }) => ({
      ...contenderOver(load, product, gateway, asked, {
        connections: options.connections,
        members: anyOf(members),
      }),
      name,
    }));
    const result = await contest(`${what}, large`, contenders, options);
    rows.push(
      ...rowsOf(result, {
        what: `${what}, large`,
        ours: large.name,
        aims: { [small.name]: AIM },
        servers: ['gateway', 'gateway'],
        byLatency: true,
      }),
    );
  }
  for (const { product, name } of [large, small]) await auditBooks(product, `${name}, seeded and posted to`);
  return rows;
}

async function sized(cleanup: Cleanup, entries: number): Promise<Sized> {
  const product = await openProduct(cleanup);
  const members = Math.max(PAGE, Math.round(entries / ENTRIES_EACH));
  const startedAt = performance.now();
  const filling = { members, first: PLENTY, lots: 1, pairs: PAIRS, indexesLast: entries >= MANY };
  const filled = await fill(product, filling);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  const count = (members * ENTRIES_EACH).toLocaleString('en');
  const { rows } = await product.owner.query<{ size: string }>(
    'select pg_size_pretty(pg_database_size(current_database())) as size',
  );
  process.stderr.write(`filled ${count} entries of ${members} members in ${seconds} s, ${rows[0]?.size}\n`);
  const gateway = await startGateway(cleanup, product);
  return { name: `${count} entries`, product, gateway, members: filled };
}
