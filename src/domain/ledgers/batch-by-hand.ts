import type { pointsRedeem } from '../../extension/index.ts';
import { Refusal, refuse } from '../../kernel/errors.ts';
import { newKey } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { findResult, type IdempotentRequest } from '../../persistence/index.ts';
import { assetOf, type PinnedProgram, type ProgramService } from '../programs/index.ts';
import { type ActAsking, approved } from './act-asking.ts';
import { type ActingParts, BY_HAND, memberActedOn, onlyOne, postAlone, shownOf } from './acting.ts';
import type { Outcome, StoredOperation } from './batch-posting.ts';
import type { AdjustPointsInput, EarnPointsInput, RedeemPointsInput } from './ledger.inputs.ts';
import { PostingBatcher } from './ledger-batcher.ts';
import { ledgerKeyOf } from './ledger-writer.ts';
import type { LedgerOperation } from './operation.entity.ts';
import type { Posting } from './posting.ts';
import { refuseUnkept, refuseWhereRefused } from './record-waiting.ts';

/** How many of one caller's postings that go alone are under way at once. */
const MOST_ALONE = 6;

type HandInput = (EarnPointsInput | RedeemPointsInput | AdjustPointsInput) & {
  readonly availableAt?: Date | null;
  readonly expiresAt?: Date | null;
};

/** How a spend by hand is asked about. */
export type RedeemAsking = ActAsking<typeof pointsRedeem.input, typeof pointsRedeem.output>;

/** A posting that somebody asks for by hand. */
export interface HandRequest {
  readonly mutation: string;
  readonly kind: Posting['kind'];
  readonly input: HandInput;
  readonly request: IdempotentRequest;
  /** Null where no extension is asked. */
  readonly asking: RedeemAsking | null;
}

/** What became of a request; some must go alone, in a transaction of their own. */
type Answer = Exclude<Outcome, { became: 'MOVED' }> | { readonly became: 'ALONE' };
type Answers = Map<HandRequest, Answer>;

export interface HandParts extends ActingParts {
  readonly programs: ProgramService;
}

/**
 * Carries out postings by hand: each is proposed under the program in force and committed together with
 * whatever others ask for meanwhile.
 */
export class PostingsByHand {
  readonly #parts: HandParts;
  readonly #batcher: PostingBatcher;

  constructor(parts: HandParts) {
    this.#parts = parts;
    this.#batcher = new PostingBatcher(parts.database, parts.programs, parts.listener);
  }

  /** The operation of each request, or why it was refused. Those of one ledger are decided in their order. */
  async carryOut(
    ctx: RequestContext,
    requests: readonly HandRequest[],
  ): Promise<(LedgerOperation | Refusal)[]> {
    const answers = await this.#gather(ctx, requests);
    const alone = requests.filter((one) => answers.get(one)?.became === 'ALONE');
    if (alone.length > 0) await this.#carryOutAlone(ctx, alone, answers);
    const stored = [...answers.values()].flatMap((one) => (one.became === 'REPLAYED' ? [one.stored] : []));
    const keys = [...new Set(stored.map(({ operation }) => operation))];
    const again = keys.length === 0 ? [] : await this.#parts.ledgers.operations(ctx, keys);
    const replayed = new Map(again.map((operation) => [operation.operationKey, operation]));
    return requests.map((one) => toResult(answers.get(one), replayed));
  }

