import { type Sql, statement } from '../../persistence/index.ts';
import type { Member } from './member.entity.ts';
import { memberColumns } from './member.repository.ts';

/** Which members are listed: those that meet every condition that isn't null. */
export interface MemberConditions {
  /** Codes of tiers of `ladder`. */
  readonly tiers: readonly string[] | null;
  /** The ladder whose tiers are meant; null where the program has none. */
  readonly ladder: string | null;
  readonly statuses: readonly string[] | null;
  readonly tags: readonly string[] | null;
  readonly from: Date | null;
  readonly before: Date | null;
}

/** Where a member stands in the list: behind those who enrolled later. */
export interface MemberPlace {
  /** A moment as PostgreSQL reads it. */
  readonly enrolledAt: string | Date;
  readonly memberKey: string;
}

export const FIRST_PLACE: MemberPlace = {
  enrolledAt: 'infinity',
  memberKey: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
};

const meets = `
      ($3::text[] is null or m.status = any($3)) and ($4::text[] is null or m.tags && $4)
      and ($5::timestamptz is null or m.enrolled_at >= $5) and ($6::timestamptz is null or m.enrolled_at < $6)`;

/** Each tier is read in the list's own order, so that a page costs a page, however rare the tier. */
const holders = `
     from unnest($7::text[]) as wanted (tier)
    cross join lateral (
      select t.enrolled_at, t.member_id
        from member_tier t join member m on m.tenant_id = $1 and m.member_id = t.member_id
       where t.tenant_id = $1 and t.ladder = $2 and t.tier = wanted.tier and ${meets}
         and (t.enrolled_at, t.member_id) < ($8::timestamptz, $9::uuid)
       order by t.enrolled_at desc, t.member_id desc limit $10) h`;

const selectByTier = statement<Member>(
  'member.list_by_tier',
  `select ${memberColumns}
     from (select h.enrolled_at, h.member_id ${holders}
            order by h.enrolled_at desc, h.member_id desc limit $10) page
     join member m on m.tenant_id = $1 and m.member_id = page.member_id
    order by page.enrolled_at desc, page.member_id desc`,
);
const selectAll = statement<Member>(
  'member.list',
  `select ${memberColumns} from member m
    where m.tenant_id = $1 and $2::text is null and ${meets}
      and (m.enrolled_at, m.member_id) < ($7::timestamptz, $8::uuid)
    order by m.enrolled_at desc, m.member_id desc limit $9`,
);
const countByTier = statement<{ count: bigint }>(
  'member.count_by_tier',
  `select count(*) as count from (select h.member_id ${holders} limit $10) as found`,
);
const countAll = statement<{ count: bigint }>(
  'member.count',
  `select count(*) as count
     from (select from member m
            where m.tenant_id = $1 and $2::text is null and ${meets}
              and (m.enrolled_at, m.member_id) < ($7::timestamptz, $8::uuid) limit $9) as found`,
);

function valuesOf(
  tenantKey: string,
  conditions: MemberConditions,
  place: MemberPlace,
  limit: number,
): unknown[] {
  const { tiers, ladder, statuses, tags, from, before } = conditions;
  const shared = [statuses, tags, from, before];
  const end = [place.enrolledAt, place.memberKey, limit];
  return tiers === null
    ? [tenantKey, null, ...shared, ...end]
    : [tenantKey, ladder, ...shared, [...new Set(tiers)], ...end];
}

/** A page of members, newest first. */
export async function findMembers(
  sql: Sql,
  tenantKey: string,
  conditions: MemberConditions,
  place: MemberPlace,
  limit: number,
): Promise<Member[]> {
  const values = valuesOf(tenantKey, conditions, place, limit);
  return await sql.run(conditions.tiers === null ? selectAll : selectByTier, values);
}

/** How many members meet the conditions; looks at no more than `most` of each tier. */
export async function countMembers(
  sql: Sql,
  tenantKey: string,
  conditions: MemberConditions,
  most: number,
): Promise<number> {
  const values = valuesOf(tenantKey, conditions, FIRST_PLACE, most);
  const [row] = await sql.run(conditions.tiers === null ? countAll : countByTier, values);
  return Number(row?.count ?? 0n);
}
