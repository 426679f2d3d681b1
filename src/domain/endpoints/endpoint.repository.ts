import type { Fault } from '../../extension/index.ts';
import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { DeliveryState, StoredEndpoint } from './endpoint.entity.ts';

const columns = `
  tenant_id as "tenantKey", endpoint_id as "endpointKey", name, url, streams, types, assets, secrets, status,
  disabled_by as "disabledBy", position, active_since as "activeSince", failing_since as "failingSince", fault,
  created_at as "createdAt", created_by as "createdBy"`;

const selectEndpoint = statement<StoredEndpoint>(
  'endpoint.by_key',
  `select ${columns} from event_endpoint where tenant_id = $1 and endpoint_id = $2 and status <> 'REMOVED'`,
);
const selectAnyhow = statement<StoredEndpoint>(
  'endpoint.even_removed',
  `select ${columns} from event_endpoint where tenant_id = $1 and endpoint_id = $2`,
);
/** Newest first: keys are ordered by the time when they were made. */
const selectPage = statement<StoredEndpoint>(
  'endpoint.page',
  `select ${columns} from event_endpoint
    where tenant_id = $1 and endpoint_id < $2 and status <> 'REMOVED'
    order by endpoint_id desc limit $3`,
);
const selectNamed = statement<{ count: number; isTaken: boolean }>(
  'endpoint.named',
  `select count(*)::int as count, coalesce(bool_or(name = $2), false) as "isTaken"
     from event_endpoint where tenant_id = $1 and status <> 'REMOVED'`,
);
const insertEndpoint = statement(
  'endpoint.insert',
  `insert into event_endpoint (tenant_id, endpoint_id, name, url, streams, types, assets, secrets, status, position,
                               active_since, created_at, created_by)
   select $1, $2, $3, $4, $5, $6, $7, $8, 'ACTIVE', coalesce($9::bigint, f.position),
          date_trunc('milliseconds', now()), business_time(), $10
     from tenant_feed f where f.tenant_id = $1`,
);
const updateEndpoint = statement(
  'endpoint.update',
  `update event_endpoint set url = $3, streams = $4, types = $5, assets = $6, status = $7, disabled_by = $8::jsonb
    where tenant_id = $1 and endpoint_id = $2`,
);
const updateActive = statement(
  'endpoint.resume',
  `update event_endpoint
      set active_since = date_trunc('milliseconds', now()), failing_since = null, fault = null
    where tenant_id = $1 and endpoint_id = $2`,
);
const updateSecrets = statement(
  'endpoint.update_secrets',
  'update event_endpoint set secrets = $3 where tenant_id = $1 and endpoint_id = $2',
);
const disableEndpoint = statement(
  'endpoint.disable',
  `update event_endpoint set status = 'DISABLED', disabled_by = $3::jsonb
    where tenant_id = $1 and endpoint_id = $2 and status = 'ACTIVE'`,
);
const selectActive = statement<{ endpointKey: string; isBehind: boolean }>(
  'endpoint.active',
  `select e.endpoint_id as "endpointKey", e.position < f.position as "isBehind"
     from event_endpoint e
     join tenant_feed f on f.tenant_id = $1
    where e.tenant_id = $1 and e.status = 'ACTIVE'`,
);
/** Whoever else brings the same endpoint up to date goes on with it; nobody waits. */
const lockBehind = statement<
  Pick<StoredEndpoint, 'streams' | 'types' | 'assets' | 'position'> & { feed: bigint }
>(
  'endpoint.lock_behind',
  `select e.streams, e.types, e.assets, e.position, f.position as feed
     from event_endpoint e
     join tenant_feed f on f.tenant_id = $1
    where e.tenant_id = $1 and e.endpoint_id = $2 and e.status = 'ACTIVE' and e.position < f.position
      for update of e skip locked`,
);
const movePosition = statement(
  'endpoint.move',
  'update event_endpoint set position = $3 where tenant_id = $1 and endpoint_id = $2',
);
const updateFailing = statement(
  'endpoint.failing',
  `update event_endpoint
      set failing_since = coalesce(failing_since, date_trunc('milliseconds', now())), fault = $3::jsonb
    where tenant_id = $1 and endpoint_id = $2 and failing_since is null`,
);
const updateHealthy = statement(
  'endpoint.healthy',
  `update event_endpoint set failing_since = null, fault = null
    where tenant_id = $1 and endpoint_id = $2 and failing_since is not null`,
);
const countDeliveries = statement<{ state: DeliveryState; count: number }>(
  'endpoint.counts',
  `select 'PENDING' as state, count(*)::int as count
     from (select from event_delivery d
            where d.tenant_id = $1 and d.endpoint_id = $2 and d.next_attempt_at is not null limit $3) waiting
   union all
   select 'DEAD', count(*)::int
     from (select from event_delivery d
            where d.tenant_id = $1 and d.endpoint_id = $2 and d.state = 'DEAD' limit $3) dead`,
);
const selectNow = statement<{ now: Date }>('endpoint.now', 'select business_time() as now');