  /** What became of those that can be gathered. */
  async #gather(ctx: RequestContext, requests: readonly HandRequest[]): Promise<Answers> {
    const answers: Answers = new Map();
    const open = (): HandRequest[] => requests.filter((one) => !answers.has(one));
    try {
      await this.#parts.programs.underProgram(ctx.tenantKey, async (program) => {
        const running = open().map(async (one) => {
          const outcome = await this.#propose(ctx, program, one);
          if (outcome.became === 'MOVED') throw outcome.moved;
          answers.set(one, outcome);
        });
        const settled = await Promise.allSettled(running);
        for (const one of settled) if (one.status === 'rejected') throw one.reason;
      });
    } catch (error) {
      // Lost from sight at COMMIT, or refused before the key was looked at: the key tells.
      await Promise.all(open().map(async (one) => answers.set(one, await this.#known(ctx, one, error))));
    }
    return answers;
  }

  /**
   * Puts a request in the queue of its ledger before anything is awaited, so that order is kept, unless
   * extensions are asked about it.
   */
  async #propose(
    ctx: RequestContext,
    program: PinnedProgram,
    one: HandRequest,
  ): Promise<Outcome | { became: 'ALONE' }> {
    const posting = refusalOr(() => toPosting(ctx, program, one, one.request.key));
    // What was done before is told again, whatever is in force now.
    if (posting instanceof Refusal) return await this.#known(ctx, one, posting);
    if (one.input.dryRun === true || this.#parts.writer.countsBeyond(program, posting)) {
      return { became: 'ALONE' };
    }
    const { request, asking } = one;
    const ledgerKey = ledgerKeyOf(posting.memberKey, posting.asset);
    if (asking === null) {
      return await this.#batcher.post(ctx.tenantKey, { request, posting, ledgerKey, program });
    }
    // What was done before isn't asked about again.
    const sql = this.#parts.database.read(ctx.tenantKey);
    const stored = await findResult<StoredOperation>(sql, ctx.tenantKey, request);
    if (stored !== null) return { became: 'REPLAYED', stored };
    const asked = await this.#asked(program, posting, asking);
    return await this.#batcher.post(ctx.tenantKey, { request, posting: asked, ledgerKey, program });
  }

  async #asked(program: PinnedProgram, posting: Posting, asking: RedeemAsking): Promise<Posting> {
    return await approved(asking, program, { posting, input: (act) => ({ ...act, hold: null }) });
  }

  /**
   * The answer that the key knows, else the refusal that was met.
   * @throws what was met, when it is no refusal
   */
  async #known({ tenantKey }: RequestContext, { request }: HandRequest, met: unknown): Promise<Answer> {
    const sql = this.#parts.database.read(tenantKey);
    const stored = await findResult<StoredOperation>(sql, tenantKey, request).catch((error: unknown) => {
      if (error instanceof Refusal) return error;
      // Nobody is told of a refusal while it is open whether the request was done.
      if (met instanceof Refusal) throw error;
      return null;
    });
    if (stored instanceof Refusal) return { became: 'REFUSED', refusal: stored };
    if (stored !== null) return { became: 'REPLAYED', stored };
    if (met instanceof Refusal) return { became: 'REFUSED', refusal: met };
    throw met;
  }

  async #carryOutAlone(
    ctx: RequestContext,
    requests: readonly HandRequest[],
    answers: Answers,
  ): Promise<void> {
    const queues = [
      ...Map.groupBy(requests, ({ input }) => `${input.memberId} ${input.asset}`).values(),
    ].values();
    const work = async (): Promise<void> => {
      for (const queue of queues) for (const one of queue) answers.set(one, await this.#alone(ctx, one));
    };
    await Promise.all(Array.from({ length: Math.min(MOST_ALONE, requests.length) }, work));
  }

  /** Carries out one request in a transaction of its own, through all that watches the writer. */
  async #alone(ctx: RequestContext, one: HandRequest): Promise<Answer> {
    try {
      const operation = await postAlone(this.#parts, ctx, {
        mutation: one.mutation,
        input: one.input,
        propose: async (program) => {
          const posting = toPosting(ctx, program, one, newKey());
          await refuseUnkept(this.#parts.records, ctx, program, posting);
          return one.asking === null ? posting : await this.#asked(program, posting, one.asking);
        },
      });
      const isTried = one.input.dryRun === true;
      if (!isTried) await refuseWhereRefused(this.#parts.records, ctx, operation);
      return { became: 'WRITTEN', operation };
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { became: 'REFUSED', refusal: error };
    }
  }
}

/** What a function answers, or the refusal that it throws. */
export function refusalOr<Value>(work: () => Value): Value | Refusal {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error;
  }
}

function toResult(
  answer: Answer | undefined,
  replayed: ReadonlyMap<string, LedgerOperation>,
): LedgerOperation | Refusal {
  if (answer?.became === 'REFUSED') return answer.refusal;
  if (answer?.became === 'WRITTEN') return answer.operation;
  const again = answer?.became === 'REPLAYED' ? replayed.get(answer.stored.operation) : undefined;
  return onlyOne(again === undefined ? [] : [again]);
}

function toPosting(
  ctx: RequestContext,
  program: PinnedProgram,
  { kind, input }: HandRequest,
  operationKey: string,
): Posting {
  const memberKey = memberActedOn(ctx, input.memberId, 'memberId');
  const asset = assetOf(program, input.asset, ['asset']);
  if (kind === 'REDEEM' && !asset.spendable)
    throw refuse('ASSET_NOT_SPENDABLE', ['asset'], { asset: asset.code });
  return {
    ...BY_HAND,
    ...shownOf(input.reason, input.reference),
    operationKey,
    kind,
    memberKey,
    asset: input.asset,
    amount: input.amount,
    availableAt: input.availableAt ?? null,
    expiresAt: input.expiresAt ?? null,
  };
}
