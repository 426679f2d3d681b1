import { emitEvents } from '../../events/index.ts';
import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import { ofGrant } from './grant.repository.ts';

/** A tier's grant that is there while the tier carries the benefit, maybe revoked by hand. */
export interface HeldGrant {
  readonly grantKey: string;
  readonly memberKey: string;
  readonly benefitCode: string;
  readonly isRevoked: boolean;
}

export interface HeldTier {
  readonly memberKey: string;
  readonly ladder: string;
  readonly tier: string | null;
}

const lockHeld = statement<HeldGrant>(
  'tier_grant.lock',
  `select grant_id as "grantKey", member_id as "memberKey", benefit as "benefitCode",
          revoked_at is not null as "isRevoked"
     from benefit_grant
    where tenant_id = $1 and member_id = any($2::uuid[]) and tier_held
    order by grant_id for update`,
);
const selectTiers = statement<HeldTier>(
  'tier_grant.tiers',
  `select member_id as "memberKey", ladder, tier from member_tier
    where tenant_id = $1 and member_id = any($2::uuid[])`,
);
const endHeld = statement(
  'tier_grant.end',
  `update benefit_grant
      set tier_held = false,
          revoked_at = coalesce(revoked_at, greatest($3::timestamptz, changed_at + interval '1 millisecond')),
          changed_at = case when revoked_at is not null then changed_at
                            else greatest($3::timestamptz, changed_at + interval '1 millisecond') end
    where tenant_id = $1 and grant_id = any($2::uuid[])`,
);

/** Members who lack a grant that their tier carries, or have one that none of their tiers does. */
const selectOutOfStep = statement<{ memberKey: string }>(
  'tier_grant.out_of_step',
  `with carried as (
     select * from unnest($2::text[], $3::text[], $4::text[]) as c (ladder, tier, benefit))
   select distinct x.member_id as "memberKey"
     from (select t.member_id
             from carried c
             join member_tier t on t.tenant_id = $1 and t.ladder = c.ladder and t.tier = c.tier
            where not exists (select from benefit_grant g
                               where g.tenant_id = $1 and g.member_id = t.member_id
                                 and g.benefit = c.benefit and g.tier_held)
            union all
           select g.member_id
             from benefit_grant g
            where g.tenant_id = $1 and g.tier_held
              and not exists (select from member_tier t
                                join carried c on c.ladder = t.ladder and c.tier = t.tier
                               where t.tenant_id = $1 and t.member_id = g.member_id
                                 and c.benefit = g.benefit)) x
    limit $5`,
);

/** Which benefit which tier of which ladder carries. */
export interface CarriedBenefit {
  readonly ladder: string;
  readonly tier: string;
  readonly benefit: string;
}

/** Members whose grants are not what their tiers carry; at most `limit` of them. */
export async function findOutOfStep(
  sql: Sql,
  tenantKey: string,
  carried: readonly CarriedBenefit[],
  limit: number,
): Promise<string[]> {
  const rows = await sql.run(selectOutOfStep, [
    tenantKey,
    carried.map(({ ladder }) => ladder),
    carried.map(({ tier }) => tier),
    carried.map(({ benefit }) => benefit),
    limit,
  ]);
  return rows.map(({ memberKey }) => memberKey);
}

/**
 * Locks the grants first and reads the tiers in a statement of its own: when another transaction changes the
 * same member in another ladder, whoever comes second sees what the first has done.
 */
export async function lockHeldBenefits(
  tx: Transaction,
  tenantKey: string,
  memberKeys: readonly string[],
): Promise<{ held: HeldGrant[]; tiers: HeldTier[] }> {
  const [held, tiers] = await Promise.all([
    tx.run(lockHeld, [tenantKey, memberKeys]),
    tx.run(selectTiers, [tenantKey, memberKeys]),
  ]);
  return { held, tiers };
}

/** Ends grants whose benefit no tier carries any more; one that was revoked by hand keeps its moment. */
export async function endGrants(
  tx: Transaction,
  tenantKey: string,
  grants: readonly HeldGrant[],
  now: Date,
): Promise<void> {
  if (grants.length === 0) return;
  const revoked = grants.filter(({ isRevoked }) => !isRevoked);
  emitEvents(
    tx,
    tenantKey,
    revoked.map((grant) => ofGrant('REVOKED', grant)),
  );
  await tx.run(endHeld, [tenantKey, grants.map(({ grantKey }) => grantKey), now]);
}
