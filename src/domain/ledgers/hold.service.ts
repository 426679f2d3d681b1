import { type PointsReleaseInput, pointsHold, pointsRedeem, pointsRelease } from '../../extension/index.ts';
import { parseDuration, plus } from '../../kernel/calendar.ts';
import { refuse } from '../../kernel/errors.ts';
import { fromPublicId, newKey, toPublicId } from '../../kernel/ids.ts';
import { mayActOn, type RequestContext } from '../../kernel/request-context.ts';
import { assetOf, type PinnedProgram } from '../programs/index.ts';
import { ActAsking, approved } from './act-asking.ts';
import { type ActingParts, BY_HAND, memberActedOn, onlyOne, shownOf } from './acting.ts';
import { isElsewhere } from './external-ledger-writer.ts';
import type { Hold } from './hold.entity.ts';
import type { CaptureHoldInput, HoldPointsInput, ReleaseHoldInput } from './hold.inputs.ts';
import { type FoundHold, findHold, holdAfter, type ReferredHold } from './hold.repository.ts';
import { restOf } from './ledger-holds.policy.ts';
import type { LedgerOperation } from './operation.entity.ts';
import type { Posting } from './posting.ts';

/** What an act on a hold left: the hold, and the operation. */
export interface HeldResult {
  readonly hold: Hold;
  readonly operation: LedgerOperation;
}

/** What is kept of a request under its key. */
interface StoredHold {
  readonly operation: string;
  readonly hold: string;
}

type HoldInput = HoldPointsInput | CaptureHoldInput | ReleaseHoldInput;

/** Use cases on holds: reserve, capture, release. */
export class HoldService {
  readonly #parts: ActingParts;

  constructor(parts: ActingParts) {
    this.#parts = parts;
  }

  /**
   * Reserves an amount, from the lots that expire first.
   * @throws Refusal IDEMPOTENCY_CONFLICT, MEMBER_NOT_FOUND, MEMBER_NOT_ACTIVE, ASSET_NOT_FOUND,
   *   ASSET_NOT_SPENDABLE, AMOUNT_NOT_POSITIVE, INSUFFICIENT_BALANCE, HOLD_END_TWICE, HOLD_ENDED_BEFORE,
   *   TEXT_TOO_LONG, NO_PROGRAM, EXTENSION_REFUSED, EXTENSION_UNAVAILABLE
   */
  async hold(ctx: RequestContext, input: HoldPointsInput): Promise<HeldResult> {
    // Before the key is looked at: nobody replays what another member did.
    if (ctx.caller.role === 'MEMBER') memberActedOn(ctx, input.memberId, 'memberId');
    const asking = new ActAsking(this.#parts.asking, ctx, pointsHold, input);
    return await this.#run(ctx, 'holdPoints', input, async (program) => {
      const posting = toHold(ctx, program, input);
      const expiresAt = (now: Date) => endOf(posting, program, now)?.toISOString() ?? null;
      return await approved(asking, program, {
        posting,
        input: (act, now) => ({ ...act, expiresAt: expiresAt(now) }),
      });
    });
  }

  /**
   * Spends of what a hold reserved, from its lots that expire first.
   * @throws Refusal IDEMPOTENCY_CONFLICT, HOLD_NOT_FOUND, HOLD_NOT_ACTIVE, MEMBER_NOT_ACTIVE,
   *   AMOUNT_NOT_POSITIVE, CAPTURE_EXCEEDS_HOLD, NO_PROGRAM, EXTENSION_REFUSED, EXTENSION_UNAVAILABLE
   */
  async capture(ctx: RequestContext, input: CaptureHoldInput): Promise<HeldResult> {
    if (ctx.caller.role === 'MEMBER') await this.#found(ctx, input.holdId);
    const asking = new ActAsking(this.#parts.asking, ctx, pointsRedeem, input);
    return await this.#run(ctx, 'captureHold', input, async (program) => {
      const wanted = input.amount ?? null;
      if (wanted !== null && wanted <= 0n) throw refuse('AMOUNT_NOT_POSITIVE', ['amount']);
      const found = await this.#found(ctx, input.holdId);
      refuseOwnDoubt(ctx, program, found);
      const posting: Posting = {
        ...ofHold('CAPTURE', found),
        amount: wanted ?? 0n,
        whole: wanted === null,
        hold: { holdKey: found.holdKey, final: input.final === true },
        reason: null,
        reference: null,
      };
      const hold = toldHold(found);
      return await approved(asking, program, { posting, input: (act) => ({ ...act, hold }) });
    });
  }

  /**
   * Gives back what a hold has left.
   * @throws Refusal IDEMPOTENCY_CONFLICT, HOLD_NOT_FOUND, HOLD_NOT_ACTIVE, TEXT_TOO_LONG, NO_PROGRAM,
   *   EXTENSION_REFUSED, EXTENSION_UNAVAILABLE
   */
  async release(ctx: RequestContext, input: ReleaseHoldInput): Promise<HeldResult> {
    if (ctx.caller.role === 'MEMBER') await this.#found(ctx, input.holdId);
    const asking = new ActAsking(this.#parts.asking, ctx, pointsRelease, input);
    return await this.#run(ctx, 'releaseHold', input, async (program) => {
      const found = await this.#found(ctx, input.holdId);
      refuseOwnDoubt(ctx, program, found);
      const posting: Posting = {
        ...ofHold('RELEASE', found),
        amount: 0n,
        whole: true,
        hold: { holdKey: found.holdKey },
        ...shownOf(input.reason),
      };
      const hold = toldHold(found);
      return await approved(asking, program, { posting, input: (act) => ({ ...act, hold }) });
    });
  }

  async #run(
    ctx: RequestContext,
    mutation: string,
    input: HoldInput,
    propose: (program: PinnedProgram) => Promise<Posting>,
  ): Promise<HeldResult> {
    const { useCases, writer, listener } = this.#parts;
    const { result, written } = await useCases.run<Posting, StoredHold, HeldResult>(ctx, {
      mutation,
      input,
      propose,
      stored: ({ operationKey, hold }) => ({ operation: operationKey, hold: hold?.holdKey ?? '' }),
      commit: async (tx, posting, program, facts) => {
        const context = { tenantKey: ctx.tenantKey, program, facts };
        const { operations, holds } = await writer.post(tx, context, [posting]);
        const hold = holds.find(({ holdKey }) => holdKey === posting.hold?.holdKey);
        if (hold === undefined) throw new Error('A hold that must be there is missing.');
        return { hold, operation: onlyOne(operations) };
      },
      replay: (stored) => this.#replay(ctx, stored),
    });
    if (written) listener.posted(ctx.tenantKey);
    return result;
  }

  async #replay(ctx: RequestContext, stored: StoredHold): Promise<HeldResult> {
    const sql = this.#parts.database.read(ctx.tenantKey);
    const [operations, found] = await Promise.all([
      this.#parts.ledgers.operations(ctx, [stored.operation]),
      findHold(sql, ctx.tenantKey, stored.hold),
    ]);
    if (found === null) throw new Error('A hold that must be there is missing.');
    const operation = onlyOne(operations);
    const { kind, versions } = operation;
    return { hold: await holdAfter(sql, found, { kind, version: versions[0] ?? 0n }), operation };
  }

  /** @throws Refusal HOLD_NOT_FOUND, also for a hold that is not the caller's */
  async #found(ctx: RequestContext, holdId: string): Promise<ReferredHold> {
    const holdKey = fromPublicId('hold', holdId);
    const { database } = this.#parts;
    const found =
      holdKey === null ? null : await findHold(database.read(ctx.tenantKey), ctx.tenantKey, holdKey);
    if (found === null || !mayActOn(ctx, found.memberKey)) throw refuse('HOLD_NOT_FOUND', ['holdId']);
    return found;
  }
}

