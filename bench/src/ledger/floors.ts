import { createHash } from 'node:crypto';
import pg from 'pg';
import { v4, v7 } from 'uuid';
import type { Cleanup } from '../cleanup.ts';
import type { OpenedProduct } from '../product.ts';
import type { BenchMember } from './bed.ts';

/** As many as the product's own default for transactions. */
const CONNECTIONS = 12;
/** As the product runs its connections. */
export const SETTINGS =
  '-c plan_cache_mode=force_generic_plan -c jit=off -c enable_seqscan=off -c timezone=UTC';

export type Kind = 'EARN' | 'REDEEM';

/** One way to post. */
export interface Way {
  readonly name: string;
  post(kind: Kind, member: BenchMember, amount: number): Promise<unknown>;
}

const prepared = (name: string, text: string): { name: string; text: string } => ({ name, text });

const SQL = {
  tenant: prepared('b.tenant', `select set_config('app.tenant_id', $1, true)`),
  clock: prepared(
    'b.clock',
    'select business_time() as now, program_version from tenant where tenant_id = $1',
  ),
  member: prepared('b.member', 'select status from member where tenant_id = $1 and member_id = $2'),
  ledger: prepared(
    'b.ledger',
    `select posted, pending, held, version, greatest($3::timestamptz, recorded_at) as now
       from ledger where tenant_id = $1 and ledger_id = $2 for update`,
  ),
  lot: prepared(
    'b.lot',
    `with made as (
       insert into stored_lot (tenant_id, ledger_id, lot_id, operation_id, amount, available_at, expires_at,
                               matured_at)
       values ($1, $2, $3, $4, $5, $6, $6::timestamptz + interval '1 year', $6))
     insert into open_lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, lost, pending,
                           available_at, expires_at)
     values ($1, $2, $3, $4, $5, $5, 0, 0, false, $6, $6::timestamptz + interval '1 year')`,
  ),
  lots: prepared(
    'b.lots',
    `select lot_id, remaining from open_lot where tenant_id = $1 and ledger_id = $2
      order by expires_at, lot_id`,
  ),
  take: prepared(
    'b.take',
    'update open_lot set remaining = remaining - $4 where tenant_id = $1 and ledger_id = $2 and lot_id = $3',
  ),
  close: prepared('b.close', 'delete from open_lot where tenant_id = $1 and ledger_id = $2 and lot_id = $3'),
  feed: prepared(
    'b.feed',
    'update tenant_feed set position = position + 1 where tenant_id = $1 returning position',
  ),
  entry: prepared(
    'b.entry',
    `insert into stored_entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_after,
                               feed_position, reason, available_at, expires_at, occurred_at, lot_id, account,
                               program_version, input_hash)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 'bench', case $5 when 'EARN' then $9::timestamptz end,
             case $5 when 'EARN' then $9::timestamptz + interval '1 year' end, $9, $10,
             case $5 when 'EARN' then 'I' else 'R' end::"char", $11, $12)`,
  ),
  update: prepared(
    'b.update',
    `update ledger set posted = $3, version = $4, feed_position = $5, recorded_at = $6
      where tenant_id = $1 and ledger_id = $2`,
  ),
  key: prepared('b.key', 'select bind_to_operations($1, array[$2::uuid])'),
} as const;

export function poolOf(cleanup: Cleanup, { appUrl }: OpenedProduct): pg.Pool {
  const pool = new pg.Pool({ connectionString: appUrl, max: CONNECTIONS, options: SETTINGS });
  cleanup.add(() => pool.end());
  return pool;
}

/** A request's key as it is kept: as unlike any other as a digest. */
export function anyKey(): string {
  return v4().replace(/^(.{14})4/, '$18');
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** A transaction for each posting, a round trip for each statement. */
export function interactive(cleanup: Cleanup, product: OpenedProduct): Way {
  const pool = poolOf(cleanup, product);
  return {
    name: 'interactive transaction',
    post: async (kind, member, amount) => {
      const client = await pool.connect();
      try {
        await client.query('begin');
        await postOn(client, product.tenantKey, { kind, member, amount });
        await client.query('commit');
      } catch (error) {
        await client.query('rollback');
        throw error;
      } finally {
        client.release();
      }
    },
  };
}

async function postOn(
  client: pg.ClientBase,
  tenant: string,
  { kind, member, amount }: { kind: Kind; member: BenchMember; amount: number },
): Promise<void> {
  type Rows = Record<string, string>[];
  const ask = async (statement: { name: string; text: string }, ...values: unknown[]): Promise<Rows> =>
    (await client.query<Record<string, string>>({ ...statement, values })).rows;
  // The operation's id is the key.
  const operation = anyKey();
  const hash = hashOf(operation);
  await ask(SQL.tenant, tenant);
  const [clock] = await ask(SQL.clock, tenant);
  const begun = clock?.now;
  const { memberKey, ledgerKey } = member;
  const [who] = await ask(SQL.member, tenant, memberKey);
  if (who?.status !== 'ACTIVE') throw new Error('The member is not active.');
  const [ledger] = await ask(SQL.ledger, tenant, ledgerKey, begun);
  // Who waited for the lock doesn't record a time before the last.
  const now = ledger?.now;
  const version = Number(ledger?.version) + 1;
  const delta = kind === 'EARN' ? amount : -amount;
  const posted = Number(ledger?.posted) + delta;
  if (posted < 0) throw new Error('The balance is too small.');
  let from: string | undefined;
  if (kind === 'EARN') await ask(SQL.lot, tenant, ledgerKey, v7(), operation, amount, now);
  else {
    const [lot] = await ask(SQL.lots, tenant, ledgerKey);
    if (Number(lot?.remaining) < amount) throw new Error('The floor spends from one lot alone.');
    from = lot?.lot_id;
    if (Number(lot?.remaining) === amount) await ask(SQL.close, tenant, ledgerKey, from);
    else await ask(SQL.take, tenant, ledgerKey, from, amount);
  }
  const [feed] = await ask(SQL.feed, tenant);
  const position = feed?.position;
  const written = [
    version,
    operation,
    kind,
    delta,
    posted,
    position,
    now,
    from,
    clock?.program_version,
    hash,
  ];
  await ask(SQL.entry, tenant, ledgerKey, ...written);
  await ask(SQL.update, tenant, ledgerKey, posted, version, position, now);
  await ask(SQL.key, tenant, operation);
}

/** A call of one SQL function for each posting. */
export function oneFunction(cleanup: Cleanup, product: OpenedProduct, called = 'bench_post'): Way {
  const pool = poolOf(cleanup, product);
  const call = prepared(`b.${called}`, `select ${called}($1, $2, $3, $4, $5, $6, $7, $8)`);
  return {
    name: 'one function a posting',
    post: (kind, { memberKey, ledgerKey }, amount) => {
      const key = anyKey();
      const posting = [kind, memberKey, ledgerKey, amount, v7()];
      return pool.query({ ...call, values: [product.tenantKey, key, hashOf(key), ...posting] });
    },
  };
}
