import { type Sql, statement } from '../../persistence/index.ts';
import type { LotState } from './posting.ts';
import type { ReversalOrigin } from './reversal.policy.ts';

/**
 * Where an entry's points are now: in its ledger, or in that of the member whom its member lives on in. By
 * `case`, since under row security PostgreSQL looks nothing up by what `coalesce` answers.
 */
const NOW_IN = `
     join ledger f on f.tenant_id = $1 and f.ledger_id = e.ledger_id
     join member m on m.tenant_id = $1 and m.member_id = f.member_id
     join ledger n on n.tenant_id = $1 and n.asset = f.asset
                  and n.member_id = case when m.merged_into is null then m.member_id
                                         else m.merged_into end`;
const selectOrigins = statement<Omit<ReversalOrigin, 'taken'>>(
  'operation.origins',
  `select o.operation_id as "operationKey", n.ledger_id as "ledgerKey", abs(e.amount) as original,
          e.amount < 0 as "isSpend",
          coalesce((select sum(abs(x.amount))::bigint
                      from operation r
                     cross join lateral unnest(r.ledger_ids, r.versions) as w (ledger_id, version)
                      join entry x on x.tenant_id = $1 and x.ledger_id = w.ledger_id and x.version = w.version
                     where r.tenant_id = $1 and r.ref_operation_id = o.operation_id
                       and w.ledger_id in (e.ledger_id, n.ledger_id)), 0) as reversed,
          coalesce((select sum(l.lost)::bigint from lot l
                     where l.tenant_id = $1 and e.amount > 0
                       and (l.ledger_id = e.ledger_id and l.operation_id = o.operation_id
                         or l.ledger_id = n.ledger_id and l.origin_lot_id = any(made.roots))), 0) as expired,
          made.roots
     from operation o
    cross join lateral unnest(o.ledger_ids, o.versions) as wrote (ledger_id, version)
     join entry e on e.tenant_id = $1 and e.ledger_id = wrote.ledger_id and e.version = wrote.version
     ${NOW_IN}
    cross join lateral (
      select coalesce(array_agg(r.lot_id), '{}') as roots from lot r
       where r.tenant_id = $1 and r.ledger_id = e.ledger_id and r.operation_id = o.operation_id
         and n.ledger_id <> e.ledger_id) made
    where o.tenant_id = $1 and o.operation_id = any($3::uuid[]) and n.ledger_id = any($2::uuid[])`,
);
const selectTaken = statement<LotState & { origin: string; nowIn: string; taken: bigint; place: bigint }>(
  'lot.taken',
  `select o.operation_id as origin, n.ledger_id as "nowIn", a.amount - coalesce(a.lost, 0) as taken, a.place,
          l.ledger_id as "ledgerKey", l.lot_id as "lotKey", l.operation_id as "operationKey", l.amount,
          l.remaining, l.held, l.pending, l.available_at as "availableAt", l.expires_at as "expiresAt",
          case when l.idles then l.created_at end as "createdAt", null::timestamptz as "maturedAt",
          l.origin_lot_id as "originLotKey", l.awaits, l.idles, l.portion, l.lost
     from operation o
    cross join lateral unnest(o.ledger_ids, o.versions) as wrote (ledger_id, version)
     join entry e on e.tenant_id = $1 and e.ledger_id = wrote.ledger_id and e.version = wrote.version
    cross join lateral unnest(e.lot_ids, e.taken, e.lost) with ordinality as a (lot_id, amount, lost, place)
     join lot l on l.tenant_id = $1 and l.ledger_id = e.ledger_id and l.lot_id = a.lot_id
     ${NOW_IN}
    where o.tenant_id = $1 and o.operation_id = any($3::uuid[]) and n.ledger_id = any($2::uuid[])
      and a.amount > coalesce(a.lost, 0)`,
);
const selectSuccessors = statement<{ memberKey: string; successorKey: string }>(
  'ledger.successors',
  `select member_id as "memberKey", coalesce(merged_into, member_id) as "successorKey"
     from member where tenant_id = $1 and member_id = any($2::uuid[])`,
);

/** Who members live on in, themselves if they weren't merged. */
export async function findSuccessors(
  sql: Sql,
  tenantKey: string,
  memberKeys: readonly string[],
): Promise<Map<string, string>> {
  const rows = await sql.run(selectSuccessors, [tenantKey, memberKeys]);
  return new Map(rows.map(({ memberKey, successorKey }) => [memberKey, successorKey]));
}

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
    taken: taken.flatMap(({ origin, nowIn, taken: amount, place, ...lot }) =>
      origin === one.operationKey && nowIn === one.ledgerKey && one.isSpend
        ? [{ lot, amount, place: Number(place) }]
        : [],
    ),
  }));
}
