import { type Sql, statement, type Transaction } from '../../persistence/index.ts';

const selectClock = statement<{ now: Date }>('tenant.now', 'select business_time() as now');
/** Whatever the clock shows now, it shows the moment from here on, and never an earlier one. */
const moveClock = statement(
  'tenant.move_clock',
  `update tenant set clock_offset = greatest(clock_offset, $2::timestamptz - now()) where tenant_id = $1`,
);

/** What the tenant's clock shows. */
export async function readClock(sql: Sql): Promise<Date> {
  const [row] = await sql.run(selectClock, []);
  if (row === undefined) throw new Error('The tenant has no clock.');
  return row.now;
}

/** Moves the tenant's clock on to a moment, unless it is past that already. */
export async function moveClockTo(tx: Transaction, tenantKey: string, moment: Date): Promise<void> {
  await tx.run(moveClock, [tenantKey, moment]);
}
