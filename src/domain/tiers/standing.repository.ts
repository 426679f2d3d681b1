import { type Sql, type Statement, statement } from '../../persistence/index.ts';
import type { Ladder, SumWindow } from './ladder.policy.ts';
import type { HeldTier, ReviewCause, Sums } from './tier.policy.ts';

/** How a member stands in one ladder, at business time. */
export interface StandingRow extends HeldTier, Sums {
  readonly memberKey: string;
  readonly enrolledAt: Date;
  readonly now: Date;
}

/** What a review found in a range of members. */
export interface ReviewFinding {
  readonly reviewed: number;
  readonly memberKeys: string[];
}

/** What a review did to a member. */
export interface ReviewedTier {
  readonly memberKey: string;
  readonly from: string | null;
  readonly to: string | null;
  /** Null when only the marks of their tier have changed. */
  readonly cause: ReviewCause | null;
}

/** As read: null throughout for a member who has no row. */
interface StoredRow extends Sums {
  readonly memberKey: string;
  readonly isStored: boolean;
  readonly tier: string | null;
  readonly since: Date;
  readonly belowSince: Date | null;
  readonly warnedAt: Date | null;
  readonly hand: HeldTier['hand'];
  readonly handUntil: Date | null;
  readonly enrolledAt: Date | null;
  readonly now: Date;
}

/**
 * What statements about sums begin with. Parameters: $1 the tenant, $2 the ladder, $3 what it counts (one
 * metric, or tags), $4 the time zone, $5 how many days a rolling window has.
 */
const CLOCK = `
  c as materialized (
    select n.now, (n.now at time zone $4)::date as today, date_trunc('year', n.now at time zone $4)::date as year,
           $2::text as ladder, $3::text[] as counted, $5::integer as days
      from (select business_time() as now) n)`;

/** Sums are of 64 bits: beyond them, more is as good as the most. */
const LEAST = '-9223372036854775808';
const MOST = '9223372036854775807';
const ALL = `least(greatest(coalesce(sum(d.amount), 0), ${LEAST}), ${MOST})::bigint`;
const OWN_DAYS = `metric_day d where d.tenant_id = $1 and d.member_id = h.member_id and d.metric = $3[1]`;

// What a ladder counts of members `h` at the time `c`, as `s`: in the window around now, and in the year before.
const LIFETIME = `
  cross join lateral (select ${ALL} as current, 0::bigint as previous from ${OWN_DAYS}) s`;
const ROLLING_DAYS = `
  cross join lateral (
    select ${ALL} as current, 0::bigint as previous
      from ${OWN_DAYS} and d.day > c.today - c.days and d.day <= c.today) s`;
const TWO_YEARS = `
  cross join lateral (
    select least(greatest(coalesce(sum(d.amount) filter (where d.day >= y.start), 0),
                          ${LEAST}), ${MOST})::bigint as current,
           least(greatest(coalesce(sum(d.amount) filter (where d.day < y.start), 0),
                          ${LEAST}), ${MOST})::bigint as previous
      from ${OWN_DAYS} and d.day >= y.before and d.day < y.after) s`;
const CALENDAR_YEAR = `
  cross join lateral (
    select c.year as start, (c.year - make_interval(years => 1))::date as before,
           (c.year + make_interval(years => 1))::date as after) y
  ${TWO_YEARS}`;
/** The anniversary of 29 February is 28 February where there is no other. */
const ENROLMENT_YEAR = `
  cross join lateral (select (h.enrolled_at at time zone $4)::date as day) e
  cross join lateral (select (extract(year from c.today) - extract(year from e.day))::integer as years) n
  cross join lateral (
    select n.years - ((e.day + make_interval(years => n.years))::date > c.today)::integer as years) b
  cross join lateral (
    select (e.day + make_interval(years => b.years))::date as start,
           (e.day + make_interval(years => b.years - 1))::date as before,
           (e.day + make_interval(years => b.years + 1))::date as after
    offset 0) y
  ${TWO_YEARS}`;
const TAGS = `
  cross join lateral (
    select coalesce((select cardinality(array(select unnest(m.tags) intersect select unnest($3::text[])))
                       from member m
                      where m.tenant_id = $1 and m.member_id = h.member_id), 0)::bigint as current,
           0::bigint as previous) s`;

