import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { OperationStatus, RecordChange } from './record-change.entity.ts';

const COLUMNS = `c.tenant_id as "tenantKey", c.operation_id as "operationKey", c.ledger_id as "ledgerKey",
          c.version, c.member_id as "memberKey", c.asset, c.kind, c.amount, c.hold_id as "holdKey",
          c.reverses as "reversesKey", c.counts_at as "countsAt", c.status, c.attempts,
          c.settled_by as "settledByKey", c.reason, c.reference_type as "referenceType",
          c.reference_id as "referenceId", c.balance, c.asked_at as "askedAt", c.settled_at as "settledAt"`;

const insertChanges = statement(
  'record_change.insert',
  `insert into record_change (tenant_id, operation_id, ledger_id, version, member_id, asset, kind, amount,
                              hold_id, reverses, counts_at, status, attempts, asked_at)
   select $1, c.operation_id, c.ledger_id, c.version, c.member_id, c.asset, c.kind, c.amount, c.hold_id,
          c.reverses, c.counts_at, 'ASKED', 0, date_trunc('milliseconds', now())
     from unnest($2::uuid[], $3::uuid[], $4::bigint[], $5::uuid[], $6::text[], $7::text[], $8::bigint[],
                 $9::uuid[], $10::uuid[], $11::timestamptz[])
       as c (operation_id, ledger_id, version, member_id, asset, kind, amount, hold_id, reverses, counts_at)`,
);
/** A lane that is there keeps its next attempt: what waits behind a failure waits. */
const addToLanes = statement(
  'record_lane.add',
  `insert into record_lane (tenant_id, ledger_id, asked, failures, next_attempt_at)
   select $1, l.ledger_id, 1, 0, now() from unnest($2::uuid[]) as l (ledger_id) order by l.ledger_id
   on conflict (tenant_id, ledger_id) do update set asked = record_lane.asked + 1`,
);
const selectChanges = statement<RecordChange>(
  'record_change.by_operation',
  `select ${COLUMNS} from record_change c
    where c.tenant_id = $1 and c.operation_id = any($2::uuid[]) order by c.operation_id`,
);
const selectOpen = statement<OpenChange>(
  'record_change.open',
  `select ${COLUMNS}, o.reason as "why", o.reference_type as "onType", o.reference_id as "onId",
          c.asked_at <= now() - interval '3 days' as "isOver",
          array(select t.lot_id from lot t
                 where t.tenant_id = $1 and t.ledger_id = c.ledger_id
                   and t.operation_id = c.operation_id) as "lotKeys"
     from record_change c
     join operation o on o.tenant_id = $1 and o.operation_id = c.operation_id
    where c.tenant_id = $1 and c.ledger_id = $2 and c.status = 'ASKED'
    order by c.version limit $3`,
);
const settleChange = statement<{ operationKey: string }>(
  'record_change.settle',
  `update record_change
      set status = $3, settled_by = $4, reason = $5, reference_type = $6, reference_id = $7, balance = $8,
          attempts = attempts + 1, settled_at = date_trunc('milliseconds', now())
    where tenant_id = $1 and operation_id = $2 and status = 'ASKED'
   returning operation_id as "operationKey"`,
);
const countAttempt = statement(
  'record_change.attempt',
  `update record_change set attempts = attempts + 1
    where tenant_id = $1 and operation_id = $2 and status = 'ASKED'`,
);
const selectReversing = statement<{ reversesKey: string }>(
  'record_change.reversing',
  `select reverses as "reversesKey" from record_change
    where tenant_id = $1 and reverses = any($2::uuid[]) and status = 'ASKED'
   union
   select operation_id from record_change
    where tenant_id = $1 and operation_id = any($2::uuid[]) and status = 'ASKED'`,
);

