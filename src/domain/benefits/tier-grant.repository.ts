import { statement, type Transaction } from '../../persistence/index.ts';

/** A tier's grant that is there while the tier carries the benefit, maybe revoked by hand. */
export interface HeldGrant {
  readonly grantKey: string;
  readonly memberKey: string;
  readonly benefitCode: string;
}

export interface HeldTier {
  readonly memberKey: string;
  readonly ladder: string;
  readonly tier: string | null;
}

const lockHeld = statement<HeldGrant>(
  'tier_grant.lock',
  `select grant_id as "grantKey", member_id as "memberKey", benefit as "benefitCode" from benefit_grant
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
  grantKeys: readonly string[],
  now: Date,
): Promise<void> {
  if (grantKeys.length === 0) return;
  await tx.run(endHeld, [tenantKey, grantKeys, now]);
}
