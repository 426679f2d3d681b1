import { type Sql, statement, type Transaction } from '../../persistence/index.ts';

/** A change of a tier that the rules were not yet asked about. */
export interface UnannouncedChange {
  readonly changeKey: string;
  readonly memberKey: string;
}

const selectUnannounced = statement<UnannouncedChange>(
  'tier_change.unannounced',
  `select change_id as "changeKey", member_id as "memberKey" from tier_change
    where tenant_id = $1 and announced_at is null and ($2::uuid is null or change_id > $2)
    order by change_id limit $3`,
);
const markAnnounced = statement(
  'tier_change.announce',
  `update tier_change set announced_at = business_time()
    where tenant_id = $1 and change_id = any($2::uuid[]) and announced_at is null`,
);

/** Changes that are to be announced, oldest first. */
export async function findUnannounced(
  sql: Sql,
  tenantKey: string,
  after: string | null,
  most: number,
): Promise<UnannouncedChange[]> {
  return await sql.run(selectUnannounced, [tenantKey, after, most]);
}

/** Writes down that the rules were asked about these changes. */
export async function announceChanges(
  tx: Transaction,
  tenantKey: string,
  changeKeys: readonly string[],
): Promise<void> {
  await tx.run(markAnnounced, [tenantKey, changeKeys]);
}
