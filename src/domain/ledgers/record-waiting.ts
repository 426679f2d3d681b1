import { Refusal, refuse } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { isElsewhere } from './external-ledger-writer.ts';
import type { LedgerOperation } from './operation.entity.ts';
import type { Posting } from './posting.ts';
import { OperationStatus } from './record-change.entity.ts';
import type { RecordChanges } from './record-changes.ts';

/**
 * What nobody could carry out isn't written down.
 * @throws Refusal RECORD_UNANSWERED
 */
export async function refuseUnkept(
  records: RecordChanges,
  { tenantKey }: RequestContext,
  program: PinnedProgram,
  posting: Posting,
): Promise<void> {
  const { asset } = posting;
  if (!isElsewhere(program, posting) || (await records.isKept(tenantKey))) return;
  throw refuse('RECORD_UNANSWERED', ['asset'], { asset });
}

/**
 * Waits a while for what the system that keeps the record answers about an operation; what it refuses is
 * refused, now and whenever the key is sent again. Costs nothing where we keep the record.
 * @throws Refusal RECORD_REFUSED
 */
export async function refuseWhereRefused(
  records: RecordChanges,
  { tenantKey }: RequestContext,
  { operationKey, writtenEntries = [] }: LedgerOperation,
): Promise<void> {
  const [entry] = writtenEntries;
  if (entry === undefined || !(await records.isElsewhere(tenantKey, entry.assetCode))) return;
  const change = await records.outcome(tenantKey, operationKey);
  if (change?.status !== OperationStatus.REFUSED) return;
  const details = { asset: change.asset };
  const said = change.reason === null ? {} : { message: change.reason };
  throw new Refusal([{ code: 'RECORD_REFUSED', field: null, details, ...said }]);
}
