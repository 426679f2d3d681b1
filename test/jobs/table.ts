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
