import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { BenefitUse } from './benefit-use.entity.ts';

const columns = `
  tenant_id as "tenantKey", use_id as "useKey", grant_id as "grantKey", member_id as "memberKey",
  effect_kind as "effectKind", effect_value as "effectValue", channel, store, order_number as "orderNumber",
  order_amount as "orderAmountMinor", currency, used_at as "usedAt", used_by as "usedBy",
  counted_day as "countedDay", counted_total as "countedTotal", undone_at as "undoneAt",
  undo_reason as "undoReason", undone_by as "undoneBy"`;

const selectUses = statement<BenefitUse>(
  'use.by_keys',
  `select ${columns} from benefit_use where tenant_id = $1 and use_id = any($2::uuid[])`,
);
const selectPages = statement<BenefitUse>(
  'use.pages',
  `select u.* from unnest($2::uuid[]) as wanted (grant_id)
    cross join lateral (
      select ${columns} from benefit_use
       where tenant_id = $1 and grant_id = wanted.grant_id and use_id < $3::uuid
       order by use_id desc limit $4) u`,
);
/** How many uses of a grant counted at a moment. */
const countUses = statement<{ count: number }>(
  'use.count_at',
  `select count(*)::integer as count from benefit_use
    where tenant_id = $1 and grant_id = $2 and used_at <= $3 and (undone_at is null or undone_at > $3)`,
);
const insertUse = statement(
  'use.insert',
  `insert into benefit_use (tenant_id, use_id, grant_id, member_id, effect_kind, effect_value, channel, store,
                            order_number, order_amount, currency, used_at, used_by, counted_day,
                            counted_total)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
);
const undoUse = statement(
  'use.undo',
  `update benefit_use set undone_at = $3, undo_reason = $4, undone_by = $5
    where tenant_id = $1 and use_id = $2`,
);

export async function findUse(sql: Sql, tenantKey: string, useKey: string): Promise<BenefitUse | null> {
  const [use] = await findUses(sql, tenantKey, [useKey]);
  return use ?? null;
}

export async function findUses(
  sql: Sql,
  tenantKey: string,
  useKeys: readonly string[],
): Promise<BenefitUse[]> {
  return await sql.run(selectUses, [tenantKey, useKeys]);
}

export async function findUsePages(
  sql: Sql,
  tenantKey: string,
  grantKeys: readonly string[],
  page: { readonly before: string; readonly most: number },
): Promise<BenefitUse[]> {
  return await sql.run(selectPages, [tenantKey, grantKeys, page.before, page.most]);
}

export async function countUsesAt(
  sql: Sql,
  tenantKey: string,
  grantKey: string,
  moment: Date,
): Promise<number> {
  const [row] = await sql.run(countUses, [tenantKey, grantKey, moment]);
  return row?.count ?? 0;
}

export async function insert(tx: Transaction, use: BenefitUse): Promise<void> {
  await tx.run(insertUse, [
    use.tenantKey,
    use.useKey,
    use.grantKey,
    use.memberKey,
    use.effectKind,
    use.effectValue,
    use.channel,
    use.store,
    use.orderNumber,
    use.orderAmountMinor,
    use.currency,
    use.usedAt,
    use.usedBy,
    use.countedDay,
    use.countedTotal,
  ]);
}

export async function undo(tx: Transaction, use: BenefitUse): Promise<void> {
  await tx.run(undoUse, [use.tenantKey, use.useKey, use.undoneAt, use.undoReason, use.undoneBy]);
}
