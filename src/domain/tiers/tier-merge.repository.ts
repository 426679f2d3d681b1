import { statement, type Transaction } from '../../persistence/index.ts';

const addDays = statement(
  'metric_day.merge',
  `insert into metric_day (tenant_id, member_id, metric, day, amount)
   select $1, $3::uuid, d.metric, d.day, d.amount from metric_day d
    where d.tenant_id = $1 and d.member_id = $2::uuid
    order by d.metric, d.day
   on conflict (tenant_id, member_id, metric, day) do update
      set amount = least(greatest(metric_day.amount::numeric + excluded.amount,
                                  -9223372036854775808), 9223372036854775807)::bigint`,
);
const removeDays = statement(
  'metric_day.remove',
  'delete from metric_day where tenant_id = $1 and member_id = $2',
);
const endTiers = statement(
  'tier.end',
  `update member_tier set tier = null, since = business_time(), below_since = null, warned_at = null, hand = null,
                          hand_until = null
    where tenant_id = $1 and member_id = $2`,
);

/** What a member did counts for whom they live on in; their own tiers, which are locked, end. */
export async function mergeStanding(
  tx: Transaction,
  tenantKey: string,
  from: string,
  into: string,
): Promise<void> {
  await Promise.all([
    tx.run(addDays, [tenantKey, from, into]),
    tx.run(removeDays, [tenantKey, from]),
    tx.run(endTiers, [tenantKey, from]),
  ]);
}
