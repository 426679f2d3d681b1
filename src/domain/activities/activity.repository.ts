import { type Sql, sparse, statement, type Transaction } from '../../persistence/index.ts';
import type { Activity } from './activity.entity.ts';
import type { Refunded } from './refund.policy.ts';

const columns = `
  tenant_id as "tenantKey", activity_id as "activityKey", member_id as "memberKey", type,
  amount as "amountMinor",
  currency, order_number as "orderNumber", order_lines as "orderLines", channel, store,
  explanations as "storedExplanations", program_version as "programVersion",
  refunds_activity_id as "refundsKey", facts, occurred_at as "occurredAt", recorded_at as "recordedAt"`;

const insertActivities = statement(
  'activity.insert',
  `insert into activity (tenant_id, activity_id, member_id, type, amount, currency, order_number, order_lines,
                         channel, store, explanations, program_version, refunds_activity_id, facts,
                         occurred_at, recorded_at)
   select $1, a.activity_id, a.member_id, a.type, a.amount, a.currency, a.order_number, a.order_lines,
          a.channel, a.store, a.explanations, a.program_version::integer, a.refunds_activity_id, a.facts,
          coalesce(a.occurred_at, (select business_time())), (select business_time())
     from (select unnest($2::uuid[]) as activity_id, unnest($3::uuid[]) as member_id,
                  unnest($4::text[]) as type, unnest($5::bigint[]) as amount, unnest($6::text[]) as currency,
                  unnest($7::text[]) as order_number, unnest($8::jsonb[]) as order_lines,
                  unnest($9::text[]) as channel, unnest($10::text[]) as store,
                  unnest($11::jsonb[]) as explanations, unnest($12::bigint[]) as program_version,
                  unnest($13::uuid[]) as refunds_activity_id, unnest($14::jsonb[]) as facts,
                  unnest($15::timestamptz[]) as occurred_at) a`,
);
/** A lateral with a limit is looked up by its key, also by a plan that was made while the table was empty. */
const selectKnownOrders = statement<{ type: string; number: string }>(
  'activity.known_orders',
  `select w.type, w.number
     from unnest($2::text[], $3::text[]) as w (type, number)
    cross join lateral (select from activity a
                         where a.tenant_id = $1 and a.type = w.type and a.order_number = w.number limit 1) found`,
);
const selectByOrder = statement<Activity>(
  'activity.by_order',
  `select ${columns} from activity where tenant_id = $1 and type = $2 and order_number = $3`,
);
/** An activity in a member's list: their own, or one of a member who lives on in them. */
export type ListedActivity = Activity & { readonly shownWith: string };

const selectPages = statement<ListedActivity>(
  'activity.pages',
  `select page.* from unnest($2::uuid[]) as wanted (member_id)
    cross join lateral (
      select own.* from (
        select wanted.member_id
         union all
        select m.member_id from member m where m.tenant_id = $1 and m.merged_into = wanted.member_id) who
       cross join lateral (
        select ${columns}, wanted.member_id as "shownWith" from activity
         where tenant_id = $1 and member_id = who.member_id and ($3::text is null or type = $3)
           and (occurred_at, activity_id) < ($4::timestamptz, $5::uuid)
         order by occurred_at desc, activity_id desc limit $6) own
       order by own."occurredAt" desc, own."activityKey" desc limit $6) page`,
);
const selectActivities = statement<Activity>(
  'activity.by_keys',
  `select ${columns} from activity where tenant_id = $1 and activity_id = any($2::uuid[])`,
);
const selectRefunded = statement<{ activityKey: string; amount: bigint }>(
  'refunded.by_keys',
  `select activity_id as "activityKey", amount from refunded
    where tenant_id = $1 and activity_id = any($2::uuid[])`,
);
/** Locks what was refunded of a purchase, so that its refunds come one after the other. */
const lockRefunded = statement<{ amount: bigint; lines: { quantity: number; amount: string }[] | null }>(
  'refunded.lock',
  `insert into refunded (tenant_id, activity_id) values ($1, $2)
   on conflict (tenant_id, activity_id) do update set amount = refunded.amount
   returning amount, lines`,
);
const updateRefunded = statement(
  'refunded.update',
  'update refunded set amount = $3, lines = $4 where tenant_id = $1 and activity_id = $2',
);
/** What all members hold may be greater than a bigint of PostgreSQL. */
const selectTotals = statement<{ members: bigint; activities: bigint; points: string }>(
  'activity.totals',
  `select (select count(*) from member where tenant_id = $1) as members,
          (select count(*) from activity where tenant_id = $1) as activities,
          (select coalesce(sum(posted + pending), 0)::text from ledger where tenant_id = $1 and asset = $2) as points`,
);

