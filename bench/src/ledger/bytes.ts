import type pg from 'pg';
import type { Cleanup } from '../cleanup.ts';
import type { Options } from '../options.ts';
import { openProduct } from '../product.ts';
import { tableOf } from '../report.ts';
import { auditBooks } from './audit.ts';
import { fill } from './bed.ts';
import { pressEach, rateOf } from './contest.ts';
import { theProduct } from './posting.ts';
import { type Row, spellAim, spellRatio } from './table.ts';

const QUICK_POSTINGS = 40_000;
const LARGE_POSTINGS = 200_000;
/** Of each ledger: earn 100, spend 60, and so on, so that a spend takes from one lot or two. */
const POSTINGS_EACH = 20;
const EARNED = 100;
const SPENT = 60;
/** Many, so that batches are full. */
const CALLERS = 400;
const TARGET = 600;
/** What the ledger keeps of what was posted. */
const TABLES = [
  ...[
    'idempotency',
    'stored_operation',
    'stored_entry',
    'stored_lot',
    'open_lot',
    'ledger',
    'hold',
    'hold_lot',
  ],
  ...['operation_chain', 'leg_day', 'leg_rollup', 'tenant_feed'],
];

/** One table's rows, or one of its indexes. */
interface Part {
  readonly table: string;
  readonly part: string;
  readonly bytes: number;
}

/** What an entry takes on the disk with all that belongs to it, and a table that says where it goes. */
export async function benchBytes(
  cleanup: Cleanup,
  { large }: Options,
): Promise<{ readonly rows: Row[]; readonly lines: string[] }> {
  const product = await openProduct(cleanup);
  const postings = large ? LARGE_POSTINGS : QUICK_POSTINGS;
  const ledgers = postings / POSTINGS_EACH;
  const members = await fill(product, { members: ledgers, first: 0, lots: 0, pairs: 0 });
  const way = await theProduct(product);
  const things = Array.from({ length: postings }, (_, index) => index);
  process.stderr.write(`posting ${postings} times to ${ledgers} new ledgers…\n`);
  const pressed = await pressEach(CALLERS, things, async (index) => {
    const member = members[index % ledgers];
    if (member === undefined) throw new Error('There are no members.');
    const isEarn = Math.floor(index / ledgers) % 2 === 0;
    await way.post(isEarn ? 'EARN' : 'REDEEM', member, isEarn ? EARNED : SPENT);
  });
  await product.application.proof.seal(product.tenantKey);
  await product.application.proof.rollUp(product.tenantKey, 'UTC');
  const { owner } = product;
  await auditBooks(product, 'bytes');
  await owner.query('vacuum (analyze)');
  const filled = await partsOf(owner);
  for (const table of TABLES) await owner.query(`vacuum full ${table}`);
  const packed = await partsOf(owner);
  const each = (parts: readonly Part[]): number =>
    parts.reduce((sum, { bytes }) => sum + bytes, 0) / postings;
  const row: Row = {
    what: 'bytes an entry, packed',
    by: `after ${postings} postings`,
    perSecond: rateOf(pressed).toFixed(0),
    p50Ms: '',
    p99Ms: '',
    ratio: `${each(packed).toFixed(0)} B`,
    aim: spellAim(each(packed), { is: '≤', value: TARGET }),
    limit: `${each(filled).toFixed(0)} B as filled; ${spellRatio(each(packed) / TARGET)} the target; see below`,
  };
  return { rows: [row], lines: linesOf(filled, packed, postings) };
}

async function partsOf(owner: pg.Client): Promise<Part[]> {
  const { rows } = await owner.query<{ table: string; part: string; bytes: string }>(
    `select t.relname as table, coalesce(x.relname, 'rows') as part,
            case when x.oid is null then pg_relation_size(t.oid)
                   + coalesce(pg_total_relation_size(nullif(t.reltoastrelid, 0)), 0)
                 else pg_relation_size(x.oid) end as bytes
       from pg_class t
       cross join lateral (select null::oid as oid, null::name as relname
                            union all
                           select c.oid, c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
                            where i.indrelid = t.oid) x
      where t.relnamespace = 'public'::regnamespace and t.relname = any($1)
      order by array_position($1, t.relname::text), x.relname nulls first`,
    [TABLES],
  );
  return rows.map(({ bytes, ...rest }) => ({ ...rest, bytes: Number(bytes) }));
}

function linesOf(filled: readonly Part[], packed: readonly Part[], entries: number): string[] {
  const cells = filled.flatMap(({ table, part, bytes }, index) => {
    const least = packed[index]?.bytes ?? 0;
    // What all entries share.
    if (bytes / entries < 0.5) return [];
    return [[table, part, (bytes / entries).toFixed(1), (least / entries).toFixed(1)]];
  });
  const sum = (parts: readonly Part[]): string =>
    (parts.reduce((total, { bytes }) => total + bytes, 0) / entries).toFixed(1);
  const total = ['all', '', sum(filled), sum(packed)];
  const head = ['table', 'rows or index', 'bytes an entry, as filled', 'packed'];
  return [...tableOf([head, ...cells, total], 2), `${POSTINGS_EACH} entries a ledger; half earn, half spend`];
}
