import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { OperationStatus, RecordLane } from './record-change.entity.ts';

/** Materialized: a join could otherwise run the inner query again, and take more than were asked for. */
const claimDue = statement<Pick<RecordLane, 'ledgerKey' | 'asked' | 'failures'>>(
  'record_lane.claim',
  `with due as materialized (
     select l.ledger_id from record_lane l
      where l.tenant_id = $1 and l.next_attempt_at <= now()
        and (l.leased_until is null or l.leased_until <= now())
      order by l.next_attempt_at limit $2
        for update skip locked)
   update record_lane set holder = $3, leased_until = now() + $4::float8 * interval '1 millisecond'
    where tenant_id = $1 and ledger_id = any(array(select due.ledger_id from due))
   returning ledger_id as "ledgerKey", asked, failures`,
);
const holdOn = statement<Pick<RecordLane, 'ledgerKey'>>(
  'record_lane.hold_on',
  `update record_lane set leased_until = now() + $4::float8 * interval '1 millisecond'
    where tenant_id = $1 and ledger_id = $2 and holder = $3
   returning ledger_id as "ledgerKey"`,
);
const dropLane = statement(
  'record_lane.drop',
  `delete from record_lane
    where tenant_id = $1 and ledger_id = $2 and holder = $3 and asked = $4`,
);
const giveBack = statement(
  'record_lane.give_back',
  `update record_lane
      set holder = null, leased_until = null, failures = $4,
          next_attempt_at = now() + $5::float8 * interval '1 millisecond'
    where tenant_id = $1 and ledger_id = $2 and holder = $3`,
);
const selectState = statement<ChangeState>(
  'record_lane.state',
  `select c.status,
          exists (select from record_lane l
                   where l.tenant_id = $1 and l.ledger_id = c.ledger_id
                     and (l.next_attempt_at <= now() or l.leased_until > now())) as "isUnderWay"
     from record_change c where c.tenant_id = $1 and c.operation_id = $2`,
);

/** How a change stands; and whether it is asked for now, or about to be. */
export interface ChangeState {
  readonly status: OperationStatus;
  readonly isUnderWay: boolean;
}

/** A lane that is held. */
export interface ClaimedRecordLane extends Pick<RecordLane, 'ledgerKey' | 'asked' | 'failures'> {
  readonly holder: string;
}

/** Takes lanes that are due, and that nobody holds. */
export async function claimRecordLanes(
  tx: Transaction,
  tenantKey: string,
  { most, holder, leaseMs }: { readonly most: number; readonly holder: string; readonly leaseMs: number },
): Promise<ClaimedRecordLane[]> {
  const claimed = await tx.run(claimDue, [tenantKey, most, holder, leaseMs]);
  return claimed.map((lane) => ({ ...lane, holder }));
}

/** Holds a lane for longer; false where somebody else has taken it. */
export async function keepLane(
  tx: Transaction,
  tenantKey: string,
  { ledgerKey, holder }: ClaimedRecordLane,
  leaseMs: number,
): Promise<boolean> {
  return (await tx.run(holdOn, [tenantKey, ledgerKey, holder, leaseMs])).length > 0;
}

/** Nothing is left on a lane: it goes away, unless something was added since it was taken. */
export async function endLane(
  tx: Transaction,
  tenantKey: string,
  { ledgerKey, holder, asked }: ClaimedRecordLane,
): Promise<void> {
  await tx.run(dropLane, [tenantKey, ledgerKey, holder, asked]);
}

/** Gives a lane back, to be looked at again after a while. */
export async function leaveLane(
  tx: Transaction,
  tenantKey: string,
  { ledgerKey, holder }: ClaimedRecordLane,
  { failures, waitMs }: { readonly failures: number; readonly waitMs: number },
): Promise<void> {
  await tx.run(giveBack, [tenantKey, ledgerKey, holder, failures, waitMs]);
}

export async function findChangeState(
  sql: Sql,
  tenantKey: string,
  operationKey: string,
): Promise<ChangeState | null> {
  const [row] = await sql.run(selectState, [tenantKey, operationKey]);
  return row ?? null;
}
