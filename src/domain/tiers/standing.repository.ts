import { type Sql, type Statement, statement } from '../../persistence/index.ts';
import type { Ladder, SumWindow } from './ladder.policy.ts';
import type { HeldTier, Sums } from './tier.policy.ts';

/** How a member stands in one ladder, at business time. */
export interface StandingRow extends HeldTier, Sums {
  readonly memberKey: string;
  readonly enrolledAt: Date;
  readonly now: Date;
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

/** Sums are of 64 bits: beyond them, more is as good as the most. */
function clamped(sum: string): string {
  return `least(greatest(coalesce(${sum}, 0), -9223372036854775808), 9223372036854775807)::bigint`;
}

/**
 * What statements about sums begin with. Parameters: $1 the tenant, $2 the ladder, $3 what it counts (one
 * metric, or tags), $4 the time zone, $5 how many days a rolling window has.
 */
export const CLOCK = `
  c as materialized (
    select n.now, (n.now at time zone $4)::date as today, date_trunc('year', n.now at time zone $4)::date as year,
           $2::text as ladder, $3::text[] as counted, $5::integer as days
      from (select business_time() as now) n)`;

const OWN_DAYS = `metric_day d where d.tenant_id = $1 and d.member_id = h.member_id and d.metric = $3[1]`;

function twoYears(start: string, before: string, after: string): string {
  return `
    cross join lateral (
      select ${clamped(`sum(d.amount) filter (where d.day >= ${start})`)} as current,
             ${clamped(`sum(d.amount) filter (where d.day < ${start})`)} as previous
        from ${OWN_DAYS} and d.day >= ${before} and d.day < ${after}) s`;
}

function oneSpan(bounds: string): string {
  return `
    cross join lateral (
      select ${clamped('sum(d.amount)')} as current, 0::bigint as previous from ${OWN_DAYS}${bounds}) s`;
}

const year = (years: string): string => `(e.day + make_interval(years => ${years}))::date`;

/** What a ladder counts of the members `h` at the time `c`, as `s`: in this window, and in the year before. */
export const SUMS: Readonly<Record<SumWindow, string>> = {
  LIFETIME: oneSpan(''),
  ROLLING_DAYS: oneSpan(' and d.day > c.today - c.days and d.day <= c.today'),
  CALENDAR_YEAR: twoYears(
    'c.year',
    `(c.year - make_interval(years => 1))::date`,
    `(c.year + make_interval(years => 1))::date`,
  ),
  // The anniversary of 29 February is 28 February where there is no other.
  ENROLMENT_YEAR: `
    cross join lateral (select (h.enrolled_at at time zone $4)::date as day) e
    cross join lateral (select (extract(year from c.today) - extract(year from e.day))::integer as years) y
    cross join lateral (select y.years - (${year('y.years')} > c.today)::integer as years) b
    ${twoYears(year('b.years'), year('b.years - 1'), year('b.years + 1'))}`,
  TAGS: `
    cross join lateral (
      select coalesce((select cardinality(array(select unnest(m.tags) intersect select unnest($3::text[])))
                         from member m where m.tenant_id = $1 and m.member_id = h.member_id), 0)::bigint as current,
             0::bigint as previous) s`,
};

export const WINDOWS = Object.keys(SUMS) as SumWindow[];

function standingsOf(window: SumWindow): Statement<StoredRow> {
  return statement(
    `tier.standings_${window.toLowerCase()}`,
    `with ${CLOCK}
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
            on t.tenant_id = $1 and t.member_id = k.member_id and t.member_id = any($6::uuid[]) and t.ladder = $2) h
      ${SUMS[window]}`,
  );
}

const selectStandings = new Map(WINDOWS.map((window) => [window, standingsOf(window)]));

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
  const select = selectStandings.get(ladder.window);
  if (select === undefined) throw new Error(`There is no statement for the window ${ladder.window}.`);
  const rows = await sql.run(select, [...sumParameters(tenantKey, ladder, timeZone), memberKeys]);
  return rows.flatMap(({ isStored, enrolledAt, ...row }) => {
    if (enrolledAt === null) return [];
    if (isStored) return [{ ...row, enrolledAt }];
    // A missing row means the lowest tier, where that is for everybody.
    const tier = ladder.steps[0]?.threshold === 0n ? ladder.steps[0].code : null;
    return [{ ...row, enrolledAt, tier, since: enrolledAt }];
  });
}
