import { emitEvents } from '../../events/index.ts';
import { statement, type Transaction } from '../../persistence/index.ts';
import { ofGrant } from './grant.repository.ts';

/** Not those of tiers: they come and go with the tier. */
const moveGrants = statement<{ grantKey: string; memberKey: string }>(
  'grant.merge',
  `update benefit_grant set member_id = $3 where tenant_id = $1 and member_id = $2 and not tier_held
   returning grant_id as "grantKey", member_id as "memberKey"`,
);

/** Gives what a member was granted, by rule or hand, to whom they live on in. */
export async function mergeGrants(
  tx: Transaction,
  tenantKey: string,
  from: string,
  into: string,
): Promise<void> {
  const moved = await tx.run(moveGrants, [tenantKey, from, into]);
  emitEvents(
    tx,
    tenantKey,
    moved.map((grant) => ofGrant('MERGED', grant)),
  );
}
