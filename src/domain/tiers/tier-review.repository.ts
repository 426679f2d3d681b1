import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { Ladder } from './ladder.policy.ts';
import {
  changeReviewed,
  findReviewed,
  type ReviewedTier,
  type ReviewFinding,
  sumParameters,
} from './standing.repository.ts';
import { firstTiers } from './tier-tracker.ts';

/** Members from a key (exclusive) to a key (inclusive). */
export interface MemberRange {
  readonly from: string;
  readonly to: string;
}

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
   select $1, m.member_id, $2, case when m.status <> 'MERGED' then $3::text end, m.enrolled_at, m.enrolled_at
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

/** Gives rows to those who have none, and finds whom a review would change; nothing is locked yet. */
export async function findReviewable(
  tx: Transaction,
  question: ReviewQuestion,
  range: MemberRange,
): Promise<ReviewFinding> {
  const { tenantKey, ladder } = question;
  const [first] = firstTiers([ladder]);
  const [, , [found]] = await Promise.all([
    tx.run(readRanges, []),
    tx.run(insertMissing, [tenantKey, ladder.code, first?.tier ?? null, range.from, range.to]),
    tx.run(findReviewed[ladder.window], [...parameters(question), range.from, range.to]),
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
    tx.run(changeReviewed[ladder.window], [...parameters(question), memberKeys]),
  ]);
  return reviewed;
}
