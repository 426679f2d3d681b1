import { newKey } from '../../kernel/ids.ts';
import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { OpenDifference } from './comparison.policy.ts';
import type { DifferenceStatus, MirrorDifference } from './mirror-difference.entity.ts';

const selectPlace = statement<{ position: bigint }>(
  'reconciliation.place',
  'select position from mirror_place where tenant_id = $1',
);
const selectMoved = statement<{ ledgerKey: string; asset: string; position: bigint }>(
  'reconciliation.moved',
  `select distinct on (m.ledger_id) m.ledger_id as "ledgerKey", l.asset, max(m.feed_position) over () as position
     from (select ledger_id, feed_position from entry
            where tenant_id = $1 and feed_position > $2 order by feed_position limit $3) m
    cross join lateral (
          select asset from ledger where tenant_id = $1 and ledger_id = m.ledger_id offset 0) l
    order by m.ledger_id`,
);
const upsertPlace = statement(
  'reconciliation.move_place',
  `insert into mirror_place (tenant_id, position) values ($1, $2)
   on conflict (tenant_id) do update set position = greatest(mirror_place.position, excluded.position)`,
);
const insertChecks = statement(
  'reconciliation.add_checks',
  `insert into mirror_check (tenant_id, ledger_id, asset, due_at)
   select $1, m.ledger_id, m.asset, (select business_time())
     from unnest($2::uuid[], $3::text[]) as m (ledger_id, asset) order by m.ledger_id
   on conflict (tenant_id, ledger_id) do update set due_at = least(mirror_check.due_at, excluded.due_at)`,
);
const selectDue = statement<{ ledgerKey: string }>(
  'reconciliation.due',
  `select ledger_id as "ledgerKey" from mirror_check
    where tenant_id = $1 and asset = any($2::text[]) and due_at <= business_time()
    order by due_at limit $3`,
);
const countDue = statement<{ count: number }>(
  'reconciliation.count_due',
  'select count(*)::int as count from mirror_check where tenant_id = $1 and due_at <= business_time()',
);
/** With nothing on its way: neither asked for and not answered, nor moved since it was read. */
const selectQuiet = statement<{ ledgerKey: string; version: bigint; isAsked: boolean }>(
  'reconciliation.quiet',
  `select l.ledger_id as "ledgerKey", l.version,
          exists (select from record_change c
                   where c.tenant_id = $1 and c.ledger_id = l.ledger_id and c.status = 'ASKED') as "isAsked"
     from ledger l where l.tenant_id = $1 and l.ledger_id = any($2::uuid[])`,
);
const selectOpen = statement<OpenDifference & { ledgerKey: string; differenceKey: string }>(
  'reconciliation.open',
  `select ledger_id as "ledgerKey", difference_id as "differenceKey", mirror, record, version,
          confirmed_at is not null as "isConfirmed"
     from mirror_difference
    where tenant_id = $1 and ledger_id = any($2::uuid[]) and settled_at is null`,
);
const updateChecks = statement(
  'reconciliation.checked',
  `update mirror_check m
      set checked_at = (select business_time()),
          due_at = (select business_time()) + c.seconds * interval '1 second'
     from unnest($2::uuid[], $3::int[]) as c (ledger_id, seconds)
    where m.tenant_id = $1 and m.ledger_id = c.ledger_id`,
);
const upsertDifference = statement<{ differenceKey: string }>(
  'reconciliation.differs',
  `insert into mirror_difference (tenant_id, difference_id, ledger_id, member_id, asset, mirror, record, version,
                                  first_seen_at, confirmed_at)
   select $1, $2, $3, $4, $5, $6, $7, $8, n.now, case when $9 then n.now end
     from (select business_time() as now) n
   on conflict (tenant_id, ledger_id) where settled_at is null do update
      set mirror = excluded.mirror, record = excluded.record, version = excluded.version,
          first_seen_at = case when $9 then mirror_difference.first_seen_at else excluded.first_seen_at end,
          confirmed_at = coalesce(mirror_difference.confirmed_at, excluded.confirmed_at)
   returning difference_id as "differenceKey"`,
);
/** One that was never confirmed is forgotten: it was on its way. */
const deleteUnconfirmed = statement(
  'reconciliation.forget',
  `delete from mirror_difference
    where tenant_id = $1 and ledger_id = any($2::uuid[]) and settled_at is null and confirmed_at is null`,
);
const settleOpen = statement(
  'reconciliation.settle',
  `update mirror_difference d set settled_at = (select business_time()), settled_by = $3
    where d.tenant_id = $1 and d.ledger_id = any($2::uuid[]) and d.settled_at is null`,
);

const differenceColumns = `
  tenant_id as "tenantKey", difference_id as "differenceKey", ledger_id as "ledgerKey", member_id as "memberKey",
  asset, mirror, record, version, first_seen_at as "firstSeenAt", confirmed_at as "confirmedAt",
  settled_at as "settledAt", settled_by as "settledBy"`;
