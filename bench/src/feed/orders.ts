import type pg from 'pg';
import { readBenchFile } from '../folders.ts';
import type { OpenedProduct } from '../product.ts';

/** Where a follower has come to: a position, or a transaction with a place in it. */
export type Cursor = readonly (string | number)[];

/** One way to put the entries of a tenant in an order that its followers can go by. */
export interface Order {
  readonly name: string;
  /** The functions that post one, and many. */
  readonly one: string;
  readonly many: string;
  /** The next entries behind a cursor; null where nobody can follow. */
  readonly page: string | null;
  readonly start: Cursor;
  readonly table: string;
}

export const POSITION: Order = {
  name: 'A: gapless position',
  one: 'bench_post',
  many: 'bench_post_many',
  page: `select operation_id, feed_position as c1 from entry
          where tenant_id = $1 and feed_position > $2 order by feed_position limit 100`,
  start: [0],
  table: 'entry',
};
export const HORIZON: Order = {
  name: 'B: snapshot horizon',
  one: 'horizon_post',
  many: 'horizon_post_many',
  page: `select operation_id, xid::text as c1, feed_position as c2 from entry_horizon
          where tenant_id = $1 and (xid, feed_position) > ($2::text::xid8, $3::bigint)
            and xid < pg_snapshot_xmin(pg_current_snapshot())
          order by xid, feed_position limit 100`,
  start: ['0', 0],
  table: 'entry_horizon',
};
export const NONE: Order = {
  name: 'neither',
  one: 'none_post',
  many: 'none_post_many',
  page: null,
  start: [],
  table: 'entry_none',
};
export const ORDERS = [POSITION, HORIZON, NONE];

/** Makes the functions of all orders: the same text, but for where positions come from and entries go. */
export async function createOrders({ owner }: OpenedProduct): Promise<void> {
  await owner.query(await readBenchFile('sql', 'feed-orders.sql'));
  for (const file of ['ledger-function.sql', 'ledger-batch-function.sql']) {
    const text = await readBenchFile('sql', file);
    for (const { one, table } of ORDERS) {
      const isPosition = table === POSITION.table;
      await owner.query(isPosition ? text : withoutPosition(text, table, one.replace('post', '')));
    }
  }
}

function withoutPosition(text: string, table: string, prefix: string): string {
  const changes: [RegExp, string][] = [
    [/bench_post/g, `${prefix}post`],
    [/update tenant_feed[^;]*into (\w+);/, `$1 := nextval('bench_position');`],
    [/insert into stored_entry \(/, `insert into ${table} (`],
    // The lock that goes with the feed's would be one, too.
    [/bind_to_operations\(/, 'bench_look('],
  ];
  return changes.reduce((changed, [from, to]) => {
    if (!from.test(changed)) throw new Error(`The function has no ${from}.`);
    from.lastIndex = 0;
    return changed.replace(from, to);
  }, text);
}

/** An entry as a follower reads it. */
export interface Followed {
  readonly operation: string;
  readonly cursor: Cursor;
}

/** The next hundred entries behind a cursor, in the order's own way. */
export async function readPage(
  client: pg.ClientBase,
  tenantKey: string,
  order: Order,
  after: Cursor,
): Promise<Followed[]> {
  if (order.page === null) throw new Error(`Nobody can follow "${order.name}".`);
  const { rows } = await client.query<{ operation_id: string; c1: string; c2?: string }>({
    name: `page.${order.table}`,
    text: order.page,
    values: [tenantKey, ...after],
  });
  return rows.map(({ operation_id: operation, c1, c2 }) => ({
    operation,
    cursor: c2 === undefined ? [c1] : [c1, c2],
  }));
}
