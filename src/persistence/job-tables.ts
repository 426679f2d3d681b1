import { Logger, runMigrations } from 'graphile-worker';
import pg from 'pg';

const INSUFFICIENT_PRIVILEGE = '42501';
const POLICY = 'gateways';
/** The tables that a gateway writes; grants.sql says what it may do there. */
const WRITTEN = ['_private_jobs', '_private_job_queues', '_private_tasks'];

const silent = new Logger(() => () => undefined);

/**
 * Brings the tables of graphile-worker to the version that this build runs on. Of tenants they hold keys and
 * codes alone. graphile-worker switches row-level security on without a policy, so that nobody but the owner
 * sees a job; ours lets through whom the grants let through.
 * @throws Error, one sentence, when the role may not make a schema
 */
export async function installJobTables(admin: pg.Client, adminUrl: string): Promise<void> {
  try {
    await runMigrations({ connectionString: adminUrl, logger: silent });
  } catch (error) {
    if ((error as { code?: unknown }).code !== INSUFFICIENT_PRIVILEGE) throw error;
    throw new Error(
      'The role of DATABASE_ADMIN_URL may not make the schema graphile_worker, which holds the jobs: let it ' +
        'own the database, or grant it CREATE on the database.',
    );
  }
  const { rows } = await admin.query<{ table: string }>(
    `select tablename as table from pg_policies where schemaname = 'graphile_worker' and policyname = $1`,
    [POLICY],
  );
  const done = new Set(rows.map(({ table }) => table));
  for (const table of WRITTEN.filter((name) => !done.has(name))) {
    const name = pg.escapeIdentifier(table);
    await admin.query(
      `create policy ${POLICY} on graphile_worker.${name} to public using (true) with check (true)`,
    );
  }
}