const selectPage = statement<MirrorDifference>(
  'reconciliation.page',
  `select ${differenceColumns} from mirror_difference
    where tenant_id = $1 and confirmed_at is not null and difference_id < $2
      and ($3::text is null or asset = $3)
      and ($4::text is null or $4 = coalesce(settled_by, 'OPEN'))
    order by difference_id desc limit $5`,
);
const countOpen = statement<{ count: number }>(
  'reconciliation.count_open',
  `select count(*)::int as count from mirror_difference
    where tenant_id = $1 and confirmed_at is not null and settled_at is null`,
);
const selectDays = statement<StoredDay>(
  'reconciliation.days',
  `select to_char(confirmed_at at time zone $2, 'YYYY-MM-DD') as day, asset, count(*)::int as found,
          count(settled_at)::int as settled,
          coalesce(sum(record::numeric - mirror) filter (where record > mirror), 0)::text as above,
          coalesce(sum(mirror::numeric - record) filter (where record < mirror), 0)::text as below
     from mirror_difference
    where tenant_id = $1 and confirmed_at is not null
    group by 1, asset order by 1 desc, asset limit $3`,
);

/** The differences of one day in one asset. */
export interface StoredDay {
  readonly day: string;
  readonly asset: string;
  readonly found: number;
  readonly settled: number;
  readonly above: string;
  readonly below: string;
}

/** Finds mirrors that moved since the last time, a few thousand entries at most; whether there are more. */
export async function followFeed(
  tx: Transaction,
  tenantKey: string,
  assets: readonly string[],
  limit: number,
): Promise<boolean> {
  const [place] = await tx.run(selectPlace, [tenantKey]);
  const moved = await tx.run(selectMoved, [tenantKey, place?.position ?? 0n, limit]);
  const [first] = moved;
  if (first === undefined) return false;
  const own = moved.filter(({ asset }) => assets.includes(asset));
  const keys = own.map(({ ledgerKey }) => ledgerKey);
  if (own.length > 0) await tx.run(insertChecks, [tenantKey, keys, own.map(({ asset }) => asset)]);
  await tx.run(upsertPlace, [tenantKey, first.position]);
  return true;
}

/** Mirrors that are to be compared, those first that have waited longest. */
export async function findDue(
  sql: Sql,
  tenantKey: string,
  assets: readonly string[],
  limit: number,
): Promise<string[]> {
  const rows = await sql.run(selectDue, [tenantKey, assets, limit]);
  return rows.map(({ ledgerKey }) => ledgerKey);
}

export async function findQuiet(sql: Sql, tenantKey: string, ledgerKeys: readonly string[]) {
  return await sql.run(selectQuiet, [tenantKey, ledgerKeys]);
}

export async function findOpen(sql: Sql, tenantKey: string, ledgerKeys: readonly string[]) {
  return await sql.run(selectOpen, [tenantKey, ledgerKeys]);
}

/** Says when mirrors are to be looked at again, in seconds from now. */
export async function recordChecks(
  tx: Transaction,
  tenantKey: string,
  checks: readonly { readonly ledgerKey: string; readonly seconds: number }[],
): Promise<void> {
  const keys = checks.map(({ ledgerKey }) => ledgerKey);
  await tx.run(updateChecks, [tenantKey, keys, checks.map(({ seconds }) => seconds)]);
}

/** Keeps a difference, as it was seen now; answers its key. */
export async function recordDifference(
  tx: Transaction,
  difference: Pick<
    MirrorDifference,
    'tenantKey' | 'ledgerKey' | 'memberKey' | 'asset' | 'mirror' | 'record' | 'version'
  > & { readonly isConfirmed: boolean },
): Promise<string> {
  const { tenantKey, ledgerKey, memberKey, asset, mirror, record, version, isConfirmed } = difference;
  const values = [tenantKey, newKey(), ledgerKey, memberKey, asset, mirror, record, version, isConfirmed];
  const [row] = await tx.run(upsertDifference, values);
  if (row === undefined) throw new Error('A difference was not kept.');
  return row.differenceKey;
}

export async function settleDifferences(
  tx: Transaction,
  tenantKey: string,
  ledgerKeys: readonly string[],
  by: 'AGREED' | 'ADOPTED',
): Promise<void> {
  await tx.run(deleteUnconfirmed, [tenantKey, ledgerKeys]);
  await tx.run(settleOpen, [tenantKey, ledgerKeys, by]);
}

export interface DifferenceFilter {
  readonly asset: string | null;
  readonly status: DifferenceStatus | null;
}

const LAST_KEY = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** One more than asked for, newest first. */
export async function findDifferences(
  sql: Sql,
  tenantKey: string,
  { asset, status }: DifferenceFilter,
  { before, first }: { readonly before: string | null; readonly first: number },
): Promise<MirrorDifference[]> {
  return await sql.run(selectPage, [tenantKey, before ?? LAST_KEY, asset, status, first + 1]);
}

export async function findDays(
  sql: Sql,
  tenantKey: string,
  timeZone: string,
  limit: number,
): Promise<StoredDay[]> {
  return await sql.run(selectDays, [tenantKey, timeZone, limit]);
}

/** How many differences are open, and how many mirrors wait to be compared. */
export async function countAll(sql: Sql, tenantKey: string): Promise<{ open: number; waiting: number }> {
  const [[open], [waiting]] = await Promise.all([
    sql.run(countOpen, [tenantKey]),
    sql.run(countDue, [tenantKey]),
  ]);
  return { open: open?.count ?? 0, waiting: waiting?.count ?? 0 };
}
