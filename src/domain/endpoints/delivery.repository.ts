import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { DeliveryState, StoredAttempt, StoredDelivery } from './endpoint.entity.ts';
import type { EndpointOf } from './endpoint.repository.ts';

const columns = `
  tenant_id as "tenantKey", endpoint_id as "endpointKey", position, lane_id as "laneKey", type, state, attempts,
  due_since as "dueSince", next_attempt_at as "nextAttemptAt", delivered_at as "deliveredAt", status, fault,
  created_at as "createdAt"`;

const selectDelivery = statement<StoredDelivery>(
  'event_delivery.by_key',
  `select ${columns} from event_delivery where tenant_id = $1 and endpoint_id = $2 and position = $3`,
);
const selectPage = statement<StoredDelivery>(
  'event_delivery.page',
  `select ${columns} from event_delivery
    where tenant_id = $1 and endpoint_id = $2 and position < $3 and ($4::text[] is null or type = any($4))
    order by position desc limit $5`,
);
/** Those of a state, each by an index that holds no others; what was delivered is most of all. */
const selectWaiting = statement<StoredDelivery>(
  'event_delivery.page_waiting',
  `select ${columns} from event_delivery
    where tenant_id = $1 and endpoint_id = $2 and next_attempt_at is not null and position < $3
      and ($4::text[] is null or type = any($4))
    order by position desc limit $5`,
);
const selectDead = statement<StoredDelivery>(
  'event_delivery.page_dead',
  `select ${columns} from event_delivery
    where tenant_id = $1 and endpoint_id = $2 and state = 'DEAD' and position < $3
      and ($4::text[] is null or type = any($4))
    order by position desc limit $5`,
);
const selectDelivered = statement<StoredDelivery>(
  'event_delivery.page_delivered',
  `select ${columns} from event_delivery
    where tenant_id = $1 and endpoint_id = $2 and state = 'DELIVERED' and position < $3
      and ($4::text[] is null or type = any($4))
    order by position desc limit $5`,
);
const selectOfLane = statement<StoredDelivery>(
  'event_delivery.page_of_lane',
  `select ${columns} from event_delivery
    where tenant_id = $1 and endpoint_id = $2 and lane_id = $6 and position < $3
      and ($4::text[] is null or type = any($4)) and ($7::text is null or state = $7)
    order by position desc limit $5`,
);
const selectAttempts = statement<StoredAttempt>(
  'event_attempt.newest',
  `select tenant_id as "tenantKey", endpoint_id as "endpointKey", position, attempt, started_at as "startedAt",
          duration_ms as "durationMs", status, fault
     from event_attempt
    where tenant_id = $1 and endpoint_id = $2 and position = $3
    order by attempt desc limit $4`,
);
/** What is to be told anyhow is left alone. */
const replayDeliveries = statement<Pick<StoredDelivery, 'position' | 'laneKey'>>(
  'event_delivery.replay',
  `update event_delivery
      set state = 'PENDING', due_since = date_trunc('milliseconds', now()), delivered_at = null,
          next_attempt_at = date_trunc('milliseconds', now())
    where tenant_id = $1 and endpoint_id = $2
      and position in (
        select d.position from event_delivery d
         where d.tenant_id = $1 and d.endpoint_id = $2 and d.position > $3 and d.position <= $4
           and d.state <> 'PENDING' and ($5::text is null or d.state = $5)
           and ($6::uuid is null or d.lane_id = $6) and ($7::text[] is null or d.type = any($7))
           and ($8::timestamptz is null or d.created_at >= $8)
           and ($9::timestamptz is null or d.created_at < $9)
         order by d.position limit $10)
   returning position, lane_id as "laneKey"`,
);
/** Those of an endpoint that was down for so long that each alone would not be tried once more. */
const giveUpOld = statement<Pick<StoredDelivery, 'position' | 'laneKey'>>(
  'event_delivery.give_up',
  `update event_delivery d
      set state = 'DEAD', next_attempt_at = null, fault = coalesce(d.fault, e.fault)
     from event_endpoint e
    where d.tenant_id = $1 and d.endpoint_id = $2 and e.tenant_id = $1 and e.endpoint_id = $2
      and e.failing_since <= now() - interval '3 days' and e.active_since <= now() - interval '3 days'
      and d.position in (
        select o.position from event_delivery o
         where o.tenant_id = $1 and o.endpoint_id = $2 and o.next_attempt_at is not null
           and o.due_since <= now() - interval '3 days'
         order by o.position limit $3)
   returning d.position, d.lane_id as "laneKey"`,
);
const hurryAll = statement(
  'event_lane.hurry_all',
  `update event_lane set next_attempt_at = now(), failures = 0
    where tenant_id = $1 and endpoint_id = $2
      and failures > 0`,
);
const selectToClear = statement<{ endpointKey: string; isRemoved: boolean }>(
  'endpoint.to_clear',
  `select endpoint_id as "endpointKey", status = 'REMOVED' as "isRemoved"
     from event_endpoint
    where tenant_id = $1
      and (status = 'REMOVED' or (status = 'ACTIVE' and failing_since <= now() - interval '3 days'))`,
);
const deleteOld = statement<{ position: bigint }>(
  'event_delivery.delete_old',
  `with gone as (
     delete from event_delivery
      where tenant_id = $1
        and (endpoint_id, position) in (
          select o.endpoint_id, o.position from event_delivery o
           where o.tenant_id = $1 and o.created_at < now() - $2::float8 * interval '1 day' and o.state <> 'PENDING'
           order by o.created_at limit $3)
     returning endpoint_id, position),
   forgotten as (
     delete from event_attempt a using gone
      where a.tenant_id = $1 and a.endpoint_id = gone.endpoint_id and a.position = gone.position)
   select position from gone`,
);
const deleteRemoved = statement<{ position: bigint }>(
  'event_delivery.delete_removed',
  `with gone as (
     delete from event_delivery
      where tenant_id = $1 and endpoint_id = $2
        and position in (select o.position from event_delivery o
                          where o.tenant_id = $1 and o.endpoint_id = $2 order by o.position limit $3)
     returning position),
   forgotten as (
     delete from event_attempt a using gone
      where a.tenant_id = $1 and a.endpoint_id = $2 and a.position = gone.position)
   select position from gone`,
);
const deleteLanes = statement(
  'event_lane.delete_removed',
  'delete from event_lane where tenant_id = $1 and endpoint_id = $2',
);
const deleteEndpoint = statement(
  'endpoint.delete_removed',
  `delete from event_endpoint where tenant_id = $1 and endpoint_id = $2 and status = 'REMOVED'`,
);

