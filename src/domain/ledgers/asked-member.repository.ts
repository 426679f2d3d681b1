import { type Sql, statement } from '../../persistence/index.ts';
import type { AskedMember } from '../expressions/index.ts';

/** A member whom extensions are asked about, with business time. */
export type FoundMember = AskedMember & { readonly status: string; readonly now: Date };

const selectAskedMembers = statement<FoundMember>(
  'ledger.asked_members',
  `select member_id as "memberKey", birthday, gender, locale, region, channel, store, tags as "tagCodes",
          attributes, enrolled_at as "enrolledAt", status, business_time() as now
     from member where tenant_id = $1 and member_id = any($2::uuid[])`,
);

const selectNow = statement<{ now: Date }>('ledger.now', 'select business_time() as now');

/** Business time. */
export async function findNow(sql: Sql): Promise<Date> {
  const [row] = await sql.run(selectNow, []);
  if (row === undefined) throw new Error('The clock has no row.');
  return row.now;
}

/** Null when there is no such member. */
export async function findAskedMember(
  sql: Sql,
  tenantKey: string,
  memberKey: string,
): Promise<FoundMember | null> {
  const [row] = await findAskedMembers(sql, tenantKey, [memberKey]);
  return row ?? null;
}

/** Those of these members that there are. */
export async function findAskedMembers(
  sql: Sql,
  tenantKey: string,
  memberKeys: readonly string[],
): Promise<FoundMember[]> {
  return await sql.run(selectAskedMembers, [tenantKey, memberKeys]);
}