export async function findActivity(
  sql: Sql,
  tenantKey: string,
  activityKey: string,
): Promise<Activity | null> {
  const [activity] = await findActivities(sql, tenantKey, [activityKey]);
  return activity ?? null;
}

export type NewActivity = Omit<Activity, 'occurredAt' | 'recordedAt'> & { readonly occurredAt: Date | null };

/** Writes activities, recorded at the transaction's business time, which is also when they happened if null. */
export async function insertMany(
  tx: Transaction,
  tenantKey: string,
  activities: readonly NewActivity[],
): Promise<void> {
  const column = (pick: (activity: NewActivity) => unknown): unknown[] => activities.map(pick);
  await tx.run(insertActivities, [
    tenantKey,
    column(({ activityKey }) => activityKey),
    column(({ memberKey }) => memberKey),
    column(({ type }) => type),
    sparse(activities, ({ amountMinor }) => amountMinor),
    sparse(activities, ({ currency }) => currency),
    sparse(activities, ({ orderNumber }) => orderNumber),
    sparse(activities, ({ orderLines }) => (orderLines === null ? null : JSON.stringify(orderLines))),
    sparse(activities, ({ channel }) => channel),
    sparse(activities, ({ store }) => store),
    column(({ storedExplanations }) => JSON.stringify(storedExplanations)),
    column(({ programVersion }) => programVersion),
    sparse(activities, ({ refundsKey }) => refundsKey),
    sparse(activities, ({ facts }) => (facts === null ? null : JSON.stringify(facts))),
    sparse(activities, ({ occurredAt }) => occurredAt),
  ]);
}

/** Those of these orders that are recorded already. */
export async function findKnownOrders(
  sql: Sql,
  tenantKey: string,
  orders: readonly { readonly type: string; readonly number: string }[],
): Promise<{ type: string; number: string }[]> {
  if (orders.length === 0) return [];
  const types = orders.map(({ type }) => type);
  return await sql.run(selectKnownOrders, [tenantKey, types, orders.map(({ number }) => number)]);
}

/** The activity of this type with this order number; null when there is none. */
export async function findByOrder(
  sql: Sql,
  tenantKey: string,
  type: string,
  orderNumber: string,
): Promise<Activity | null> {
  const [activity] = await sql.run(selectByOrder, [tenantKey, type, orderNumber]);
  return activity ?? null;
}

/** Activities of members, newest first, behind a place. */
export async function findPages(
  sql: Sql,
  tenantKey: string,
  wanted: {
    readonly memberKeys: readonly string[];
    readonly type: string | null;
    readonly before: ActivityPlace;
    readonly limit: number;
  },
): Promise<ListedActivity[]> {
  const { memberKeys, type, before, limit } = wanted;
  const values = [tenantKey, memberKeys, type, before.occurredAt, before.activityKey, limit];
  return await sql.run(selectPages, values);
}

export async function findActivities(
  sql: Sql,
  tenantKey: string,
  activityKeys: readonly string[],
): Promise<Activity[]> {
  return await sql.run(selectActivities, [tenantKey, activityKeys]);
}

/** How much of activities was refunded; those of which nothing was are missing. */
export async function findRefunded(
  sql: Sql,
  tenantKey: string,
  activityKeys: readonly string[],
): Promise<{ activityKey: string; amount: bigint }[]> {
  return await sql.run(selectRefunded, [tenantKey, activityKeys]);
}

/** Where an activity stands in a member's list. */
export interface ActivityPlace {
  /** A moment as PostgreSQL reads it. */
  readonly occurredAt: Date | string;
  readonly activityKey: string;
}

export async function lockRefundedPart(
  tx: Transaction,
  tenantKey: string,
  activityKey: string,
): Promise<Refunded> {
  const [row] = await tx.run(lockRefunded, [tenantKey, activityKey]);
  const lines = (row?.lines ?? []).map(({ quantity, amount }) => ({ quantity, amount: BigInt(amount) }));
  return { amount: row?.amount ?? 0n, lines };
}

export async function updateRefundedPart(
  tx: Transaction,
  tenantKey: string,
  activityKey: string,
  { amount, lines }: Refunded,
): Promise<void> {
  const stored = lines.map((line) => ({ quantity: line.quantity, amount: String(line.amount) }));
  await tx.run(updateRefunded, [tenantKey, activityKey, amount, JSON.stringify(stored)]);
}

/** What a tenant holds: for the closing line of an import. */
export async function findTotals(
  sql: Sql,
  tenantKey: string,
  asset: string,
): Promise<{ members: bigint; activities: bigint; points: bigint }> {
  const [totals] = await sql.run(selectTotals, [tenantKey, asset]);
  return totals === undefined
    ? { members: 0n, activities: 0n, points: 0n }
    : { ...totals, points: BigInt(totals.points) };
}
