import { type Sql, statement, type Transaction } from '../../persistence/index.ts';

const moveIdentities = statement(
  'identity.merge',
  `update member_identity i
      set member_id = $3,
          position = i.position + (select count(*) from member_identity o
                                    where o.tenant_id = $1 and o.member_id = $3)
    where i.tenant_id = $1 and i.member_id = $2`,
);
/** Whoever was merged into the one who ends now lives on in the other too. */
const endMember = statement(
  'member.merge',
  `update member set status = 'MERGED', merged_into = $3, updated_at = business_time()
    where tenant_id = $1 and (member_id = $2 or merged_into = $2)`,
);
const selectAssets = statement<{ asset: string }>(
  'member.assets',
  'select asset from ledger where tenant_id = $1 and member_id = $2 and version > 0 order by asset',
);

/** The assets in which a member has a ledger. */
export async function findAssets(sql: Sql, tenantKey: string, memberKey: string): Promise<string[]> {
  const rows = await sql.run(selectAssets, [tenantKey, memberKey]);
  return rows.map(({ asset }) => asset);
}

/** What found a member finds another, whom they live on in. */
export async function endInto(tx: Transaction, tenantKey: string, from: string, into: string): Promise<void> {
  await Promise.all([
    tx.run(moveIdentities, [tenantKey, from, into]),
    tx.run(endMember, [tenantKey, from, into]),
  ]);
}
