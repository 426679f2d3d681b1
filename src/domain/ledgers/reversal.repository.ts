import { type Sql, statement } from '../../persistence/index.ts';
import type { LotState } from './posting.ts';
import type { ReversalOrigin } from './reversal.policy.ts';

const selectOrigins = statement<Omit<ReversalOrigin, 'taken'>>(
  'operation.origins',
  `select o.operation_id as "operationKey", e.ledger_id as "ledgerKey", abs(e.amount) as original,
          e.amount < 0 as "isSpend",
          coalesce((select sum(abs(x.amount))::bigint
                      from operation r
                     cross join lateral unnest(r.ledger_ids, r.versions) as w (ledger_id, version)
                      join entry x on x.tenant_id = $1 and x.ledger_id = w.ledger_id and x.version = w.version
                     where r.tenant_id = $1 and r.ref_operation_id = o.operation_id
                       and w.ledger_id = e.ledger_id), 0) as reversed,
          coalesce((select sum(case when t.kind = 'EXPIRE' then a.amount else a.expired end)::bigint
                      from lot l
                      join allocation a on a.tenant_id = $1 and a.ledger_id = l.ledger_id
                                       and a.lot_id = l.lot_id
                      join operation t on t.tenant_id = $1 and t.operation_id = a.operation_id
                     where l.tenant_id = $1 and l.ledger_id = e.ledger_id and e.amount > 0
                       and l.operation_id = o.operation_id), 0) as expired
     from operation o
    cross join lateral unnest(o.ledger_ids, o.versions) as wrote (ledger_id, version)
     join entry e on e.tenant_id = $1 and e.ledger_id = wrote.ledger_id and e.version = wrote.version
    where o.tenant_id = $1 and o.operation_id = any($3::uuid[]) and e.ledger_id = any($2::uuid[])`,
);
const selectTaken = statement<LotState & { origin: string; taken: bigint }>(
  'lot.taken',
  `select a.operation_id as origin, a.amount - a.expired as taken,
          l.ledger_id as "ledgerKey", l.lot_id as "lotKey", l.operation_id as "operationKey", l.amount,
          l.remaining, l.held, l.pending, l.available_at as "availableAt", l.expires_at as "expiresAt",
          l.created_at as "createdAt", l.matured_at as "maturedAt", l.origin_lot_id as "originLotKey"
     from allocation a
     join lot l on l.tenant_id = $1 and l.ledger_id = a.ledger_id and l.lot_id = a.lot_id
    where a.tenant_id = $1 and a.operation_id = any($3::uuid[]) and a.ledger_id = any($2::uuid[])
      and a.amount > a.expired`,
);

/** What is known of operations that are undone, in these ledgers, which are locked. */
export async function findReversalOrigins(
  tx: Sql,
  tenantKey: string,
  ledgerKeys: readonly string[],
  operationKeys: readonly string[],
): Promise<ReversalOrigin[]> {
  const values = [tenantKey, ledgerKeys, operationKeys];
  const [origins, taken] = await Promise.all([tx.run(selectOrigins, values), tx.run(selectTaken, values)]);
  return origins.map((one) => ({
    ...one,
    taken: taken.flatMap(({ origin, taken: amount, ...lot }) =>
      origin === one.operationKey && lot.ledgerKey === one.ledgerKey && one.isSpend ? [{ lot, amount }] : [],
    ),
  }));
}
