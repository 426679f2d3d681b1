import { statement, type Transaction } from '../../persistence/index.ts';
import type { Metric } from '../programs/index.ts';
import type { FirstTier } from './tier-write.repository.ts';

/** Sessions are set up to find single rows; this reads whole tables. */
const readTables = statement(
  'metric_day.fill_settings',
  `select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'on', true),
          set_config('work_mem', '64MB', true)`,
);
const forgetMetric = statement(
  'metric_day.forget',
  'delete from metric_day where tenant_id = $1 and metric = $2',
);

/** Sums up rows `x` of member_id, at and amount. Parameters: $1 the tenant, $2 the metric, $3 the time zone. */
const FILL = `
  insert into metric_day (tenant_id, member_id, metric, day, amount)
  select $1, x.member_id, $2::text, (x.at at time zone $3)::date,
         least(greatest(sum(x.amount), -9223372036854775808), 9223372036854775807)::bigint`;
const BY_DAY = 'group by x.member_id, (x.at at time zone $3)::date';

/** What was earned and corrected; what a reversal took counts on the day of what it took back. */
const fillAsset = statement(
  'metric_day.fill_asset',
  `${FILL} from (
   select l.member_id, e.occurred_at as at, e.amount
     from ledger l
     join entry e on e.tenant_id = $1 and e.ledger_id = l.ledger_id and e.kind in ('EARN', 'ADJUST')
    where l.tenant_id = $1 and l.asset = $2
    union all
   select l.member_id, coalesce(o.occurred_at, e.occurred_at), e.posted_delta + e.pending_delta
     from ledger l
     join entry e on e.tenant_id = $1 and e.ledger_id = l.ledger_id and e.kind = 'REVERSE'
     join operation r on r.tenant_id = $1 and r.operation_id = e.operation_id
     left join operation w on w.tenant_id = $1 and w.operation_id = r.ref_operation_id
     left join entry o
       on o.tenant_id = $1 and o.ledger_id = l.ledger_id
      and o.version = w.versions[array_position(w.ledger_ids, l.ledger_id)]
    where l.tenant_id = $1 and l.asset = $2 and e.posted_delta + e.pending_delta < 0) x ${BY_DAY}`,
);
const fillSpend = statement(
  'metric_day.fill_spend',
  `${FILL} from (
   select a.member_id, a.occurred_at as at, a.amount - coalesce(r.amount, 0) as amount
     from activity a
     left join refunded r on r.tenant_id = $1 and r.activity_id = a.activity_id
    where a.tenant_id = $1 and a.type = 'purchase' and a.amount is not null) x ${BY_DAY}`,
);
const fillOrders = statement(
  'metric_day.fill_orders',
  `${FILL} from (
   select a.member_id, a.occurred_at as at, 1 as amount
     from activity a
     left join refunded r on r.tenant_id = $1 and r.activity_id = a.activity_id
    where a.tenant_id = $1 and a.type = 'purchase' and (r.amount is null or r.amount < a.amount)) x ${BY_DAY}`,
);
const fillActivities = statement(
  'metric_day.fill_activities',
  `${FILL} from (
   select a.member_id, a.occurred_at as at, 1 as amount
     from activity a
    where a.tenant_id = $1 and a.type = substr($2, length('activities:') + 1)) x ${BY_DAY}`,
);

const insertRows = statement(
  'tier.prepare',
  `insert into member_tier (tenant_id, member_id, ladder, tier, since, enrolled_at)
   select $1, m.member_id, l.ladder, case when m.status <> 'MERGED' then l.tier end, m.enrolled_at, m.enrolled_at
     from member m
    cross join unnest($2::text[], $3::text[]) as l (ladder, tier)
    where m.tenant_id = $1
   on conflict do nothing`,
);

const FILLS = { ASSET: fillAsset, SPEND: fillSpend, ORDERS: fillOrders, ACTIVITIES: fillActivities };

/** Sums up a metric from everything that there was. The transaction must be alone in its tenant. */
export async function fillMetric(
  tx: Transaction,
  tenantKey: string,
  { metric, name }: { readonly metric: Metric; readonly name: string },
  timeZone: string,
): Promise<void> {
  if (metric.of === 'TAGS') return;
  await Promise.all([
    tx.run(readTables, []),
    tx.run(forgetMetric, [tenantKey, name]),
    tx.run(FILLS[metric.of], [tenantKey, name, timeZone]),
  ]);
}

/** Gives every member a row in these ladders. */
export async function insertLadderRows(
  tx: Transaction,
  tenantKey: string,
  first: readonly FirstTier[],
): Promise<void> {
  const ladders = first.map(({ ladder }) => ladder);
  await Promise.all([
    tx.run(readTables, []),
    tx.run(insertRows, [tenantKey, ladders, first.map(({ tier }) => tier)]),
  ]);
}
