import { type Sql, statement } from '../persistence/index.ts';

/** What a tenant's job does; also its name in the table. */
export type TenantTask =
  | 'settle'
  | 'daily'
  | 'announce'
  | 'seal'
  | 'extensions'
  | 'events'
  | 'endpoints'
  | 'expiries'
  | 'records'
  | 'reconcile'
  | 'evaluations';

/** A job of a tenant that is to be queued. */
export interface WantedJob {
  readonly task: TenantTask;
  readonly tenantKey: string;
  /** The tenant's code, which an operator reads. */
  readonly tenant: string;
}

/** What is done first, within a tenant and among all. */
const PRIORITIES: Readonly<Record<TenantTask, number>> = {
  ...{ settle: 0, daily: 1, announce: 2, seal: 3, extensions: 4, events: 5, endpoints: 6, expiries: 7 },
  ...{ records: 8, reconcile: 9, evaluations: 2 },
};
/** Seven tries take eleven minutes; then the job is taken away, and queued anew while its work is due. */
const MOST_ATTEMPTS = '7';

/** A key that stands there keeps its row: its next try, a runner that holds it. */
const insertJobs = statement(
  'job.add',
  `select count((graphile_worker.add_job(
            w.task, json_build_object('tenantKey', w.tenant_key, 'tenant', w.tenant),
            queue_name => 'tenant:' || w.tenant, job_key => w.task || ':' || w.tenant,
            priority => w.priority, max_attempts => ${MOST_ATTEMPTS}, job_key_mode => 'unsafe_dedupe')).id)
     from unnest($1::text[], $2::text[], $3::text[], $4::int[]) as w (task, tenant_key, tenant, priority)`,
);
const ensureRound = statement(
  'job.ensure_round',
  `select (graphile_worker.add_job(
             'find-due', run_at => now() + $1::float8 * interval '1 millisecond', job_key => 'find-due',
             priority => -1, max_attempts => ${MOST_ATTEMPTS}, job_key_mode => 'unsafe_dedupe')).id`,
);
const planRound = statement(
  'job.plan_round',
  `select (graphile_worker.add_job(
             'find-due', run_at => greatest(now(), $1::timestamptz + $2::float8 * interval '1 millisecond'),
             job_key => 'find-due', priority => -1, max_attempts => ${MOST_ATTEMPTS})).id`,
);
/** A queue that is locked without a job of ours is not renewed: whoever locked it has lost the job. */
const renewLocks = statement(
  'job.renew',
  `with mine as (
     update graphile_worker._private_jobs set locked_at = now() where locked_by = $1 returning job_queue_id)
   update graphile_worker._private_job_queues set locked_at = now()
    where locked_by = $1 and id in (select job_queue_id from mine)`,
);
const freeLocks = statement<{ freed: number }>(
  'job.free',
  `with jobs as (
     update graphile_worker._private_jobs set locked_at = null, locked_by = null
      where locked_at < now() - $1::float8 * interval '1 millisecond' returning id),
   queues as (
     update graphile_worker._private_job_queues set locked_at = null, locked_by = null
      where locked_at < now() - $1::float8 * interval '1 millisecond')
   select count(*)::int as freed from jobs`,
);
/** Jobs that nobody takes any more: tried too often, or left by a queue that was removed as they came. */
const deleteGivenUp = statement(
  'job.delete_given_up',
  `delete from graphile_worker._private_jobs j
    where j.locked_at is null
      and (j.attempts >= j.max_attempts
           or (j.job_queue_id is not null
               and not exists (select from graphile_worker._private_job_queues q
                                where q.id = j.job_queue_id)))`,
);
const deleteQueues = statement(
  'job.delete_queues',
  `delete from graphile_worker._private_job_queues q
    where q.locked_at is null
      and not exists (select from graphile_worker._private_jobs j where j.job_queue_id = q.id)`,
);

/** Queues jobs, except those that are queued, under way or waiting for their next try. */
export async function addJobs(sql: Sql, jobs: readonly WantedJob[]): Promise<void> {
  await sql.run(insertJobs, [
    jobs.map(({ task }) => task),
    jobs.map(({ tenantKey }) => tenantKey),
    jobs.map(({ tenant }) => tenant),
    jobs.map(({ task }) => PRIORITIES[task]),
  ]);
}

/** Plans the round that follows one that was planned for `last`; never two, whoever else plans. */
export async function planNextRound(sql: Sql, last: Date, everyMs: number): Promise<void> {
  await sql.run(planRound, [last, everyMs]);
}

/** Queues outlive their jobs, and each look for a job looks at all of them. */
export async function removeIdleQueues(sql: Sql): Promise<void> {
  await sql.run(deleteQueues, []);
}

/**
 * What a gateway that lives does regularly: it keeps its locks young, frees those that nobody kept young, and
 * sees to it that there is a next round.
 * @returns how many jobs were freed, whose gateway is gone
 */
export async function keepUp(
  sql: Sql,
  {
    poolId,
    leaseMs,
    everyMs,
  }: { readonly poolId: string; readonly leaseMs: number; readonly everyMs: number },
): Promise<number> {
  await sql.run(renewLocks, [poolId]);
  const [row] = await sql.run(freeLocks, [leaseMs]);
  await sql.run(deleteGivenUp, []);
  await sql.run(ensureRound, [everyMs]);
  return row?.freed ?? 0;
}
