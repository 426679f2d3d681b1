import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { Activity } from './activity.entity.ts';

const columns = `
  tenant_id as "tenantKey", activity_id as "activityKey", member_id as "memberKey", type,
  amount as "amountMinor",
  currency, order_number as "orderNumber", order_lines as "orderLines", channel, store,
  explanations as "storedExplanations", program_version as "programVersion", occurred_at as "occurredAt",
  recorded_at as "recordedAt"`;

const selectActivity = statement<Activity>(
  'activity.by_key',
  `select ${columns} from activity where tenant_id = $1 and activity_id = $2`,
);
const insertActivity = statement(
  'activity.insert',
  `insert into activity (tenant_id, activity_id, member_id, type, amount, currency, order_number, order_lines,
                         channel,
                         store, explanations, program_version, occurred_at, recorded_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
           coalesce($13, business_time()), business_time())`,
);
const selectTotals = statement<{ members: bigint; activities: bigint; points: bigint }>(
  'activity.totals',
  `select (select count(*) from member where tenant_id = $1) as members,
          (select count(*) from activity where tenant_id = $1) as activities,
          (select coalesce(sum(posted + pending), 0)::bigint from ledger where tenant_id = $1 and asset = $2) as points`,
);

export async function findActivity(
  sql: Sql,
  tenantKey: string,
  activityKey: string,
): Promise<Activity | null> {
  const [activity] = await sql.run(selectActivity, [tenantKey, activityKey]);
  return activity ?? null;
}

export type NewActivity = Omit<Activity, 'occurredAt' | 'recordedAt'> & { readonly occurredAt: Date | null };

/** Writes an activity, recorded at the transaction's business time. */
export async function insertNew(tx: Transaction, activity: NewActivity): Promise<void> {
  await tx.run(insertActivity, [
    activity.tenantKey,
    activity.activityKey,
    activity.memberKey,
    activity.type,
    activity.amountMinor,
    activity.currency,
    activity.orderNumber,
    activity.orderLines === null ? null : JSON.stringify(activity.orderLines),
    activity.channel,
    activity.store,
    JSON.stringify(activity.storedExplanations),
    activity.programVersion,
    activity.occurredAt,
  ]);
}

/** What a tenant holds: for the closing line of an import. */
export async function findTotals(
  sql: Sql,
  tenantKey: string,
  asset: string,
): Promise<{ members: bigint; activities: bigint; points: bigint }> {
  const [totals] = await sql.run(selectTotals, [tenantKey, asset]);
  return totals ?? { members: 0n, activities: 0n, points: 0n };
}
