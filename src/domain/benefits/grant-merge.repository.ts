import { statement, type Transaction } from '../../persistence/index.ts';

/** Not those of tiers: they come and go with the tier. */
const moveGrants = statement(
  'grant.merge',
  'update benefit_grant set member_id = $3 where tenant_id = $1 and member_id = $2 and not tier_held',
);

/** Gives what a member was granted, by rule or hand, to whom they live on in. */
export async function mergeGrants(
  tx: Transaction,
  tenantKey: string,
  from: string,
  into: string,
): Promise<void> {
  await tx.run(moveGrants, [tenantKey, from, into]);
}