const LAST_KEY = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
/** Counted no further than this. */
export const MOST_COUNTED = 10_000;

export interface EndpointOf {
  readonly tenantKey: string;
  readonly endpointKey: string;
}

export async function findEndpoint(
  sql: Sql,
  { tenantKey, endpointKey }: EndpointOf,
): Promise<StoredEndpoint | null> {
  const [row] = await sql.run(selectEndpoint, [tenantKey, endpointKey]);
  return row ?? null;
}

/** For what a key answered once. */
export async function findEvenRemoved(
  sql: Sql,
  { tenantKey, endpointKey }: EndpointOf,
): Promise<StoredEndpoint | null> {
  const [row] = await sql.run(selectAnyhow, [tenantKey, endpointKey]);
  return row ?? null;
}

/** Newest first, and one more to tell whether there is one. */
export async function findEndpoints(
  sql: Sql,
  tenantKey: string,
  before: string | null,
  first: number,
): Promise<StoredEndpoint[]> {
  return await sql.run(selectPage, [tenantKey, before ?? LAST_KEY, first + 1]);
}

/** How many a tenant has, and whether one of them has this name. */
export async function findNamed(sql: Sql, tenantKey: string, name: string) {
  const [row] = await sql.run(selectNamed, [tenantKey, name]);
  return row ?? { count: 0, isTaken: false };
}

/** @param from the position behind which it is told; null for what comes from now on */
export async function insertNewEndpoint(
  tx: Transaction,
  row: Pick<
    StoredEndpoint,
    'tenantKey' | 'endpointKey' | 'name' | 'url' | 'streams' | 'types' | 'assets' | 'secrets' | 'createdBy'
  >,
  from: bigint | null,
): Promise<void> {
  await tx.run(insertEndpoint, [
    ...[row.tenantKey, row.endpointKey, row.name, row.url, row.streams, row.types, row.assets, row.secrets],
    ...[from, row.createdBy],
  ]);
}

export async function changeEndpoint(
  tx: Transaction,
  { tenantKey, endpointKey, url, streams, types, assets, ...row }: StoredEndpoint,
): Promise<void> {
  const disabledBy = row.disabledBy === null ? null : JSON.stringify(row.disabledBy);
  await tx.run(updateEndpoint, [tenantKey, endpointKey, url, streams, types, assets, row.status, disabledBy]);
}

/** What it was not told before counts no longer against it. */
export async function beginAnew(tx: Transaction, of: EndpointOf): Promise<void> {
  await tx.run(updateActive, [of.tenantKey, of.endpointKey]);
}

export async function changeSecrets(tx: Transaction, of: EndpointOf, secrets: Buffer): Promise<void> {
  await tx.run(updateSecrets, [of.tenantKey, of.endpointKey, secrets]);
}

/** It said that it wants nothing more. */
export async function disable(tx: Transaction, of: EndpointOf, by: Fault): Promise<void> {
  await tx.run(disableEndpoint, [of.tenantKey, of.endpointKey, JSON.stringify(by)]);
}

export async function findActive(
  sql: Sql,
  tenantKey: string,
): Promise<{ endpointKey: string; isBehind: boolean }[]> {
  return await sql.run(selectActive, [tenantKey]);
}

/** An endpoint that is behind the feed, locked; null where there is nothing to do, or somebody does it. */
export async function lockEndpointBehind(tx: Transaction, { tenantKey, endpointKey }: EndpointOf) {
  const [row] = await tx.run(lockBehind, [tenantKey, endpointKey]);
  return row ?? null;
}

export async function moveEndpoint(tx: Transaction, of: EndpointOf, position: bigint): Promise<void> {
  await tx.run(movePosition, [of.tenantKey, of.endpointKey, position]);
}

/** @param fault of the last attempt; null when it was taken */
export async function keepHealth(tx: Transaction, of: EndpointOf, fault: Fault | null): Promise<void> {
  if (fault === null) await tx.run(updateHealthy, [of.tenantKey, of.endpointKey]);
  else await tx.run(updateFailing, [of.tenantKey, of.endpointKey, JSON.stringify(fault)]);
}

/** How many events wait and how many were given up, each up to `MOST_COUNTED`. */
export async function countStates(
  sql: Sql,
  { tenantKey, endpointKey }: EndpointOf,
): Promise<Readonly<Partial<Record<DeliveryState, number>>>> {
  const rows = await sql.run(countDeliveries, [tenantKey, endpointKey, MOST_COUNTED]);
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]));
}

/** Business time. */
export async function readNow(sql: Sql): Promise<Date> {
  const [row] = await sql.run(selectNow, []);
  if (row === undefined) throw new Error('The tenant has no clock.');
  return row.now;
}
