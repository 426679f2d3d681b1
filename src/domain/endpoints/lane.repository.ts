import type { Fault } from '../../extension/index.ts';
import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { StoredDelivery, StoredEndpoint, StoredLane } from './endpoint.entity.ts';
import type { EndpointOf } from './endpoint.repository.ts';
import type { FeedFact } from './event-type.policy.ts';

/** Whose lane events go on that are about nobody. */
export const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Whether an event was tried for as long as events are; not counting what was before the last resumption. */
const IS_OVER = `greatest(d.due_since, e.active_since) <= now() - interval '3 days'`;

const insertDeliveries = statement(
  'event_delivery.insert',
  `insert into event_delivery (tenant_id, endpoint_id, position, lane_id, type, state, attempts, due_since,
                               next_attempt_at, created_at)
   select $1, $2, d.position, d.lane_id, d.type, 'PENDING', 0, n.now, n.now, n.now
     from unnest($3::bigint[], $4::uuid[], $5::text[]) as d (position, lane_id, type),
          (select date_trunc('milliseconds', now()) as now) n
   on conflict do nothing`,
);
/** A lane that is there keeps its next attempt: what waits behind a failure waits. */
const addToLanes = statement(
  'event_lane.add',
  `insert into event_lane (tenant_id, endpoint_id, lane_id, asked, failures, next_attempt_at)
   select $1, $2, l.lane_id, 1, 0, now() from unnest($3::uuid[]) as l (lane_id) order by l.lane_id
   on conflict (tenant_id, endpoint_id, lane_id) do update set asked = event_lane.asked + 1`,
);
const hurryLanes = statement(
  'event_lane.hurry',
  `insert into event_lane (tenant_id, endpoint_id, lane_id, asked, failures, next_attempt_at)
   select $1, $2, l.lane_id, 1, 0, now() from unnest($3::uuid[]) as l (lane_id) order by l.lane_id
   on conflict (tenant_id, endpoint_id, lane_id)
   do update set asked = event_lane.asked + 1, failures = 0, next_attempt_at = now()`,
);
const selectTold = statement<Pick<StoredEndpoint, 'url' | 'secrets'>>(
  'event_lane.told',
  `select url, secrets from event_endpoint where tenant_id = $1 and endpoint_id = $2 and status = 'ACTIVE'`,
);
/** Materialized: a join could otherwise run the inner query again, and take more than were asked for. */
const claimDue = statement<Pick<StoredLane, 'laneKey' | 'asked' | 'failures'>>(
  'event_lane.claim',
  `with due as materialized (
     select l.lane_id from event_lane l
      where l.tenant_id = $1 and l.endpoint_id = $2 and l.next_attempt_at <= now()
        and (l.leased_until is null or l.leased_until <= now())
      order by l.next_attempt_at limit $3
        for update skip locked)
   update event_lane
      set holder = $4, leased_until = now() + $5::float8 * interval '1 millisecond'
    where tenant_id = $1 and endpoint_id = $2 and lane_id = any(array(select due.lane_id from due))
      and exists (select from event_endpoint e
                   where e.tenant_id = $1 and e.endpoint_id = $2 and e.status = 'ACTIVE')
   returning lane_id as "laneKey", asked, failures`,
);
const selectPending = statement<Pick<StoredDelivery, 'laneKey' | 'position'>>(
  'event_lane.pending',
  `select p.lane_id as "laneKey", p.position
     from unnest($3::uuid[]) as w (lane_id)
    cross join lateral (
      select d.lane_id, d.position from event_delivery d
       where d.tenant_id = $1 and d.endpoint_id = $2 and d.lane_id = w.lane_id and d.state = 'PENDING'
       order by d.position limit $4) p
    order by p.position`,
);
/** When something is to be done next, from now on. */
const selectNextDue = statement<{ dueInMs: number | null }>(
  'event_lane.next_due',
  `select extract(epoch from min(greatest(next_attempt_at, leased_until)) - now())::float8 * 1000 as "dueInMs"
     from (select next_attempt_at, leased_until from event_lane
            where tenant_id = $1 and endpoint_id = $2 order by next_attempt_at limit 100) as next`,
);
const lockLanes = statement(
  'event_lane.lock',
  `select lane_id from event_lane
    where tenant_id = $1 and endpoint_id = $2 and lane_id = any($3::uuid[])
    order by lane_id for update`,
);
/** Also of what somebody else told meanwhile: it was an attempt all the same. */
const recordAttempts = statement<Pick<StoredDelivery, 'position' | 'state'>>(
  'event_delivery.record',
  `with told as (
     select * from unnest($3::bigint[], $4::float8[], $5::int[], $6::text[], $7::float8[])
       as t (position, duration_ms, status, fault, wait_ms)),
   changed as (
     update event_delivery d
        set attempts = d.attempts + 1, status = t.status, fault = t.fault::jsonb,
            state = case when t.fault is null then 'DELIVERED'
                         when d.state <> 'PENDING' then d.state
                         when ${IS_OVER} then 'DEAD' else 'PENDING' end,
            delivered_at = case when t.fault is null then date_trunc('milliseconds', now()) else d.delivered_at end,
            next_attempt_at = case when t.fault is null or ${IS_OVER} then null
                                   else date_trunc('milliseconds', now())
                                        + t.wait_ms * interval '1 millisecond' end
       from told t, event_endpoint e
      where e.tenant_id = $1 and e.endpoint_id = $2 and d.tenant_id = $1 and d.endpoint_id = $2
        and d.position = any($3::bigint[]) and d.position = t.position
     returning d.position, d.state, d.attempts),
   kept as (
     insert into event_attempt (tenant_id, endpoint_id, position, attempt, started_at, duration_ms, status,
                                fault)
     select $1, $2, c.position, c.attempts,
            date_trunc('milliseconds', now() - t.duration_ms * interval '1 millisecond'), t.duration_ms, t.status,
            t.fault::jsonb
       from changed c join told t on t.position = c.position)
   select position, state from changed`,
);
const dropLanes = statement(
  'event_lane.drop',
  `delete from event_lane l
    using unnest($3::uuid[], $4::uuid[], $5::bigint[]) as o (lane_id, holder, asked)
    where l.tenant_id = $1 and l.endpoint_id = $2 and l.lane_id = any($3::uuid[]) and l.lane_id = o.lane_id
      and l.holder = o.holder and l.asked = o.asked`,
);
const moveLanes = statement<{ laneKey: string }>(
  'event_lane.move',
  `update event_lane l
      set leased_until = case when o.lease_ms is null then null
                              else now() + o.lease_ms * interval '1 millisecond' end,
          next_attempt_at = now() + o.wait_ms * interval '1 millisecond',
          failures = o.failures
     from unnest($3::uuid[], $4::uuid[], $5::float8[], $6::float8[], $7::int[])
            as o (lane_id, holder, lease_ms, wait_ms, failures)
    where l.tenant_id = $1 and l.endpoint_id = $2 and l.lane_id = any($3::uuid[]) and l.lane_id = o.lane_id
      and l.holder = o.holder
   returning l.lane_id as "laneKey"`,
);

