import { type Sql, statement, type Transaction } from '../../persistence/index.ts';

/** What the tenant's clock shows, and the local day up to which its daily work is done. */
export interface DailyState {
  readonly now: Date;
  /** `YYYY-MM-DD`; null before the first time. */
  readonly day: string | null;
}

const selectRun = statement<DailyState>(
  'daily_run.find',
  `select business_time() as now, (select d.day from daily_run d where d.tenant_id = $1) as day`,
);
const finishRun = statement(
  'daily_run.finish',
  `insert into daily_run (tenant_id, day, finished_at) values ($1, $2, business_time())
   on conflict (tenant_id) do update
     set day = greatest(daily_run.day, excluded.day), finished_at = excluded.finished_at`,
);

export async function findDailyState(sql: Sql, tenantKey: string): Promise<DailyState> {
  const [row] = await sql.run(selectRun, [tenantKey]);
  if (row === undefined) throw new Error(`There is no tenant ${tenantKey}.`);
  return row;
}

/** Writes down that the daily work is done up to a local day; a later one stays. */
export async function finishDay(tx: Transaction, tenantKey: string, day: string): Promise<void> {
  await tx.run(finishRun, [tenantKey, day]);
}
