import type { PluginSql } from '../extension/index.ts';
import { type Sql, statement } from '../persistence/index.ts';

/** A run of a plugin's job that is to be queued. */
export interface WantedRun {
  /** As it is told to the plugin and to the queue: `plugin:risk-guard/forget`. */
  readonly task: string;
  readonly tenantKey: string;
  readonly tenant: string;
  readonly due: Date;
}

/** What is queued may not be fetched while this is forbidden. */
export const PLUGINS_FLAG = 'plugin';
const MOST_ATTEMPTS = '7';

/** After all that is the product's own; of one moment there is one row. */
const insertRuns = statement(
  'job.add_plugin_runs',
  `select count((graphile_worker.add_job(
            w.task,
            json_build_object('tenantKey', w.tenant_key, 'tenant', w.tenant, 'due', w.due),
            job_key => w.task || ':' || w.tenant || ':' || w.due, priority => 7,
            max_attempts => ${MOST_ATTEMPTS}, flags => array['${PLUGINS_FLAG}'],
            job_key_mode => 'unsafe_dedupe')).id)
     from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as w (task, tenant_key, tenant, due)`,
);

/** One that was fetched and can't begin: a row of its own, which takes over the key of the one that ends now. */
const insertAgain = statement(
  'job.put_back_plugin_run',
  `select (graphile_worker.add_job(
            $1::text, json_build_object('tenantKey', $2::text, 'tenant', $3::text, 'due', $4::text),
            job_key => $1::text || ':' || $3::text || ':' || $4::text, priority => 7,
            max_attempts => ${MOST_ATTEMPTS}, flags => array['${PLUGINS_FLAG}'], job_key_mode => 'replace',
            run_at => now() + interval '1 second')).id`,
);

/** Puts back what has no room. */
export async function putBack(sql: Sql, { task, tenantKey, tenant, due }: WantedRun): Promise<void> {
  await sql.run(insertAgain, [task, tenantKey, tenant, due.toISOString()]);
}

export async function addRuns(sql: Sql, runs: readonly WantedRun[]): Promise<void> {
  await sql.run(insertRuns, [
    runs.map(({ task }) => task),
    runs.map(({ tenantKey }) => tenantKey),
    runs.map(({ tenant }) => tenant),
    runs.map(({ due }) => due.toISOString()),
  ]);
}

/** Whether a job's work is done up to then; what was due before it was seen first, is none of its. */
export async function isDone(sql: PluginSql, job: string, due: Date): Promise<boolean> {
  await sql.run('insert into _job (tenant_id, job, done_until) values ($1, $2, $3) on conflict do nothing', [
    ...[sql.tenantKey, job, sql.now],
  ]);
  const [row] = await sql.run<{ isDone: boolean }>(
    'select done_until >= $3 as "isDone" from _job where tenant_id = $1 and job = $2',
    [sql.tenantKey, job, due],
  );
  return row?.isDone ?? false;
}

export async function markDone(sql: PluginSql, job: string, due: Date): Promise<void> {
  await sql.run('update _job set done_until = $3 where tenant_id = $1 and job = $2 and done_until < $3', [
    sql.tenantKey,
    job,
    due,
  ]);
}
