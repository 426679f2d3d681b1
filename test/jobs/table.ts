import type pg from 'pg';

/** A job as an operator reads it. */
export interface JobRow {
  readonly key: string;
  readonly queue: string | null;
  readonly payload: unknown;
  readonly attempts: number;
  readonly error: string | null;
  readonly lockedBy: string | null;
}

/** The jobs that are queued, under way or waiting for their next try; asked as the owner. */
export async function jobsIn(owner: pg.Client): Promise<JobRow[]> {
  const { rows } = await owner.query<JobRow>(
    `select j.key, q.queue_name as queue, j.payload, j.attempts, j.last_error as error,
            j.locked_by as "lockedBy"
       from graphile_worker._private_jobs j
       left join graphile_worker._private_job_queues q on q.id = j.job_queue_id
      where j.key is not null order by j.key`,
  );
  return rows;
}

/** How often a job was tried, and in how long its next try comes, as PostgreSQL writes intervals. */
export interface NextTry {
  readonly attempts: number;
  readonly dueIn: string;
}

/** Has the next try of a job that failed come in so long; answers what was planned, if it has failed. */
export async function putOff(owner: pg.Client, key: string, interval: string): Promise<NextTry | undefined> {
  const { rows } = await owner.query<NextTry>(
    `with failed as (
       select id, run_at - now() as due_in from graphile_worker._private_jobs
        where key = $1 and attempts > 0 and locked_at is null for update)
     update graphile_worker._private_jobs j set run_at = now() + $2::interval
       from failed where j.id = failed.id returning j.attempts, failed.due_in::text as "dueIn"`,
    [key, interval],
  );
  return rows[0];
}