const STANDINGS = `
  with ${CLOCK}
  select h.member_id as "memberKey", h.is_stored as "isStored", h.tier, h.since, h.below_since as "belowSince",
         h.warned_at as "warnedAt", h.hand, h.hand_until as "handUntil", h.enrolled_at as "enrolledAt",
         c.now, s.current, s.previous
    from c
   cross join (
     select k.member_id, t.member_id is not null as is_stored, t.tier, t.since, t.below_since, t.warned_at,
            t.hand, t.hand_until,
            coalesce(t.enrolled_at, (select m.enrolled_at from member m
                                      where m.tenant_id = $1 and m.member_id = k.member_id)) as enrolled_at
       from unnest($6::uuid[]) as k (member_id)
       left join member_tier t
         on t.tenant_id = $1 and t.member_id = k.member_id and t.member_id = any($6::uuid[]) and t.ladder = $2) h`;

const selectStandings: Readonly<Record<SumWindow, Statement<StoredRow>>> = {
  LIFETIME: statement('tier.standings_lifetime', `${STANDINGS} ${LIFETIME}`),
  ROLLING_DAYS: statement('tier.standings_rolling_days', `${STANDINGS} ${ROLLING_DAYS}`),
  CALENDAR_YEAR: statement('tier.standings_calendar_year', `${STANDINGS} ${CALENDAR_YEAR}`),
  ENROLMENT_YEAR: statement('tier.standings_enrolment_year', `${STANDINGS} ${ENROLMENT_YEAR}`),
  TAGS: statement('tier.standings_tags', `${STANDINGS} ${TAGS}`),
};

/**
 * `reviewed` of tier.policy.ts, said in SQL; a test holds the one against the other. Parameters after those of
 * CLOCK: $6 the tiers' codes from the lowest, $7 what reaches and $8 what keeps them, $9 the months below
 * before a warning, $10 the months after it, then those of the members.
 */
const RANKED = `
  with ${CLOCK},
  ranked as (
    select h.member_id, h.tier, h.since, h.below_since, h.warned_at, h.hand, h.hand_until, c.now, c.today,
           case when h.tier is null then 0 else array_position($6::text[], h.tier) end as rank,
           width_bucket(greatest(s.current, s.previous, 0), $7::bigint[]) as reached,
           width_bucket(greatest(s.current, s.previous, 0), $8::bigint[]) as kept,
           h.hand is not null and coalesce(h.hand_until <= c.now, false) as is_over
      from c
     cross join member_tier h`;
/** Whoever was merged has no tier, and gets none again. */
const NOT_MERGED = `
       and (h.tier is not null or not exists (
         select from member m where m.tenant_id = $1 and m.member_id = h.member_id and m.status = 'MERGED'))),`;
const IN_RANGE = `
     where h.tenant_id = $1 and h.ladder = $2 and h.member_id > $11::uuid and h.member_id <= $12::uuid
     ${NOT_MERGED}`;
const OF_KEYS = `
     where h.tenant_id = $1 and h.ladder = $2 and h.member_id = any($11::uuid[])
     ${NOT_MERGED}`;
const DECIDED = `
  weighed as (
    select r.*, r.hand is not distinct from 'LOWERED' and not r.is_over as is_lowered,
           coalesce(r.below_since, r.now) as below,
           coalesce(r.warned_at,
                    case when r.today >= (coalesce(r.below_since, r.now) at time zone $4)::date
                                         + make_interval(months => $9::integer)
                         then r.now end) as warned
      from ranked r),
  moved as (
    select w.*,
           case when w.rank is null or w.reached > w.rank and not w.is_lowered then w.reached
                when w.hand = 'RAISED' then case when w.is_over then least(w.kept, w.rank) else w.rank end
                when w.kept >= w.rank then w.rank
                when $9 + $10::integer = 0 then w.kept
                when w.today >= (w.warned at time zone $4)::date + make_interval(months => $10)
                  then w.rank - 1
                else w.rank end as target,
           w.rank is not null and (w.reached <= w.rank or w.is_lowered) and w.hand is distinct from 'RAISED'
             and w.kept < w.rank and $9 + $10 > 0 as is_waiting,
           case when w.rank is null then null
                when w.is_lowered then 'LOWERED'
                when w.hand = 'RAISED' and not w.is_over and w.reached < w.rank then 'RAISED' end as next_hand
      from weighed w),
  decided as (
    select m.*, ($6::text[])[m.target] as next_tier,
           case when ($6::text[])[m.target] is distinct from m.tier then m.now else m.since end as next_since,
           case when not m.is_waiting then null
                when m.target = m.rank then m.below
                when m.kept < m.target then m.now end as next_below,
           case when not m.is_waiting then null
                when m.target = m.rank then m.warned
                when m.kept < m.target and $9 = 0 then m.now end as next_warned,
           case when m.next_hand is not null then m.hand_until end as next_until,
           case when ($6::text[])[m.target] is not distinct from m.tier then null
                when m.rank is null then 'PROGRAM'
                when m.is_over and (m.hand = 'RAISED' or m.reached > m.rank) then 'HAND_ENDED'
                else 'REVIEWED' end as cause
      from moved m)`;
