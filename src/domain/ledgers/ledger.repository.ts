import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { LedgerState, LotState } from './posting.ts';

/** One by one in the order in which they come, each by its whole key. */
const lockLedgers = statement<LockedLedger>(
  'ledger.lock',
  `select l.* from unnest($2::uuid[]) as k (ledger_id)
    cross join lateral (
      select tenant_id as "tenantKey", ledger_id as "ledgerKey", member_id as "memberKey", asset, posted, pending,
             held, debt, version, recorded_at as "recordedAt", settle_at as "settleAt"
        from ledger where tenant_id = $1 and ledger_id = k.ledger_id for update) l`,
);
/** Ordered so that the primary key is the cheapest way, also on an empty table. */
const selectStatuses = statement<{ memberKey: string; status: string }>(
  'ledger.member_status',
  `select member_id as "memberKey", status from member where tenant_id = $1 and member_id = any($2::uuid[])
    order by member_id`,
);
const insertLedgers = statement(
  'ledger.ensure',
  `insert into ledger (tenant_id, ledger_id, member_id, asset, floor)
   select $1, * from unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[]) on conflict do nothing`,
);
/** What is usual is null on the way: a spend reads many. */
type OpenLot = Omit<LotState, 'held' | 'lost' | 'pending'> & {
  held: bigint | null;
  lost: bigint | null;
  pending: boolean | null;
};
const selectOpenLots = statement<OpenLot>(
  'lot.open',
  `select ledger_id as "ledgerKey", lot_id as "lotKey", operation_id as "operationKey", amount, remaining,
          nullif(held, 0) as held, nullif(pending, false) as pending, available_at as "availableAt",
          expires_at as "expiresAt", idles_since as "createdAt",
          null::timestamptz as "maturedAt", origin_lot_id as "originLotKey", awaits,
          nullif(idles_since is not null, false) as idles, portion, nullif(lost, 0) as lost,
          case when held > 0 then (
            select json_agg(json_build_object(
                     'part', p.amount::text, 'holdKey', h.hold_id, 'operationKey', h.operation_id,
                     'amount', h.amount::text, 'captured', h.captured::text, 'released', h.released::text,
                     'expiresAt', extract(epoch from h.expires_at) * 1000,
                     'createdAt', extract(epoch from h.created_at) * 1000))
              from hold h
             cross join lateral (
               select sum(a.amount) as amount from hold_lot a
                where a.tenant_id = $1 and a.ledger_id = h.ledger_id and a.hold_id = h.hold_id
                  and a.lot_id = o.lot_id) p
             where h.tenant_id = $1 and h.ledger_id = o.ledger_id and h.status = 'ACTIVE' and p.amount > 0)
          end as "heldBy"
     from open_lot o where tenant_id = $1 and ledger_id = any($2::uuid[])
    order by ledger_id, expires_at, lot_id`,
);
/** A ledger that a posting needs, whether it exists yet or not. */
export interface WantedLedger {
  readonly ledgerKey: string;
  readonly memberKey: string;
  readonly asset: string;
  readonly floor: bigint | null;
}

/** A ledger's row. */
export type LockedLedger = Omit<LedgerState, 'policy'>;

/** Locks ledgers in the order of their keys, so that no two postings wait for each other. */
export async function lockExisting(
  tx: Transaction,
  tenantKey: string,
  keys: readonly string[],
): Promise<LockedLedger[]> {
  return await tx.run(lockLedgers, [tenantKey, keys.toSorted()]);
}

export async function insertMissing(
  tx: Sql,
  tenantKey: string,
  wanted: readonly WantedLedger[],
): Promise<void> {
  await tx.run(insertLedgers, [
    tenantKey,
    wanted.map(({ ledgerKey }) => ledgerKey),
    wanted.map(({ memberKey }) => memberKey),
    wanted.map(({ asset }) => asset),
    wanted.map(({ floor }) => floor),
  ]);
}

export async function findMemberStatuses(
  sql: Sql,
  tenantKey: string,
  memberKeys: readonly string[],
): Promise<Map<string, string>> {
  const rows = await sql.run(selectStatuses, [tenantKey, memberKeys]);
  return new Map(rows.map(({ memberKey, status }) => [memberKey, status]));
}

export async function findOpenLots(
  tx: Sql,
  tenantKey: string,
  ledgerKeys: readonly string[],
): Promise<LotState[]> {
  const rows = await tx.run(selectOpenLots, [tenantKey, ledgerKeys]);
  return rows.map((row) => {
    const { held, lost, pending } = row;
    return Object.assign(row, { held: held ?? 0n, lost: lost ?? 0n, pending: pending ?? false });
  });
}
