import { type Sql, type Statement, statement, type Transaction } from '../../persistence/index.ts';
import type { Ladder, SumWindow } from './ladder.policy.ts';
import { CLOCK, SUMS, sumParameters, WINDOWS } from './standing.repository.ts';
import type { ReviewCause } from './tier.policy.ts';
import { firstTiers } from './tier-tracker.ts';

/** What a review did to a member. */
export interface ReviewedTier {
  readonly memberKey: string;
  readonly from: string | null;
  readonly to: string | null;
  /** Null when only the marks of their tier have changed. */
  readonly cause: ReviewCause | null;
}

/** Members from a key (exclusive) to a key (inclusive). */
export interface MemberRange {
  readonly from: string;
  readonly to: string;
}

/**
 * `reviewed` of tier.policy.ts, said in SQL; a test holds the one against the other. Parameters after those of
 * CLOCK: $6 the tiers' codes from the lowest, $7 what reaches and $8 what keeps them, $9 the months below
 * before a warning, $10 the months after it, then those of `members`.
 */
function decisions(window: SumWindow, members: string): string {
  const localDay = (moment: string): string => `(${moment} at time zone $4)::date`;
  return `
    with ${CLOCK},
    ranked as (
      select h.member_id, h.tier, h.since, h.below_since, h.warned_at, h.hand, h.hand_until, c.now, c.today,
             case when h.tier is null then 0 else array_position($6::text[], h.tier) end as rank,
             width_bucket(greatest(s.current, s.previous, 0), $7::bigint[]) as reached,
             width_bucket(greatest(s.current, s.previous, 0), $8::bigint[]) as kept,
             h.hand is not null and coalesce(h.hand_until <= c.now, false) as is_over
        from c
       cross join member_tier h ${SUMS[window]}
       where h.tenant_id = $1 and h.ladder = $2 and ${members}),
    weighed as (
      select r.*, r.hand is not distinct from 'LOWERED' and not r.is_over as is_lowered,
             coalesce(r.below_since, r.now) as below,
             coalesce(r.warned_at, case when r.today >= ${localDay('coalesce(r.below_since, r.now)')}
                                                        + make_interval(months => $9::integer)
                                        then r.now end) as warned
        from ranked r),
    moved as (
      select w.*,
             case when w.rank is null or w.reached > w.rank and not w.is_lowered then w.reached
                  when w.hand = 'RAISED' then case when w.is_over then least(w.kept, w.rank) else w.rank end
                  when w.kept >= w.rank then w.rank
                  when $9 + $10::integer = 0 then w.kept
                  when w.today >= ${localDay('w.warned')} + make_interval(months => $10) then w.rank - 1
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
}

const IS_OTHER = `(d.next_tier, d.next_since, d.next_below, d.next_warned, d.next_hand, d.next_until)
  is distinct from (d.tier, d.since, d.below_since, d.warned_at, d.hand, d.hand_until)`;

interface Found {
  readonly reviewed: number;
  readonly memberKeys: string[];
}

function statementsOf(window: SumWindow): { find: Statement<Found>; review: Statement<ReviewedTier> } {
  const name = window.toLowerCase();
  return {
    find: statement(
      `tier.review_find_${name}`,
      `${decisions(window, 'h.member_id > $11::uuid and h.member_id <= $12::uuid')}
       select count(*)::integer as reviewed,
              coalesce(array_agg(d.member_id order by d.member_id) filter (where ${IS_OTHER}), '{}') as "memberKeys"
         from decided d`,
    ),
    review: statement(
      `tier.review_${name}`,
      `${decisions(window, 'h.member_id = any($11::uuid[])')}
       update member_tier t
          set tier = d.next_tier, since = d.next_since, below_since = d.next_below, warned_at = d.next_warned,
              hand = d.next_hand, hand_until = d.next_until
         from decided d
        where t.tenant_id = $1 and t.ladder = $2 and t.member_id = any($11::uuid[]) and t.member_id = d.member_id
          and ${IS_OTHER}
       returning t.member_id as "memberKey", d.tier as "from", d.next_tier as "to", d.cause`,
    ),
  };
}

const statements = new Map(WINDOWS.map((window) => [window, statementsOf(window)]));

/** Sessions are set up to find single rows; a review reads long ranges. */
const readRanges = statement(
  'tier.review_settings',
  `select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'on', true),
          set_config('work_mem', '64MB', true)`,
);
const selectRangeEnd = statement<{ memberKey: string }>(
  'tier.review_range',
  `select member_id as "memberKey" from member where tenant_id = $1 and member_id > $2::uuid
    order by member_id offset $3 limit 1`,
);
const insertMissing = statement(
  'tier.review_missing',
  `insert into member_tier (tenant_id, member_id, ladder, tier, since, enrolled_at)
   select $1, m.member_id, $2, $3, m.enrolled_at, m.enrolled_at
     from member m
    where m.tenant_id = $1 and m.member_id > $4::uuid and m.member_id <= $5::uuid
      and not exists (select from member_tier t
                       where t.tenant_id = $1 and t.member_id = m.member_id and t.ladder = $2)
    order by m.member_id
   on conflict do nothing`,
);
const lockRows = statement(
  'tier.review_lock',
  `select 1 as locked from member_tier where tenant_id = $1 and member_id = any($2::uuid[]) and ladder = $3
    order by member_id for no key update`,
);

const FIRST_KEY = '00000000-0000-0000-0000-000000000000';
const LAST_KEY = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** The range of the next so many members; null when there are no more. */
export async function nextRange(
  sql: Sql,
  tenantKey: string,
  after: MemberRange | null,
  members: number,
): Promise<MemberRange | null> {
  const from = after?.to ?? FIRST_KEY;
  if (from === LAST_KEY) return null;
  const [last] = await sql.run(selectRangeEnd, [tenantKey, from, members - 1]);
  return { from, to: last?.memberKey ?? LAST_KEY };
}

/** What a review asks of one ladder. */
export interface ReviewQuestion {
  readonly tenantKey: string;
  readonly ladder: Ladder;
  readonly timeZone: string;
}

function parameters({ tenantKey, ladder, timeZone }: ReviewQuestion): unknown[] {
  const { steps, monthsBelow, graceMonths } = ladder;
  return [
    ...sumParameters(tenantKey, ladder, timeZone),
    steps.map(({ code }) => code),
    steps.map(({ threshold }) => threshold),
    steps.map(({ keeps }) => keeps),
    monthsBelow,
    graceMonths,
  ];
}

function ofWindow(window: SumWindow): ReturnType<typeof statementsOf> {
  const found = statements.get(window);
  if (found === undefined) throw new Error(`There are no statements for the window ${window}.`);
  return found;
}

/** Gives rows to those who have none, and finds whom a review would change; nothing is locked yet. */
export async function findReviewable(
  tx: Transaction,
  question: ReviewQuestion,
  range: MemberRange,
): Promise<Found> {
  const { tenantKey, ladder } = question;
  const [first] = firstTiers([ladder]);
  const [, , [found]] = await Promise.all([
    tx.run(readRanges, []),
    tx.run(insertMissing, [tenantKey, ladder.code, first?.tier ?? null, range.from, range.to]),
    tx.run(ofWindow(ladder.window).find, [...parameters(question), range.from, range.to]),
  ]);
  return found ?? { reviewed: 0, memberKeys: [] };
}

/** Locks these members' tiers, looks again, and does what the review decides. */
export async function reviewMembers(
  tx: Transaction,
  question: ReviewQuestion,
  memberKeys: readonly string[],
): Promise<ReviewedTier[]> {
  const { tenantKey, ladder } = question;
  const [, reviewed] = await Promise.all([
    tx.run(lockRows, [tenantKey, memberKeys, ladder.code]),
    tx.run(ofWindow(ladder.window).review, [...parameters(question), memberKeys]),
  ]);
  return reviewed;
}
