import { type Sql, statement } from '../persistence/index.ts';

/** What of a tenant is due, by its own clock. */
export interface DueWork {
  readonly now: Date;
  /** The local day up to which its daily work is done; null before the first time. */
  readonly day: string | null;
  /** Null while it has no program, and so nothing to do. */
  readonly programVersion: number | null;
  /** Lots fell due or expired, or holds ended. */
  readonly settle: boolean;
  /** Tiers changed, and the rules were not asked. */
  readonly announce: boolean;
  /** Operations are not sealed. */
  readonly seal: boolean;
  /** Extensions failed or may be too slow, or calls of them are old enough to be forgotten. */
  readonly extensions: boolean;
  /** Events are old enough to be forgotten. */
  readonly events: boolean;
  /** Endpoints are to be told something and nobody does, or what they were told is to be forgotten. */
  readonly endpoints: boolean;
  /** Whoever answers `points.expire` may have something to be told, or nobody answers it any more. */
  readonly expiries: boolean;
  /** Changes of records that are kept elsewhere are to be asked for, and nobody does. */
  readonly records: boolean;
  /** Mirrors moved, or are to be compared with their records again. */
  readonly reconciliation: boolean;
  /** Tiers are left to be evaluated by extensions. */
  readonly evaluations: boolean;
}

/** How many days what is forgotten is kept; and what the operator's plugins answer for every tenant. */
export interface DueOptions {
  readonly callDays: number;
  readonly eventDays: number;
  /** Whether a plugin is told of all that expires. */
  readonly tellsExpiries?: boolean;
}

/**
 * An operation stands in the chain where its first entry does, so entries of what is sealed may lie behind
 * the last link: within what one commit writes. Were it more than 5,000, a job would find nothing to seal.
 * The run in which an operation is sealed begins less than 5,000 before it.
 */
const selectDueWork = statement<DueWork>(
  'job.due_work',
  `select business_time() as now, t.program_version as "programVersion",
          (select d.day from daily_run d where d.tenant_id = $1) as day,
          exists (select from open_lot l
                   where l.tenant_id = $1 and l.pending and l.available_at <= business_time())
            or exists (select from open_lot l
                        where l.tenant_id = $1 and l.remaining > l.held
                          and l.expires_at <= business_time())
            or exists (select from hold h
                        where h.tenant_id = $1 and h.status = 'ACTIVE' and h.expires_at <= business_time())
            as settle,
          exists (select from tier_change c where c.tenant_id = $1 and c.announced_at is null) as announce,
          exists (select from entry e
                   where e.tenant_id = $1 and e.feed_position > head.position
                     and not exists (select from operation_chain o
                                       cross join unnest(o.operation_ids) as s (operation_id)
                                      where o.tenant_id = $1 and s.operation_id = e.operation_id
                                        and o.position > head.position - 10000)) as seal,
          exists (select from extension_call c
                   where c.tenant_id = $1 and c.recorded_at < now() - $2::float8 * interval '1 day')
            or exists (select from extension x
                        where x.tenant_id = $1 and x.stage in ('CANARY', 'LIVE')
                          and (x.latency_ms is not null
                               or exists (select from extension_call c
                                           where c.tenant_id = $1 and c.extension_id = x.extension_id
                                             and c.mode = x.stage
                                             and c.outcome in ('INVALID_INPUT', 'INVALID_OUTPUT', 'TIMEOUT',
                                                               'ERROR', 'UNREACHABLE', 'BREAKER_OPEN')
                                             and c.recorded_at > now() - interval '10 minutes')))
            as extensions,
          coalesce((select e.recorded_at from feed_event e
                     where e.tenant_id = $1 order by e.position limit 1)
                   < now() - $3::float8 * interval '1 day', false) as events,
          exists (select from event_endpoint p
                   where p.tenant_id = $1
                     and (p.status = 'REMOVED'
                          or (p.status = 'ACTIVE'
                              and (p.position < (select f.position from tenant_feed f where f.tenant_id = $1)
                                   or p.failing_since <= now() - interval '3 days'
                                   or exists (select from event_lane l
                                               where l.tenant_id = $1 and l.endpoint_id = p.endpoint_id
                                                 and l.next_attempt_at <= now() - interval '5 seconds'
                                                 and (l.leased_until is null or l.leased_until <= now()))))))
            or exists (select from event_delivery d
                        where d.tenant_id = $1 and d.created_at < now() - $3::float8 * interval '1 day'
                          and d.state <> 'PENDING')
            as endpoints,
          case when $4::boolean
                    or exists (select from extension x
                                where x.tenant_id = $1 and x.point = 'points.expire'
                                  and (x.stage in ('SHADOW', 'CANARY', 'LIVE')
                                       or x.stage = 'DRAFT' and x.live_version is not null))
               then not exists (select from told_place p
                                 where p.tenant_id = $1 and p.point = 'points.expire'
                                   and p.position >= (select f.position from tenant_feed f
                                                       where f.tenant_id = $1))
               else exists (select from told_place p where p.tenant_id = $1 and p.point = 'points.expire')
               end as expiries,
          exists (select from record_lane r
                   where r.tenant_id = $1 and r.next_attempt_at <= now()
                     and (r.leased_until is null or r.leased_until <= now())) as records,
          exists (select from mirror_check m where m.tenant_id = $1 and m.due_at <= business_time())
            or exists (select from entry e
                        where e.tenant_id = $1
                          and e.feed_position > coalesce((select p.position from mirror_place p
                                                           where p.tenant_id = $1), 0))
            as reconciliation,
          exists (select from tier_due d where d.tenant_id = $1 and d.next_attempt_at <= now()) as evaluations
     from tenant t
     join lateral (select coalesce((select o.position + o.offsets[cardinality(o.offsets)]
                                      from operation_chain o where o.tenant_id = $1
                                     order by o.position desc limit 1), 0) as position) head on true
    where t.tenant_id = $1`,
);

/** Null when there is no such tenant. */
export async function findDueWork(
  sql: Sql,
  tenantKey: string,
  { callDays, eventDays, tellsExpiries = false }: DueOptions,
): Promise<DueWork | null> {
  const [row] = await sql.run(selectDueWork, [tenantKey, callDays, eventDays, tellsExpiries]);
  return row ?? null;
}
