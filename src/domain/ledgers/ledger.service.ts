import { refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey } from '../../kernel/ids.ts';
import { mayActOn, type RequestContext } from '../../kernel/request-context.ts';
import type { Database } from '../../persistence/index.ts';
import { assetOf, type PinnedProgram, type UseCaseRunner } from '../programs/index.ts';
import { refuseLong } from '../shared/index.ts';
import type { Entry } from './entry.entity.ts';
import { EntryStatus } from './ledger.enums.types.ts';
import type {
  AdjustPointsInput,
  EarnPointsInput,
  RedeemPointsInput,
  ReferenceInput,
} from './ledger.inputs.ts';
import { LedgerReads } from './ledger-read.repository.ts';
import type { LedgerWriter } from './ledger-writer.ts';
import type { LedgerOperation } from './operation.entity.ts';
import type { Posting } from './posting.ts';

const LONGEST_REASON = 500;
const LONGEST_REFERENCE_TYPE = 64;
const LONGEST_REFERENCE_ID = 200;

/** Told after a commit; a hint only, the entries are the truth. */
export interface PostingListener {
  posted(tenantKey: string, memberKeys: readonly string[]): void;
}

/** What is kept of a request under its key: the operation that it made. */
interface StoredOperation {
  readonly operation: string;
}

type HandInput = (EarnPointsInput | RedeemPointsInput | AdjustPointsInput) & {
  readonly availableAt?: Date | null;
  readonly expiresAt?: Date | null;
};

/** Use cases on ledgers: what staff, tills and other systems do directly. */
export class LedgerService {
  readonly #database: Database;
  readonly #useCases: UseCaseRunner;
  readonly #writer: LedgerWriter;
  readonly #listener: PostingListener;

  constructor(database: Database, useCases: UseCaseRunner, writer: LedgerWriter, listener: PostingListener) {
    this.#database = database;
    this.#useCases = useCases;
    this.#writer = writer;
    this.#listener = listener;
  }

  /**
   * Credits an amount.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, ASSET_NOT_FOUND,
   *   AMOUNT_NOT_POSITIVE, EXPIRY_NOT_AFTER_AVAILABILITY, BALANCE_OUT_OF_RANGE, TEXT_TOO_LONG, NO_PROGRAM
   */
  async earn(ctx: RequestContext, input: EarnPointsInput): Promise<LedgerOperation> {
    if (input.amount <= 0n) throw refuse('AMOUNT_NOT_POSITIVE', ['amount']);
    return await this.#byHand(ctx, 'earnPoints', 'EARN', input);
  }

  /**
   * Spends an amount, from the lots that expire first.
   * @throws Refusal as `earn`, and INSUFFICIENT_BALANCE, ASSET_NOT_SPENDABLE
   */
  async redeem(ctx: RequestContext, input: RedeemPointsInput): Promise<LedgerOperation> {
    if (input.amount <= 0n) throw refuse('AMOUNT_NOT_POSITIVE', ['amount']);
    return await this.#byHand(ctx, 'redeemPoints', 'REDEEM', input);
  }

  /**
   * Corrects a balance, up or down to what the asset allows.
   * @throws Refusal as `earn`, and AMOUNT_ZERO, INSUFFICIENT_BALANCE
   */
  async adjust(ctx: RequestContext, input: AdjustPointsInput): Promise<LedgerOperation> {
    if (input.amount === 0n) throw refuse('AMOUNT_ZERO', ['amount']);
    return await this.#byHand(ctx, 'adjustPoints', 'ADJUST', input);
  }