function toHold(ctx: RequestContext, program: PinnedProgram, input: HoldPointsInput): Posting {
  const { amount, expiresAt = null, expiresIn = null } = input;
  const memberKey = memberActedOn(ctx, input.memberId, 'memberId');
  const asset = assetOf(program, input.asset, ['asset']);
  if (!asset.spendable) throw refuse('ASSET_NOT_SPENDABLE', ['asset'], { asset: asset.code });
  if (amount <= 0n) throw refuse('AMOUNT_NOT_POSITIVE', ['amount']);
  if (expiresAt !== null && expiresIn !== null) throw refuse('HOLD_END_TWICE', ['expiresAt']);
  return {
    ...BY_HAND,
    operationKey: newKey(),
    kind: 'HOLD',
    memberKey,
    asset: input.asset,
    amount,
    hold: { holdKey: newKey(), expiresAt, expiresIn },
    ...shownOf(input.reason, input.reference),
  };
}

/** When a hold would be over; null: never. */
function endOf({ hold }: Posting, { definition }: PinnedProgram, now: Date): Date | null {
  const lasts = parseDuration(hold?.expiresIn ?? '');
  return lasts === null ? (hold?.expiresAt ?? null) : plus(now, lasts, definition.timeZone);
}

function toldHold(found: ReferredHold): PointsReleaseInput['hold'] {
  const { holdKey, amount, referenceType: type, referenceId: id } = found;
  const reference = type === null || id === null ? null : { type, id };
  return { id: toPublicId('hold', holdKey), amount: String(amount), left: String(restOf(found)), reference };
}

function ofHold(kind: 'CAPTURE' | 'RELEASE', { memberKey, asset }: FoundHold) {
  return { ...BY_HAND, operationKey: newKey(), kind, memberKey, asset, memberField: ['holdId'] } as const;
}

/** Whether another system took what it never answered about isn't the member's to say. */
function refuseOwnDoubt({ caller }: RequestContext, program: PinnedProgram, { asset }: FoundHold): void {
  if (caller.role !== 'MEMBER' || !isElsewhere(program, { asset })) return;
  throw refuse('RECORD_ELSEWHERE', ['holdId'], { asset });
}
