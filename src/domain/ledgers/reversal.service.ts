import { type PointsReverseInput, pointsReverse } from '../../extension/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey, toPublicId } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { PinnedProgram } from '../programs/index.ts';
import { ActAsking, approved } from './act-asking.ts';
import { type ActingParts, BY_HAND, onlyOne, shownOf } from './acting.ts';
import type { Entry } from './entry.entity.ts';
import { OperationKind } from './ledger.enums.types.ts';
import { LedgerReads } from './ledger-read.repository.ts';
import { ledgerKeyOf } from './ledger-writer.ts';
import type { LedgerOperation } from './operation.entity.ts';
import type { Posting } from './posting.ts';
import { refuseUnkept, refuseWhereRefused } from './record-waiting.ts';
import type { ReverseOperationInput } from './reversal.inputs.ts';
import { isReversible } from './reversal.policy.ts';
import { findSuccessors } from './reversal.repository.ts';

/** The operation that undid another, and the ledger that is shown with it: a transfer's sender. */
export interface Reversed {
  readonly operation: LedgerOperation;
  readonly ledgerKey: string;
}

/** What is kept of a request under its key. */
interface StoredReversal {
  readonly operation: string;
  readonly ledger: string;
}

interface ReversalProposal {
  readonly posting: Posting;
  readonly ledgerKey: string;
}

/** Use cases that undo operations. */
export class ReversalService {
  readonly #parts: ActingParts;

  constructor(parts: ActingParts) {
    this.#parts = parts;
  }

  /**
   * Undoes an operation, in whole or in part. A spend's points go back to the lots that it took them from;
   * what goes back to a lot that has expired meanwhile is lost. A credit is taken back from its own lot
   * first.
   * @throws Refusal IDEMPOTENCY_CONFLICT, OPERATION_NOT_FOUND, OPERATION_NOT_REVERSIBLE, MEMBER_NOT_ACTIVE,
   *   AMOUNT_NOT_POSITIVE, REVERSAL_EXCEEDS_ORIGINAL, INSUFFICIENT_BALANCE, BALANCE_OUT_OF_RANGE,
   *   TEXT_TOO_LONG, NO_PROGRAM, EXTENSION_REFUSED, EXTENSION_UNAVAILABLE, and of an asset whose record is
   *   kept elsewhere RECORD_ELSEWHERE, RECORD_UNANSWERED, RECORD_UNSETTLED, RECORD_REFUSED
   */
  async reverse(ctx: RequestContext, input: ReverseOperationInput): Promise<Reversed> {
    const { useCases, writer, ledgers, listener } = this.#parts;
    const asking = new ActAsking(this.#parts.asking, ctx, pointsReverse, input);
    const { result, written } = await useCases.run<ReversalProposal, StoredReversal, Reversed>(ctx, {
      mutation: 'reverseOperation',
      input,
      propose: (program) => this.#propose(ctx, program, input, asking),
      stored: ({ posting, ledgerKey }) => ({ operation: posting.operationKey, ledger: ledgerKey }),
      commit: async (tx, { posting, ledgerKey }, program, facts) => {
        const context = { tenantKey: ctx.tenantKey, program, facts };
        const { operations } = await writer.post(tx, context, [posting]);
        return { operation: onlyOne(operations), ledgerKey };
      },
      replay: async ({ operation, ledger }) => ({
        operation: onlyOne(await ledgers.operations(ctx, [operation])),
        ledgerKey: ledger,
      }),
    });
    if (written) listener.posted(ctx.tenantKey);
    if (input.dryRun !== true) await refuseWhereRefused(this.#parts.records, ctx, result.operation);
    return result;
  }

  async #propose(
    ctx: RequestContext,
    program: PinnedProgram,
    input: ReverseOperationInput,
    asking: ActAsking<typeof pointsReverse.input, typeof pointsReverse.output>,
  ): Promise<ReversalProposal> {
    const amount = input.amount ?? null;
    if (amount !== null && amount <= 0n) throw refuse('AMOUNT_NOT_POSITIVE', ['amount']);
    const shown = shownOf(input.reason);
    const { operation, entries } = await this.#found(ctx, input.operationId);
    const { kind, operationKey } = operation;
    // A transfer's first side is the sender's.
    const [first, second] = entries.toSorted((a, b) => (a.amount < b.amount ? -1 : 1));
    if (first === undefined || !isReversible(kind)) {
      throw refuse('OPERATION_NOT_REVERSIBLE', ['operationId'], { kind });
    }
    const successors = await findSuccessors(
      this.#parts.database.read(ctx.tenantKey),
      ctx.tenantKey,
      entries.map(({ memberKey }) => memberKey),
    );
    const memberKey = successors.get(first.memberKey) ?? first.memberKey;
    const toMemberKey = successors.get(second?.memberKey ?? '');
    if (memberKey === toMemberKey) throw refuse('OPERATION_NOT_REVERSIBLE', ['operationId'], { kind });
    const posting: Posting = {
      ...BY_HAND,
      ...shown,
      operationKey: newKey(),
      kind: 'REVERSE',
      memberKey,
      ...(kind === OperationKind.TRANSFER && toMemberKey !== undefined ? { toMemberKey } : {}),
      memberField: ['operationId'],
      asset: first.assetCode,
      amount: amount ?? 0n,
      whole: amount === null,
      reverses: operationKey,
      reversedKind: kind,
      paysBack: operation.paysBack,
      countsAt: first.occurredAt,
    };
    await refuseUnkept(this.#parts.records, ctx, program, posting);
    const undone = toldOperation(operation, first);
    const asked = await approved(asking, program, {
      posting,
      input: (act) => ({ ...act, operation: undone }),
    });
    return { posting: asked, ledgerKey: ledgerKeyOf(memberKey, first.assetCode) };
  }

  async #found(
    ctx: RequestContext,
    operationId: string,
  ): Promise<{ operation: LedgerOperation; entries: Entry[] }> {
    const key = fromPublicId('operation', operationId);
    const reads = new LedgerReads(this.#parts.database.read(ctx.tenantKey), ctx.tenantKey);
    const [operation] = key === null ? [] : await reads.operations([key]);
    if (operation === undefined) throw refuse('OPERATION_NOT_FOUND', ['operationId']);
    const { ledgerKeys, versions } = operation;
    const wanted = ledgerKeys.map((ledgerKey, index) => ({ ledgerKey, version: versions[index] ?? 0n }));
    return { operation, entries: await reads.entries(wanted) };
  }
}

function toldOperation(
  { operationKey, kind, reason, referenceType: type, referenceId: id }: LedgerOperation,
  { amount, occurredAt }: Entry,
): PointsReverseInput['operation'] {
  return {
    ...{ id: toPublicId('operation', operationKey), kind, amount: String(amount), reason },
    reference: type === null || id === null ? null : { type, id },
    occurredAt: occurredAt.toISOString(),
  };
}
