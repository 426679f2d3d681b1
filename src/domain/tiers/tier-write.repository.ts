import { type EventTypes, emitEvents, type FeedEvent } from '../../events/index.ts';
import { newKey } from '../../kernel/ids.ts';
import { sparse, statement, type Transaction } from '../../persistence/index.ts';
import type { ExtensionReference } from '../ledgers/index.ts';
import { type Ladders, rankOf } from './ladder.policy.ts';
import type { HeldTier } from './tier.policy.ts';
import type { TierChangeCause } from './tier-change.entity.ts';

/** An amount toward a metric, on the local day of a moment. */
export interface Contribution {
  readonly memberKey: string;
  readonly metric: string;
  readonly amount: bigint;
  /** Business time when null. */
  readonly countsAt: Date | null;
  /** The act that it is a part of: acts that are posted together raise one after the other, by this key. */
  readonly act?: string;
}

/** A change that is to be written down. */
export interface NewTierChange {
  readonly memberKey: string;
  readonly ladder: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly cause: TierChangeCause;
  readonly reason?: string | null;
  readonly until?: Date | null;
  readonly changedBy?: string | null;
  /** The one that evaluated it. */
  readonly extension?: ExtensionReference | null;
}

/** Locks rows without writing a new version of them; makes those that are missing. */
const lockTiers = statement(
  'tier.lock',
  `insert into member_tier (tenant_id, member_id, ladder, tier, since, enrolled_at)
   select $1, m.member_id, l.ladder, l.tier, m.enrolled_at, m.enrolled_at
     from member m
    cross join unnest($3::text[], $4::text[]) as l (ladder, tier)
    where m.tenant_id = $1 and m.member_id = any($2::uuid[])
    order by m.member_id, l.ladder
   on conflict (tenant_id, member_id, ladder) do update set tier = member_tier.tier where false`,
);
const insertTiers = statement(
  'tier.enrol',
  `insert into member_tier (tenant_id, member_id, ladder, tier, hand, since, enrolled_at)
   select $1, l.member_id, l.ladder, l.tier, l.hand, (select business_time()), (select business_time())
     from (select unnest($2::uuid[]) as member_id, unnest($3::text[]) as ladder, unnest($4::text[]) as tier,
                  unnest($5::text[]) as hand) l
    order by l.member_id, l.ladder
   on conflict do nothing`,
);
const addDays = statement(
  'metric_day.add',
  `insert into metric_day (tenant_id, member_id, metric, day, amount)
   select $1, a.member_id, a.metric, a.day,
          least(greatest(sum(a.amount), -9223372036854775808), 9223372036854775807)::bigint
     from (select p.member_id, p.metric, p.amount,
                  (coalesce(p.at, (select business_time())) at time zone $6)::date as day
             from (select unnest($2::uuid[]) as member_id, unnest($3::text[]) as metric,
                          unnest($4::bigint[]) as amount, unnest($5::timestamptz[]) as at) p) a
    group by a.member_id, a.metric, a.day
    order by a.member_id, a.metric, a.day
   on conflict (tenant_id, member_id, metric, day) do update
      set amount = least(greatest(metric_day.amount::numeric + excluded.amount,
                                  -9223372036854775808), 9223372036854775807)::bigint`,
);
const updateTiers = statement(
  'tier.update',
  `update member_tier t
      set tier = u.tier, since = u.since, below_since = u.below_since, warned_at = u.warned_at, hand = u.hand,
          hand_until = u.hand_until
     from unnest($2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
                 $8::text[], $9::timestamptz[])
       as u (member_id, ladder, tier, since, below_since, warned_at, hand, hand_until)
    where t.tenant_id = $1 and t.member_id = any($2::uuid[]) and t.ladder = any($3::text[])
      and t.member_id = u.member_id and t.ladder = u.ladder`,
);
const insertChanges = statement(
  'tier_change.insert',
  `insert into tier_change (tenant_id, change_id, member_id, ladder, from_tier, to_tier, cause, reason, until,
                            changed_by, extension, changed_at, announced_at)
   select $1, c.*, $11::timestamptz, case when $12 and c.from_tier is distinct from c.to_tier then null
                                          else $11::timestamptz end
     from unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                 $9::timestamptz[], $10::text[], $13::jsonb[])
       as c (change_id, member_id, ladder, from_tier, to_tier, cause, reason, until, changed_by, extension)`,
);