const PAGES: Readonly<Record<DeliveryState, typeof selectPage>> = {
  ...{ PENDING: selectWaiting, DELIVERED: selectDelivered, DEAD: selectDead },
};
const LAST_POSITION = 9_223_372_036_854_775_807n;

export interface DeliveryFilter {
  readonly state: DeliveryState | null;
  /** The member, or all zeros for what is about nobody. */
  readonly laneKey: string | null;
  readonly types: readonly string[] | null;
}

export async function findDelivery(
  sql: Sql,
  { tenantKey, endpointKey }: EndpointOf,
  position: bigint,
): Promise<StoredDelivery | null> {
  const [row] = await sql.run(selectDelivery, [tenantKey, endpointKey, position]);
  return row ?? null;
}

/** Newest first, and one more to tell whether there is one. */
export async function findDeliveries(
  sql: Sql,
  { tenantKey, endpointKey }: EndpointOf,
  { state, laneKey, types }: DeliveryFilter,
  { before, first }: { readonly before: bigint | null; readonly first: number },
): Promise<StoredDelivery[]> {
  const values = [tenantKey, endpointKey, before ?? LAST_POSITION, types, first + 1];
  if (laneKey !== null) return await sql.run(selectOfLane, [...values, laneKey, state]);
  return await sql.run(state === null ? selectPage : PAGES[state], values);
}

/** Newest first. */
export async function findAttempts(
  sql: Sql,
  { tenantKey, endpointKey, position }: Pick<StoredDelivery, 'tenantKey' | 'endpointKey' | 'position'>,
  most: number,
): Promise<StoredAttempt[]> {
  return await sql.run(selectAttempts, [tenantKey, endpointKey, position, most]);
}

/** Which of an endpoint's deliveries are told again. */
export interface ReplayFilter extends DeliveryFilter {
  readonly after: bigint | null;
  readonly upTo: bigint | null;
  readonly from: Date | null;
  readonly to: Date | null;
}

/** Has deliveries told again, the oldest first; answers those that were changed. */
export async function replay(
  tx: Transaction,
  { tenantKey, endpointKey }: EndpointOf,
  filter: ReplayFilter,
  most: number,
): Promise<Pick<StoredDelivery, 'position' | 'laneKey'>[]> {
  return await tx.run(replayDeliveries, [
    ...[tenantKey, endpointKey, filter.after ?? 0n, filter.upTo ?? LAST_POSITION],
    ...[filter.state, filter.laneKey, filter.types, filter.from, filter.to, most],
  ]);
}

/** Has everything that failed looked at now. */
export async function hurryEverything(
  tx: Transaction,
  { tenantKey, endpointKey }: EndpointOf,
): Promise<void> {
  await tx.run(hurryAll, [tenantKey, endpointKey]);
}

/** Gives up what an endpoint was not told in three days in which it took nothing. */
export async function giveUp(
  tx: Transaction,
  { tenantKey, endpointKey }: EndpointOf,
  most: number,
): Promise<Pick<StoredDelivery, 'position' | 'laneKey'>[]> {
  return await tx.run(giveUpOld, [tenantKey, endpointKey, most]);
}

/** Endpoints that were removed, or that took nothing for three days. */
export async function findToClear(
  sql: Sql,
  tenantKey: string,
): Promise<{ endpointKey: string; isRemoved: boolean }[]> {
  return await sql.run(selectToClear, [tenantKey]);
}

/** Forgets what was told, or given up, so many days ago; answers how many. */
export async function forgetOld(
  tx: Transaction,
  tenantKey: string,
  days: number,
  most: number,
): Promise<number> {
  return (await tx.run(deleteOld, [tenantKey, days, most])).length;
}

/** Forgets what a removed endpoint was told, and then the endpoint; answers how many deliveries. */
export async function forgetRemoved(
  tx: Transaction,
  { tenantKey, endpointKey }: EndpointOf,
  most: number,
): Promise<number> {
  const gone = (await tx.run(deleteRemoved, [tenantKey, endpointKey, most])).length;
  if (gone < most) {
    await tx.run(deleteLanes, [tenantKey, endpointKey]);
    await tx.run(deleteEndpoint, [tenantKey, endpointKey]);
  }
  return gone;
}
