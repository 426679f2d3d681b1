import { storedValueTopUp } from '../../extension/index.ts';
import { Refusal, refuse } from '../../kernel/errors.ts';
import { newKey } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { assetOf, type PinnedProgram } from '../programs/index.ts';
import { ActAsking, withNumber } from './act-asking.ts';
import { type ActingParts, BY_HAND, memberActedOn, postAlone, shownOf } from './acting.ts';
import { givenOnTop, judgePostings } from './extension-posting.policy.ts';
import type { LedgerOperation } from './operation.entity.ts';
import type { Posting } from './posting.ts';
import type { PayBackStoredValueInput, TopUpStoredValueInput } from './stored-value.inputs.ts';

/** Use cases on stored value: money that comes in, and money that goes back. It is spent as points are. */
export class StoredValueService {
  readonly #parts: ActingParts;

  constructor(parts: ActingParts) {
    this.#parts = parts;
  }

  /**
   * Credits what a member paid, and what is given on top, in one operation.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, ASSET_NOT_FOUND,
   *   ASSET_NOT_STORED_VALUE, AMOUNT_NOT_POSITIVE, EXPIRY_NOT_AFTER_AVAILABILITY, BALANCE_OUT_OF_RANGE,
   *   OPERATION_LIMIT, DAILY_LIMIT, TEXT_TOO_LONG, NO_PROGRAM, EXTENSION_REFUSED, EXTENSION_UNAVAILABLE
   */
  async topUp(ctx: RequestContext, input: TopUpStoredValueInput): Promise<LedgerOperation> {
    const asking = new ActAsking(this.#parts.asking, ctx, storedValueTopUp, input);
    try {
      return await postAlone(this.#parts, ctx, {
        mutation: 'topUpStoredValue',
        input,
        propose: (program) => proposeTopUp(program, toTopUp(ctx, program, input), asking),
      });
    } catch (error) {
      throw error instanceof Refusal ? new Refusal(error.reasons.map(namedAsPaid)) : error;
    }
  }

  /**
   * Pays money back to a member, out of what may be paid back.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, ASSET_NOT_FOUND,
   *   ASSET_NOT_STORED_VALUE, AMOUNT_NOT_POSITIVE, PAY_BACK_EXCEEDS_REFUNDABLE, TEXT_TOO_LONG, NO_PROGRAM
   */
  async payBack(ctx: RequestContext, input: PayBackStoredValueInput): Promise<LedgerOperation> {
    return await postAlone(this.#parts, ctx, {
      mutation: 'payBackStoredValue',
      input,
      propose: (program) => toPayBack(ctx, program, input),
    });
  }
}

/** The ledger knows of one amount; whoever tops up has sent what was paid. */
function namedAsPaid(reason: Refusal['reasons'][number]): Refusal['reasons'][number] {
  return reason.field?.[0] === 'amount' ? { ...reason, field: ['paid'] } : reason;
}

/** The top-up, and what extensions give on top. */
async function proposeTopUp(
  program: PinnedProgram,
  posting: Posting,
  asking: ActAsking<typeof storedValueTopUp.input, typeof storedValueTopUp.output>,
): Promise<Posting[]> {
  const paid = posting.paid?.amount ?? 0n;
  const answers = await asking.ask(program, {
    posting,
    ...{ trigger: 'stored_value_top_up', filtered: paid },
    input: (act) => {
      const amount = String(posting.amount);
      return { ...act, amount, paid: String(paid), bonus: String(posting.amount - paid) };
    },
    judge: ({ postings = [] }, limits, now) =>
      judgePostings(program, postings, limits, { now, occurredAt: null }),
  });
  const act = withNumber(posting, answers);
  const more = answers.flatMap((answer) =>
    (answer.output.postings ?? []).map((given) => givenOnTop(program, act, answer, given)),
  );
  return [act, ...more];
}

function toTopUp(ctx: RequestContext, program: PinnedProgram, input: TopUpStoredValueInput): Posting {
  const { paid, expiresAt, bonusExpiresAt } = input;
  const bonus = input.bonus ?? 0n;
  const shared = toShared(ctx, program, input);
  if (paid <= 0n) throw refuse('AMOUNT_NOT_POSITIVE', ['paid']);
  if (bonus < 0n) throw refuse('AMOUNT_NEGATIVE', ['bonus']);
  return {
    ...shared,
    kind: 'EARN',
    amount: paid + bonus,
    paid: { amount: paid, expiresAt: expiresAt ?? null },
    expiresAt: bonusExpiresAt ?? null,
  };
}

function toPayBack(ctx: RequestContext, program: PinnedProgram, input: PayBackStoredValueInput): Posting {
  const amount = input.amount ?? null;
  const shared = toShared(ctx, program, input);
  if (amount !== null && amount <= 0n) throw refuse('AMOUNT_NOT_POSITIVE', ['amount']);
  return { ...shared, kind: 'REDEEM', amount: amount ?? 0n, whole: amount === null, paysBack: true };
}

function toShared(
  ctx: RequestContext,
  program: PinnedProgram,
  input: TopUpStoredValueInput | PayBackStoredValueInput,
): Omit<Posting, 'kind' | 'amount'> {
  const memberKey = memberActedOn(ctx, input.memberId, 'memberId');
  const { code, kind } = assetOf(program, input.asset, ['asset']);
  if (kind !== 'STORED_VALUE') throw refuse('ASSET_NOT_STORED_VALUE', ['asset'], { asset: code });
  return {
    ...BY_HAND,
    ...shownOf(input.reason, input.reference),
    operationKey: newKey(),
    memberKey,
    asset: code,
  };
}
