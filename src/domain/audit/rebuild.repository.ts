import { type Sql, statement } from '../../persistence/index.ts';
import type { BreachRow } from './law.ts';

/** What all ledgers of one asset came to at a moment. */
export interface AssetTotals {
  readonly asset: string;
  readonly ledgers: bigint;
  readonly posted: bigint;
  readonly pending: bigint;
  readonly held: bigint;
}

/** The sums of each ledger's entries up to a moment, and the values that its last one then wrote down. */
const REBUILT = `
  select e.ledger_id, sum(e.posted_delta)::bigint as posted, sum(e.pending_delta)::bigint as pending,
         sum(e.held_delta)::bigint as held, max(e.version) as last_version, count(*) as entries
    from entry e
   where e.tenant_id = $1 and ($2::timestamptz is null or e.recorded_at <= $2) group by e.ledger_id`;

/** Sums of many ledgers may be greater than a bigint of PostgreSQL. */
const selectTotals = statement<{
  asset: string;
  ledgers: bigint;
  posted: string;
  pending: string;
  held: string;
}>(
  'audit.rebuild_totals',
  `select l.asset, count(*) as ledgers, sum(r.posted)::text as posted, sum(r.pending)::text as pending,
          sum(r.held)::text as held
     from (${REBUILT}) r join ledger l on l.tenant_id = $1 and l.ledger_id = r.ledger_id
    group by l.asset order by l.asset`,
);
const selectPast = statement<BreachRow>(
  'audit.rebuild_past',
  `select b.*, count(*) over () as violations from (
     select r.ledger_id, r.posted, r.pending, r.held, e.posted_after, e.pending_after, e.held_after
       from (${REBUILT}) r
       join entry e on e.tenant_id = $1 and e.ledger_id = r.ledger_id and e.version = r.last_version
      where (r.posted, r.pending, r.held, r.entries)
              is distinct from (e.posted_after, e.pending_after, e.held_after, r.last_version)) b limit 20`,
);
const selectPresent = statement<BreachRow>(
  'audit.rebuild_present',
  `select b.*, count(*) over () as violations from (
     select ledger_id, l.posted, l.pending, l.held, r.posted as posted_rebuilt, r.pending as pending_rebuilt,
            r.held as held_rebuilt
       from (select * from ledger where tenant_id = $1) l full join (${REBUILT}) r using (ledger_id)
      where (l.posted, l.pending, l.held)
              is distinct from (coalesce(r.posted, 0), coalesce(r.pending, 0), coalesce(r.held, 0))) b
    limit 20`,
);

/** The totals of each asset at a moment (null = now), from entries alone. */
export async function findTotals(sql: Sql, tenantKey: string, at: Date | null): Promise<AssetTotals[]> {
  const rows = await sql.run(selectTotals, [tenantKey, at]);
  return rows.map(({ asset, ledgers, posted, pending, held }) => ({
    ...{ asset, ledgers },
    ...{ posted: BigInt(posted), pending: BigInt(pending), held: BigInt(held) },
  }));
}

/**
 * The first ledgers that entries don't add up to: as they stand now, or as their last entry up to a moment
 * says that they stood.
 */
export async function findUnrebuilt(sql: Sql, tenantKey: string, at: Date | null): Promise<BreachRow[]> {
  return await sql.run(at === null ? selectPresent : selectPast, [tenantKey, at]);
}
