import { KeptEvents } from '../../events/index.ts';
import { pointsRedeem } from '../../extension/index.ts';
import { Refusal, RequestFault, refuse } from '../../kernel/errors.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { idempotentRequest } from '../../persistence/index.ts';
import { ActAsking } from './act-asking.ts';
import { memberActedOn } from './acting.ts';
import { type HandParts, type HandRequest, PostingsByHand, refusalOr } from './batch-by-hand.ts';
import type { Entry } from './entry.entity.ts';
import type { Ledger } from './ledger.entity.ts';
import { EntryStatus } from './ledger.enums.types.ts';
import type { AdjustPointsInput, EarnPointsInput, RedeemPointsInput } from './ledger.inputs.ts';
import { LedgerReads } from './ledger-read.repository.ts';
import type { LedgerOperation } from './operation.entity.ts';

const MOST_ITEMS = 1_000;

type LedgerParts = Omit<HandParts, 'ledgers'>;

/** Use cases on ledgers: what staff, tills and other systems do directly. */
export class LedgerService {
  readonly #parts: LedgerParts;
  readonly #postings: PostingsByHand;
  readonly #keptEvents: KeptEvents;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
    this.#keptEvents = new KeptEvents(parts.database);
    this.#postings = new PostingsByHand({ ...parts, ledgers: this });
  }

  /**
   * Credits an amount.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, ASSET_NOT_FOUND,
   *   AMOUNT_NOT_POSITIVE, EXPIRY_NOT_AFTER_AVAILABILITY, BALANCE_OUT_OF_RANGE, TEXT_TOO_LONG, NO_PROGRAM,
   *   and of an asset whose record is kept elsewhere RECORD_ELSEWHERE, RECORD_UNANSWERED, RECORD_REFUSED
   */
  async earn(ctx: RequestContext, input: EarnPointsInput): Promise<LedgerOperation> {
    return await this.#carryOut(ctx, 'earnPoints', 'EARN', input);
  }

  /**
   * Spends an amount, from the lots that expire first.
   * @throws Refusal as `earn`, and INSUFFICIENT_BALANCE, ASSET_NOT_SPENDABLE, EXTENSION_REFUSED,
   *   EXTENSION_UNAVAILABLE
   */
  async redeem(ctx: RequestContext, input: RedeemPointsInput): Promise<LedgerOperation> {
    return await this.#carryOut(ctx, 'redeemPoints', 'REDEEM', input);
  }

  /**
   * Corrects a balance, up or down to what the asset allows.
   * @throws Refusal as `earn`, and AMOUNT_ZERO, INSUFFICIENT_BALANCE
   */
  async adjust(ctx: RequestContext, input: AdjustPointsInput): Promise<LedgerOperation> {
    return await this.#carryOut(ctx, 'adjustPoints', 'ADJUST', input);
  }

  /**
   * Credits many amounts, those of one ledger in the order of the items. Each is done or refused by itself.
   * @throws RequestFault BATCH_SIZE
   */
  async earnAll(
    ctx: RequestContext,
    items: readonly EarnPointsInput[],
  ): Promise<(LedgerOperation | Refusal)[]> {
    if (items.length < 1 || items.length > MOST_ITEMS) {
      throw new RequestFault('BATCH_SIZE', { field: ['items'], details: { most: MOST_ITEMS } });
    }
    const asked = items.map((input) => refusalOr(() => toRequest(ctx, 'earnPointsBatch', 'EARN', input)));
    const sound = asked.flatMap((one) => (one instanceof Refusal ? [] : [one]));
    const results = (await this.#postings.carryOut(ctx, sound)).values();
    return asked.map((one) => (one instanceof Refusal ? one : firstOf(results)));
  }

  /** From where whoever has read a ledger can follow every stream: events before may be forgotten. */
  placeToFollow({
    tenantKey,
    feedPosition,
  }: Pick<Ledger, 'tenantKey' | 'feedPosition'>): bigint | Promise<bigint> {
    const later = (kept: bigint): bigint => (kept > feedPosition ? kept : feedPosition);
    const kept = this.#keptEvents.from(tenantKey);
    return typeof kept === 'bigint' ? later(kept) : kept.then(later);
  }

  async #carryOut(
    ctx: RequestContext,
    mutation: string,
    kind: HandRequest['kind'],
    input: HandRequest['input'],
  ): Promise<LedgerOperation> {
    const asking = new ActAsking(this.#parts.asking, ctx, pointsRedeem, input);
    // Credits wait for the look-up, too, so that what came first is posted first.
    const isAsked = (await asking.find()) !== null && kind === 'REDEEM';
    const request = { ...toRequest(ctx, mutation, kind, input), asking: isAsked ? asking : null };
    const results = await this.#postings.carryOut(ctx, [request]);
    const result = firstOf(results.values());
    if (result instanceof Refusal) throw result;
    return result;
  }

  /** Operations with their entries as they were first shown, in the order of the keys given; for replays. */
  async operations(ctx: RequestContext, operationKeys: readonly string[]): Promise<LedgerOperation[]> {
    const reads = this.#reads(ctx);
    const found = new Map((await reads.operations(operationKeys)).map((one) => [one.operationKey, one]));
    return await withEntries(
      reads,
      operationKeys.flatMap((key) => found.get(key) ?? []),
    );
  }

  /** What an activity made, in the order in which it was made, as it was first shown. */
  async operationsOf(ctx: RequestContext, activityKey: string): Promise<LedgerOperation[]> {
    const reads = this.#reads(ctx);
    return await withEntries(reads, await reads.operationsOf(activityKey));
  }

  #reads({ tenantKey }: RequestContext): LedgerReads {
    return new LedgerReads(this.#parts.database.read(tenantKey), tenantKey);
  }
}