  async #byHand(
    ctx: RequestContext,
    mutation: string,
    kind: Posting['kind'],
    input: HandInput,
  ): Promise<LedgerOperation> {
    // Before the key is looked at: nobody replays what another member did.
    if (ctx.caller.role === 'MEMBER') memberActedOn(ctx, input);
    const { result, written } = await this.#useCases.run<Posting, StoredOperation, LedgerOperation>(ctx, {
      mutation,
      input,
      propose: async (program) => toPosting(ctx, program, kind, input),
      stored: ({ operationKey }) => ({ operation: operationKey }),
      commit: async (tx, posting, program, facts) => {
        const context = { tenantKey: ctx.tenantKey, program, facts };
        const { operations } = await this.#writer.post(tx, context, [posting]);
        return firstOf(operations);
      },
      replay: async ({ operation }) => firstOf(await this.operations(ctx, [operation])),
    });
    if (written) this.#listener.posted(ctx.tenantKey, membersOf(result));
    return result;
  }

  /** Operations with their entries as they were first shown, in the order of the keys given; for replays. */
  async operations(ctx: RequestContext, operationKeys: readonly string[]): Promise<LedgerOperation[]> {
    const reads = new LedgerReads(this.#database.read(ctx.tenantKey), ctx.tenantKey);
    const found = new Map((await reads.operations(operationKeys)).map((one) => [one.operationKey, one]));
    const operations = operationKeys.flatMap((key) => found.get(key) ?? []);
    const wanted = operations.flatMap(({ ledgerKeys, versions }) =>
      ledgerKeys.map((ledgerKey, index) => ({ ledgerKey, version: versions[index] ?? 0n })),
    );
    const entries = Map.groupBy(await reads.entries(wanted), ({ operationKey }) => operationKey);
    return operations.map((one) => ({
      ...one,
      writtenEntries: (entries.get(one.operationKey) ?? []).map(asFirstShown),
    }));
  }
}

/** @throws Refusal MEMBER_NOT_FOUND, also for a member who is not the caller's to act on */
function memberActedOn(ctx: RequestContext, { memberId }: HandInput): string {
  const memberKey = fromPublicId('member', memberId);
  if (memberKey === null || !mayActOn(ctx, memberKey)) throw refuse('MEMBER_NOT_FOUND', ['memberId']);
  return memberKey;
}

function toPosting(
  ctx: RequestContext,
  program: PinnedProgram,
  kind: Posting['kind'],
  input: HandInput,
): Posting {
  const memberKey = memberActedOn(ctx, input);
  const asset = assetOf(program, input.asset, ['asset']);
  if (kind === 'REDEEM' && !asset.spendable)
    throw refuse('ASSET_NOT_SPENDABLE', ['asset'], { asset: asset.code });
  refuseLong(input.reason, LONGEST_REASON, ['reason']);
  refuseLong(input.reference?.type, LONGEST_REFERENCE_TYPE, ['reference', 'type']);
  refuseLong(input.reference?.id, LONGEST_REFERENCE_ID, ['reference', 'id']);
  return {
    operationKey: newKey(),
    kind,
    memberKey,
    asset: input.asset,
    amount: input.amount,
    occurredAt: null,
    availableAt: input.availableAt ?? null,
    expiresAt: input.expiresAt ?? null,
    reason: input.reason ?? null,
    reference: plainReference(input.reference),
    explanation: null,
    activityKey: null,
  };
}

function plainReference(reference: ReferenceInput | null | undefined): Posting['reference'] {
  return reference === null || reference === undefined ? null : { type: reference.type, id: reference.id };
}

/** An entry as the first answer showed it: what was pending then is so in every replay. */
function asFirstShown(entry: Entry): Entry {
  const wasPending = entry.availableAt !== null && entry.availableAt > entry.recordedAt;
  return { ...entry, status: wasPending ? EntryStatus.PENDING : EntryStatus.POSTED };
}

function firstOf(operations: readonly LedgerOperation[]): LedgerOperation {
  const [operation] = operations;
  if (operation === undefined) throw new Error('An operation that must be there is missing.');
  return operation;
}

/** The members whose ledgers an operation wrote to. */
export function membersOf({ writtenEntries }: LedgerOperation): string[] {
  return [...new Set((writtenEntries ?? []).map(({ memberKey }) => memberKey))];
}
