import { type Sql, statement } from '../../persistence/index.ts';
import type { TierChange } from './tier-change.entity.ts';

const changeColumns = `
  tenant_id as "tenantKey", change_id as "changeKey", member_id as "memberKey", ladder, from_tier as "fromTier",
  to_tier as "toTier", cause, reason, until, changed_by as "changedBy", changed_at as "changedAt",
  announced_at as "announcedAt", extension`;

const selectChanges = statement<TierChange>(
  'tier_change.by_keys',
  `select ${changeColumns} from tier_change where tenant_id = $1 and change_id = any($2::uuid[])`,
);
const selectChangePages = statement<TierChange>(
  'tier_change.pages',
  `select p.* from unnest($2::uuid[]) as wanted (member_id)
    cross join lateral (
      select ${changeColumns} from tier_change
       where tenant_id = $1 and member_id = wanted.member_id and change_id < $3::uuid
       order by change_id desc limit $4) p`,
);
/** Those who have no row are counted apart: they hold the lowest tier, where that is for everybody. */
const countHolders = statement<{ tier: string | null; isStored: boolean; members: bigint }>(
  'tier.count_holders',
  `with stored as (
     select tier, count(*) as members from member_tier where tenant_id = $1 and ladder = $2 group by tier)
   select tier, true as "isStored", members from stored
    union all
   select null, false, (select count(*) from member where tenant_id = $1)
                       - coalesce((select sum(members) from stored), 0)::bigint`,
);

/** The tier before the first change after a moment, or else the one that is held. */
const selectTierAt = statement<{ tier: string | null; isStored: boolean }>(
  'tier.at',
  `select case when n.is_changed then n.tier else t.tier end as tier,
          coalesce(n.is_changed, false) or t.member_id is not null as "isStored"
     from (select 1) as one
     left join lateral (
       select from_tier as tier, true as is_changed from tier_change
        where tenant_id = $1 and member_id = $2 and ladder = $3 and changed_at > $4
        order by changed_at, change_id limit 1) n on true
     left join member_tier t on t.tenant_id = $1 and t.member_id = $2 and t.ladder = $3`,
);

const LAST_KEY = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export async function findChanges(
  sql: Sql,
  tenantKey: string,
  changeKeys: readonly string[],
): Promise<TierChange[]> {
  return await sql.run(selectChanges, [tenantKey, changeKeys]);
}

/** The changes of each of these members before a place, newest first. */
export async function findChangePages(
  sql: Sql,
  tenantKey: string,
  memberKeys: readonly string[],
  { before, limit }: { readonly before: string | null; readonly limit: number },
): Promise<TierChange[]> {
  return await sql.run(selectChangePages, [tenantKey, memberKeys, before ?? LAST_KEY, limit]);
}

/** The tier that a member held after all that happened by a moment; undefined where nothing is stored. */
export async function findTierCodeAt(
  sql: Sql,
  tenantKey: string,
  { memberKey, ladder, at }: { readonly memberKey: string; readonly ladder: string; readonly at: Date },
): Promise<string | null | undefined> {
  const [found] = await sql.run(selectTierAt, [tenantKey, memberKey, ladder, at]);
  return found?.isStored === true ? found.tier : undefined;
}

/**
 * How many members hold each tier of a ladder.
 * @param lowest the tier of those who have no row
 */
export async function findHolderCounts(
  sql: Sql,
  tenantKey: string,
  { ladder, lowest }: { readonly ladder: string; readonly lowest: string | null },
): Promise<Map<string | null, number>> {
  const counts = new Map<string | null, number>();
  for (const { tier, isStored, members } of await sql.run(countHolders, [tenantKey, ladder])) {
    const held = isStored ? tier : lowest;
    counts.set(held, (counts.get(held) ?? 0) + Number(members));
  }
  return counts;
}