const IS_OTHER = `
  (d.next_tier, d.next_since, d.next_below, d.next_warned, d.next_hand, d.next_until)
  is distinct from (d.tier, d.since, d.below_since, d.warned_at, d.hand, d.hand_until)`;
const FIND = `
  select count(*)::integer as reviewed,
         coalesce(array_agg(d.member_id order by d.member_id) filter (where ${IS_OTHER}), '{}') as "memberKeys"
    from decided d`;
const CHANGE = `
  update member_tier t
     set tier = d.next_tier, since = d.next_since, below_since = d.next_below, warned_at = d.next_warned,
         hand = d.next_hand, hand_until = d.next_until
    from decided d
   where t.tenant_id = $1 and t.ladder = $2 and t.member_id = any($11::uuid[]) and t.member_id = d.member_id
     and ${IS_OTHER}
  returning t.member_id as "memberKey", d.tier as "from", d.next_tier as "to", d.cause`;

/** Whom of a range of members a review would change, and how many they are. */
export const findReviewed: Readonly<Record<SumWindow, Statement<ReviewFinding>>> = {
  LIFETIME: statement('tier.review_find_lifetime', `${RANKED} ${LIFETIME} ${IN_RANGE} ${DECIDED} ${FIND}`),
  ROLLING_DAYS: statement(
    'tier.review_find_rolling_days',
    `${RANKED} ${ROLLING_DAYS} ${IN_RANGE} ${DECIDED} ${FIND}`,
  ),
  CALENDAR_YEAR: statement(
    'tier.review_find_calendar_year',
    `${RANKED} ${CALENDAR_YEAR} ${IN_RANGE} ${DECIDED} ${FIND}`,
  ),
  ENROLMENT_YEAR: statement(
    'tier.review_find_enrolment_year',
    `${RANKED} ${ENROLMENT_YEAR} ${IN_RANGE} ${DECIDED} ${FIND}`,
  ),
  TAGS: statement('tier.review_find_tags', `${RANKED} ${TAGS} ${IN_RANGE} ${DECIDED} ${FIND}`),
};

/** Does what a review decides about these members. */
export const changeReviewed: Readonly<Record<SumWindow, Statement<ReviewedTier>>> = {
  LIFETIME: statement('tier.review_lifetime', `${RANKED} ${LIFETIME} ${OF_KEYS} ${DECIDED} ${CHANGE}`),
  ROLLING_DAYS: statement(
    'tier.review_rolling_days',
    `${RANKED} ${ROLLING_DAYS} ${OF_KEYS} ${DECIDED} ${CHANGE}`,
  ),
  CALENDAR_YEAR: statement(
    'tier.review_calendar_year',
    `${RANKED} ${CALENDAR_YEAR} ${OF_KEYS} ${DECIDED} ${CHANGE}`,
  ),
  ENROLMENT_YEAR: statement(
    'tier.review_enrolment_year',
    `${RANKED} ${ENROLMENT_YEAR} ${OF_KEYS} ${DECIDED} ${CHANGE}`,
  ),
  TAGS: statement('tier.review_tags', `${RANKED} ${TAGS} ${OF_KEYS} ${DECIDED} ${CHANGE}`),
};

/** The parameters that every statement about a ladder's sums begins with. */
export function sumParameters(tenantKey: string, ladder: Ladder, timeZone: string): readonly unknown[] {
  const { metric, definition } = ladder;
  const counted = metric.of === 'TAGS' ? metric.tags : [definition.metric];
  return [tenantKey, ladder.code, counted, timeZone, ladder.windowDays];
}

/** How members stand in a ladder; nothing for those whom the tenant doesn't have. One statement for all. */
export async function findStandings(
  sql: Sql,
  tenantKey: string,
  { ladder, timeZone }: { readonly ladder: Ladder; readonly timeZone: string },
  memberKeys: readonly string[],
): Promise<StandingRow[]> {
  const rows = await sql.run(selectStandings[ladder.window], [
    ...sumParameters(tenantKey, ladder, timeZone),
    memberKeys,
  ]);
  return rows.flatMap(({ isStored, enrolledAt, ...row }) => {
    if (enrolledAt === null) return [];
    if (isStored) return [{ ...row, enrolledAt }];
    // A missing row means the lowest tier, where that is for everybody.
    const tier = ladder.steps[0]?.threshold === 0n ? ladder.steps[0].code : null;
    return [{ ...row, enrolledAt, tier, since: enrolledAt }];
  });
}