async function withEntries(
  reads: LedgerReads,
  operations: readonly LedgerOperation[],
): Promise<LedgerOperation[]> {
  const wanted = operations.flatMap(({ ledgerKeys, versions }) =>
    ledgerKeys.map((ledgerKey, index) => ({ ledgerKey, version: versions[index] ?? 0n })),
  );
  const entries = Map.groupBy(await reads.entries(wanted), ({ operationKey }) => operationKey);
  return operations.map((one) => ({
    ...one,
    writtenEntries: (entries.get(one.operationKey) ?? []).map(asFirstShown),
  }));
}

/** @throws Refusal AMOUNT_NOT_POSITIVE, AMOUNT_ZERO, IDEMPOTENCY_KEY_INVALID, MEMBER_NOT_FOUND */
function toRequest(
  ctx: RequestContext,
  mutation: string,
  kind: HandRequest['kind'],
  input: HandRequest['input'],
): HandRequest {
  if (kind === 'ADJUST' && input.amount === 0n) throw refuse('AMOUNT_ZERO', ['amount']);
  if (kind !== 'ADJUST' && input.amount <= 0n) throw refuse('AMOUNT_NOT_POSITIVE', ['amount']);
  // Before the key is looked at: nobody replays what another member did.
  if (ctx.caller.role === 'MEMBER') memberActedOn(ctx, input.memberId, 'memberId');
  return { mutation, kind, input, request: idempotentRequest(mutation, input), asking: null };
}

/** An entry as the first answer showed it: what was pending then is so in every replay. */
function asFirstShown(entry: Entry): Entry {
  const wasPending = entry.availableAt !== null && entry.availableAt > entry.recordedAt;
  return { ...entry, status: wasPending ? EntryStatus.PENDING : EntryStatus.POSTED };
}

function firstOf<Value>(values: IterableIterator<Value>): Value {
  const { value, done } = values.next();
  if (done === true) throw new Error('A request was left without an answer.');
  return value;
}
