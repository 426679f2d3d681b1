import { refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey } from '../../kernel/ids.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import { assetOf, type PinnedProgram } from '../programs/index.ts';
import { type ActingParts, BY_HAND, memberActedOn, postAlone, shownOf } from './acting.ts';
import type { LedgerOperation } from './operation.entity.ts';
import type { Posting } from './posting.ts';
import type { TransferPointsInput } from './transfer.inputs.ts';

/** Use cases that move points between members. */
export class TransferService {
  readonly #parts: ActingParts;

  constructor(parts: ActingParts) {
    this.#parts = parts;
  }

  /**
   * Gives an amount to another member: what expires first goes first, and keeps its expiry.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, SELF_TRANSFER,
   *   ASSET_NOT_FOUND, ASSET_NOT_TRANSFERABLE, AMOUNT_NOT_POSITIVE, INSUFFICIENT_BALANCE,
   *   BALANCE_OUT_OF_RANGE, TEXT_TOO_LONG, NO_PROGRAM
   */
  async transfer(ctx: RequestContext, input: TransferPointsInput): Promise<LedgerOperation> {
    // Before the key is looked at: nobody replays what another member did.
    if (ctx.caller.role === 'MEMBER') memberActedOn(ctx, input.fromMemberId, 'fromMemberId');
    return await postAlone(this.#parts, ctx, {
      mutation: 'transferPoints',
      input,
      propose: (program) => toTransfer(ctx, program, input),
    });
  }
}

function toTransfer(ctx: RequestContext, program: PinnedProgram, input: TransferPointsInput): Posting {
  const memberKey = memberActedOn(ctx, input.fromMemberId, 'fromMemberId');
  const toMemberKey = fromPublicId('member', input.toMemberId);
  if (toMemberKey === null) throw refuse('MEMBER_NOT_FOUND', ['toMemberId']);
  if (toMemberKey === memberKey) throw refuse('SELF_TRANSFER', ['toMemberId']);
  const asset = assetOf(program, input.asset, ['asset']);
  if (!asset.transferable) throw refuse('ASSET_NOT_TRANSFERABLE', ['asset'], { asset: asset.code });
  if (input.amount <= 0n) throw refuse('AMOUNT_NOT_POSITIVE', ['amount']);
  return {
    ...BY_HAND,
    operationKey: newKey(),
    kind: 'TRANSFER',
    memberKey,
    toMemberKey,
    memberField: ['fromMemberId'],
    asset: input.asset,
    amount: input.amount,
    ...shownOf(input.message, null, 'message'),
  };
}
