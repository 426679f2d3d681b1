import type { TestGateway } from './gateway.ts';
import { untilHolds } from './until-holds.ts';

/**
 * Sessions of the gateway's database, other than the one that asks, that hold a lock. Every transaction has
 * one on its own number, and unlike what a session is doing everybody may see it. What PostgreSQL does by
 * itself (autovacuum) is no role's session, and doesn't count.
 */
export async function openTransactions(gateway: Pick<TestGateway, 'sql'>): Promise<number> {
  const [row] = await gateway.sql<{ open: number }>(
    `select count(distinct pid)::integer as open from pg_locks join pg_stat_activity using (pid)
      where datname = current_database() and usename is not null and pid <> pg_backend_pid()`,
  );
  return row?.open ?? -1;
}

/**
 * Answers once nothing is open. What the gateway does by itself (the log of calls, jobs) is short and ends;
 * a transaction of somebody who waits for the caller of this would not, and this would never answer.
 */
export async function untilNothingIsOpen(gateway: Pick<TestGateway, 'sql'>): Promise<void> {
  await untilHolds(async () => (await openTransactions(gateway)) === 0, 'no transaction is open');
}

/**
 * Sessions of one database that stand behind a lock, asked for by anybody of it. Locks of other databases,
 * which other specs have beside this one, don't count. Within a transaction PostgreSQL tells of the sessions
 * that there were at the first look, so it is asked outside of one.
 */
export const WAITING_SESSIONS = `select count(distinct pid)::integer as waiting
   from pg_locks join pg_stat_activity using (pid)
  where not granted and datname = current_database() and usename is not null`;