/** The first tier of each ladder whose row may be missing. */
export interface FirstTier {
  readonly ladder: string;
  readonly tier: string | null;
}

/** Locks the tiers of members in these ladders, in the order that everybody keeps: member, ladder. */
export async function lockMemberTiers(
  tx: Transaction,
  tenantKey: string,
  memberKeys: readonly string[],
  first: readonly FirstTier[],
): Promise<void> {
  const ladders = first.map(({ ladder }) => ladder);
  await tx.run(lockTiers, [tenantKey, memberKeys, ladders, first.map(({ tier }) => tier)]);
}

export async function insertFirstTiers(
  tx: Transaction,
  tenantKey: string,
  first: readonly (FirstTier & Pick<HeldTier, 'hand'> & { readonly memberKey: string })[],
): Promise<void> {
  await tx.run(insertTiers, [
    tenantKey,
    first.map(({ memberKey }) => memberKey),
    first.map(({ ladder }) => ladder),
    first.map(({ tier }) => tier),
    sparse(first, ({ hand }) => hand),
  ]);
}

/** Adds to what counts toward metrics; the members' tiers must be locked. */
export async function addContributions(
  tx: Transaction,
  tenantKey: string,
  contributions: readonly Contribution[],
  timeZone: string,
): Promise<void> {
  await tx.run(addDays, [
    tenantKey,
    contributions.map(({ memberKey }) => memberKey),
    contributions.map(({ metric }) => metric),
    contributions.map(({ amount }) => amount),
    sparse(contributions, ({ countsAt }) => countsAt),
    timeZone,
  ]);
}

export async function updateMemberTiers(
  tx: Transaction,
  tenantKey: string,
  rows: readonly (HeldTier & { readonly memberKey: string; readonly ladder: string })[],
): Promise<void> {
  await tx.run(updateTiers, [
    tenantKey,
    rows.map(({ memberKey }) => memberKey),
    rows.map(({ ladder }) => ladder),
    rows.map(({ tier }) => tier),
    rows.map(({ since }) => since),
    rows.map(({ belowSince }) => belowSince),
    rows.map(({ warnedAt }) => warnedAt),
    rows.map(({ hand }) => hand),
    rows.map(({ handUntil }) => handUntil),
  ]);
}

/**
 * Writes changes down, and tells of them.
 * @param ladders the program's; a job asks the rules that answer to changes, where it has any
 * @param firstKey of the first change, where its key is known before
 */
export async function insertTierChanges(
  tx: Transaction,
  tenantKey: string,
  changes: readonly NewTierChange[],
  { now, ladders, firstKey }: { now: Date; ladders: Ladders; firstKey?: string },
): Promise<void> {
  const keys = changes.map((_change, index) => (index === 0 ? (firstKey ?? newKey()) : newKey()));
  const told = changes.map((change, index): FeedEvent => {
    const { memberKey } = change;
    return { stream: 'tiers', type: typeOf(change, ladders), memberKey, subjectKey: keys[index] ?? '' };
  });
  emitEvents(tx, tenantKey, told);
  await tx.run(insertChanges, [
    tenantKey,
    keys,
    changes.map(({ memberKey }) => memberKey),
    changes.map(({ ladder }) => ladder),
    changes.map(({ from }) => from),
    changes.map(({ to }) => to),
    changes.map(({ cause }) => cause),
    changes.map(({ reason }) => reason ?? null),
    changes.map(({ until }) => until ?? null),
    changes.map(({ changedBy }) => changedBy ?? null),
    now,
    ladders.announces,
    changes.map(({ extension = null }) => (extension === null ? null : JSON.stringify(extension))),
  ]);
}

function typeOf({ ladder: code, from, to }: NewTierChange, { all }: Ladders): EventTypes['tiers'] {
  const ladder = all.find((one) => one.code === code);
  const [before, after] = ladder === undefined ? [] : [rankOf(ladder, from), rankOf(ladder, to)];
  if (before == null || after == null || before === after) return 'SET';
  return before < after ? 'RAISED' : 'LOWERED';
}