/** Puts events among an endpoint's deliveries; those that are there already stay as they are. */
export async function addDeliveries(
  tx: Transaction,
  { tenantKey, endpointKey }: EndpointOf,
  facts: readonly FeedFact[],
): Promise<void> {
  const lanes = facts.map(({ memberKey }) => memberKey ?? NOBODY);
  await Promise.all([
    tx.run(insertDeliveries, [
      ...[
        tenantKey,
        endpointKey,
        facts.map(({ position }) => position),
        lanes,
        facts.map(({ type }) => type),
      ],
    ]),
    tx.run(addToLanes, [tenantKey, endpointKey, [...new Set(lanes)]]),
  ]);
}

/** Has lanes looked at now, whatever they waited for. */
export async function hurry(
  tx: Transaction,
  { tenantKey, endpointKey }: EndpointOf,
  laneKeys: readonly string[],
): Promise<void> {
  if (laneKeys.length > 0) await tx.run(hurryLanes, [tenantKey, endpointKey, [...new Set(laneKeys)]]);
}

/** A lane that is held, and what is to be told on it. */
export interface ClaimedLane extends Pick<StoredLane, 'laneKey' | 'asked' | 'failures'> {
  readonly holder: string;
  /** In order; as many as were asked for, or all that there are. */
  readonly positions: readonly bigint[];
}