const selectGivenUp = statement<{ holdKey: string }>(
  'record_change.given_up',
  `select h.hold_id as "holdKey" from hold h
     join record_change c on c.tenant_id = $1 and c.operation_id = h.operation_id
    where h.tenant_id = $1 and h.hold_id = any($2::uuid[]) and c.status = 'GIVEN_UP'`,
);

/** What is written of a change before it is asked for. */
export type NewChange = Pick<
  RecordChange,
  | 'operationKey'
  | 'ledgerKey'
  | 'version'
  | 'memberKey'
  | 'asset'
  | 'kind'
  | 'amount'
  | 'holdKey'
  | 'reversesKey'
  | 'countsAt'
>;

/** A change that is open, with what its operation says, and the lots that it made. */
export interface OpenChange extends RecordChange {
  readonly why: string | null;
  readonly onType: string | null;
  readonly onId: string | null;
  /** Whether it was asked for as long as changes are. */
  readonly isOver: boolean;
  readonly lotKeys: readonly string[];
}

/** What settles a change. */
export interface Settlement
  extends Pick<RecordChange, 'reason' | 'referenceType' | 'referenceId' | 'balance'> {
  readonly status: Exclude<OperationStatus, OperationStatus.ASKED>;
  readonly settledByKey: string | null;
}

/** Writes changes with their operations; nobody waits: what fails here fails the transaction. */
export function sendChanges(tx: Transaction, tenantKey: string, changes: readonly NewChange[]): void {
  const written = tx.run(insertChanges, [
    tenantKey,
    changes.map(({ operationKey }) => operationKey),
    changes.map(({ ledgerKey }) => ledgerKey),
    changes.map(({ version }) => version),
    changes.map(({ memberKey }) => memberKey),
    changes.map(({ asset }) => asset),
    changes.map(({ kind }) => kind),
    changes.map(({ amount }) => amount),
    changes.map(({ holdKey }) => holdKey),
    changes.map(({ reversesKey }) => reversesKey),
    changes.map(({ countsAt }) => countsAt),
  ]);
  const lanes = [...new Set(changes.map(({ ledgerKey }) => ledgerKey))];
  Promise.all([written, tx.run(addToLanes, [tenantKey, lanes])]).catch(() => undefined);
}

/** The changes that operations stand for; those of records that we keep have none. */
export async function findChanges(
  sql: Sql,
  tenantKey: string,
  operationKeys: readonly string[],
): Promise<RecordChange[]> {
  return await sql.run(selectChanges, [tenantKey, operationKeys]);
}

/** The first open changes of a ledger, in their order. */
export async function findOpenChanges(
  sql: Sql,
  tenantKey: string,
  ledgerKey: string,
  most: number,
): Promise<OpenChange[]> {
  return await sql.run(selectOpen, [tenantKey, ledgerKey, most]);
}

/** Settles a change; false where somebody did so before. It is locked until the transaction ends. */
export async function settle(
  tx: Transaction,
  { tenantKey, operationKey }: RecordChange,
  { status, settledByKey, reason, referenceType, referenceId, balance }: Settlement,
): Promise<boolean> {
  const values = [tenantKey, operationKey, status, settledByKey, reason, referenceType, referenceId, balance];
  return (await tx.run(settleChange, values)).length > 0;
}

export async function countFailure(
  tx: Transaction,
  { tenantKey, operationKey }: RecordChange,
): Promise<void> {
  await tx.run(countAttempt, [tenantKey, operationKey]);
}

/** Of these operations, those that are open, or are being taken back. */
export async function findUnsettled(
  sql: Sql,
  tenantKey: string,
  operationKeys: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await sql.run(selectReversing, [tenantKey, operationKeys]);
  return new Set(rows.map(({ reversesKey }) => reversesKey));
}

/** Of these holds, those of changes that were given up. */
export async function findGivenUp(
  sql: Sql,
  tenantKey: string,
  holdKeys: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await sql.run(selectGivenUp, [tenantKey, holdKeys]);
  return new Set(rows.map(({ holdKey }) => holdKey));
}
