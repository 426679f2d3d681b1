import type { FeedListener } from '../../events/index.ts';
import { refuse } from '../../kernel/errors.ts';
import { fromPublicId } from '../../kernel/ids.ts';
import { mayActOn, type RequestContext } from '../../kernel/request-context.ts';
import type { Database } from '../../persistence/index.ts';
import type { PinnedProgram, UseCaseRunner } from '../programs/index.ts';
import { refuseLong } from '../shared/index.ts';
import type { AskingParts } from './act-asking.ts';
import type { ReferenceInput } from './ledger.inputs.ts';
import type { LedgerWriter } from './ledger-writer.ts';
import type { LedgerOperation } from './operation.entity.ts';
import type { Posting } from './posting.ts';
import type { RecordChanges } from './record-changes.ts';

const LONGEST_REASON = 500;
const LONGEST_REFERENCE_TYPE = 64;
const LONGEST_REFERENCE_ID = 200;

/** What holds, reversals and transfers stand on. */
export interface ActingParts {
  readonly database: Database;
  readonly useCases: UseCaseRunner;
  readonly writer: LedgerWriter;
  readonly listener: FeedListener;
  readonly asking: AskingParts;
  readonly records: RecordChanges;
  readonly ledgers: {
    /** Operations as they were first shown. */
    operations(ctx: RequestContext, operationKeys: readonly string[]): Promise<LedgerOperation[]>;
  };
}

/** @throws Refusal MEMBER_NOT_FOUND, also for a member who is not the caller's to act on */
export function memberActedOn(ctx: RequestContext, memberId: string, field: string): string {
  const memberKey = fromPublicId('member', memberId);
  if (memberKey === null || !mayActOn(ctx, memberKey)) throw refuse('MEMBER_NOT_FOUND', [field]);
  return memberKey;
}

/**
 * What the ledger shows of an act, checked.
 * @throws Refusal TEXT_TOO_LONG
 */
export function shownOf(
  reason: string | null | undefined,
  reference?: ReferenceInput | null,
  reasonField = 'reason',
): Pick<Posting, 'reason' | 'reference'> {
  refuseLong(reason, LONGEST_REASON, [reasonField]);
  refuseLong(reference?.type, LONGEST_REFERENCE_TYPE, ['reference', 'type']);
  refuseLong(reference?.id, LONGEST_REFERENCE_ID, ['reference', 'id']);
  const named = reference ?? null;
  return {
    reason: reason ?? null,
    reference: named === null ? null : { type: named.type, id: named.id },
  };
}

/** An act by hand happens now, and nothing but the caller explains it. */
export const BY_HAND = { occurredAt: null, explanation: null, activityKey: null } as const;

export function onlyOne(operations: readonly LedgerOperation[]): LedgerOperation {
  const [operation] = operations;
  if (operation === undefined) throw new Error('An operation that must be there is missing.');
  return operation;
}

/** A mutation that comes to one posting. */
export interface OnePosting {
  readonly mutation: string;
  readonly input: { idempotencyKey: string; dryRun?: boolean | null };
  /**
   * With no transaction open. Of several postings the first is the act itself, and its operation the answer.
   * @throws Refusal what can be told before anything is locked
   */
  propose(program: PinnedProgram): Posting | Promise<Posting | readonly Posting[]>;
}

/** Carries out a mutation that comes to one posting, in a transaction of its own, once for its key. */
export async function postAlone(
  { useCases, writer, ledgers, listener }: Omit<ActingParts, 'database' | 'asking' | 'records'>,
  ctx: RequestContext,
  { mutation, input, propose }: OnePosting,
): Promise<LedgerOperation> {
  const { result, written } = await useCases.run<Posting[], { operation: string }, LedgerOperation>(ctx, {
    mutation,
    input,
    propose: async (program) => [await propose(program)].flat(),
    stored: ([act]) => ({ operation: act?.operationKey ?? '' }),
    commit: async (tx, postings, program, facts) => {
      const { operations } = await writer.post(tx, { tenantKey: ctx.tenantKey, program, facts }, postings);
      return onlyOne(operations);
    },
    replay: async ({ operation }) => onlyOne(await ledgers.operations(ctx, [operation])),
  });
  if (written) listener.posted(ctx.tenantKey);
  return result;
}