export interface Claim {
  readonly url: string;
  readonly secrets: Buffer;
  readonly lanes: readonly ClaimedLane[];
}

/** Takes lanes that are due; null unless the endpoint is active. */
export async function claimLanes(
  tx: Transaction,
  { tenantKey, endpointKey }: EndpointOf,
  { most, run, holder, leaseMs }: { most: number; run: number; holder: string; leaseMs: number },
): Promise<Claim | null> {
  const [[told], claimed] = await Promise.all([
    tx.run(selectTold, [tenantKey, endpointKey]),
    tx.run(claimDue, [tenantKey, endpointKey, most, holder, leaseMs]),
  ]);
  if (told === undefined) return null;
  // Read after they were taken: whatever was added before is seen, and whatever comes later counts as asked.
  const keys = claimed.map(({ laneKey }) => laneKey);
  const pending = keys.length === 0 ? [] : await tx.run(selectPending, [tenantKey, endpointKey, keys, run]);
  const positions = Map.groupBy(pending, ({ laneKey }) => laneKey);
  const lanes = claimed.map((lane) => ({
    ...lane,
    holder,
    positions: (positions.get(lane.laneKey) ?? []).map(({ position }) => position),
  }));
  return { ...told, lanes };
}

/** In how many milliseconds something is due; null when nothing waits. */
export async function findNextDue(sql: Sql, { tenantKey, endpointKey }: EndpointOf): Promise<number | null> {
  const [row] = await sql.run(selectNextDue, [tenantKey, endpointKey]);
  return row?.dueInMs ?? null;
}

/** One attempt. */
export interface Attempt {
  readonly position: bigint;
  readonly durationMs: number;
  readonly status: number | null;
  readonly fault: Fault | null;
  /** How long to wait if it failed. */
  readonly waitMs: number;
}

/** Locks lanes in one order, so that two who end work on several don't wait for each other. */
export async function lockInOrder(
  tx: Transaction,
  { tenantKey, endpointKey }: EndpointOf,
  laneKeys: readonly string[],
): Promise<void> {
  await tx.run(lockLanes, [tenantKey, endpointKey, laneKeys]);
}

/** Writes attempts down; answers what became of their deliveries. */
export async function record(
  tx: Transaction,
  { tenantKey, endpointKey }: EndpointOf,
  attempts: readonly Attempt[],
): Promise<Map<bigint, StoredDelivery['state']>> {
  if (attempts.length === 0) return new Map();
  const rows = await tx.run(recordAttempts, [
    ...[tenantKey, endpointKey, attempts.map(({ position }) => position)],
    attempts.map(({ durationMs }) => durationMs),
    attempts.map(({ status }) => status),
    attempts.map(({ fault }) => (fault === null ? null : JSON.stringify(fault))),
    attempts.map(({ waitMs }) => waitMs),
  ]);
  return new Map(rows.map(({ position, state }) => [position, state]));
}

/** How a held lane goes on. */
export interface LaneMove extends Pick<ClaimedLane, 'laneKey' | 'holder' | 'asked' | 'failures'> {
  /** Held on for so long; null = given back. */
  readonly leaseMs: number | null;
  readonly waitMs: number;
  /** Nothing more was found on it: it goes away, unless something was added meanwhile. */
  readonly isDone: boolean;
}

/** Moves lanes on; answers those that were still held. */
export async function moveOn(
  tx: Transaction,
  { tenantKey, endpointKey }: EndpointOf,
  moves: readonly LaneMove[],
): Promise<Set<string>> {
  const done = moves.filter(({ isDone }) => isDone);
  const of = (some: readonly LaneMove[]) => [
    ...[tenantKey, endpointKey, some.map(({ laneKey }) => laneKey), some.map(({ holder }) => holder)],
  ];
  if (done.length > 0) await tx.run(dropLanes, [...of(done), done.map(({ asked }) => asked)]);
  const rows = await tx.run(moveLanes, [
    ...of(moves),
    moves.map(({ leaseMs }) => leaseMs),
    moves.map(({ waitMs }) => waitMs),
    moves.map(({ failures }) => failures),
  ]);
  return new Set(rows.map(({ laneKey }) => laneKey));
}
