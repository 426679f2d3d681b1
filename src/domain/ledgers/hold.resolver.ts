import { Arg, Ctx, Extensions, FieldResolver, ID, Mutation, Resolver, Root } from 'type-graphql';
import { toPublicId } from '../../kernel/ids.ts';
import { payloadOf, type Row } from '../shared/index.ts';
import { Hold } from './hold.entity.ts';
import { CaptureHoldInput, HoldPointsInput, ReleaseHoldInput } from './hold.inputs.ts';
import { CaptureHoldPayload, HoldPointsPayload, ReleaseHoldPayload } from './hold.payloads.types.ts';
import type { HeldResult } from './hold.service.ts';
import type { LedgerContext } from './ledger.context.ts';
import { ledgerAfter } from './ledger.snapshot.ts';

const REFUSED: HoldPointsPayload = { hold: null, operation: null, ledger: null, userErrors: [] };

@Resolver(() => Hold)
export class HoldResolver {
  @Mutation(() => HoldPointsPayload, {
    description:
      'Reserves an amount, e.g. at checkout, to be captured or released; it can’t be spent otherwise.',
  })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  holdPoints(
    @Arg('input', () => HoldPointsInput, { description: 'Who reserves how much of what, and for how long.' })
    input: HoldPointsInput,
    @Ctx() { request, services }: LedgerContext,
  ): Promise<HoldPointsPayload> {
    return payloadOf(request, REFUSED, async () => toPayload(await services.holds.hold(request, input)));
  }

  @Mutation(() => CaptureHoldPayload, { description: 'Spends of what a hold has reserved, all or a part.' })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  captureHold(
    @Arg('input', () => CaptureHoldInput, { description: 'Which hold, how much, and whether it ends.' })
    input: CaptureHoldInput,
    @Ctx() { request, services }: LedgerContext,
  ): Promise<CaptureHoldPayload> {
    return payloadOf(request, REFUSED, async () => toPayload(await services.holds.capture(request, input)));
  }

  @Mutation(() => ReleaseHoldPayload, { description: 'Gives back what a hold has left.' })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  releaseHold(
    @Arg('input', () => ReleaseHoldInput, { description: 'Which hold, and why.' })
    input: ReleaseHoldInput,
    @Ctx() { request, services }: LedgerContext,
  ): Promise<ReleaseHoldPayload> {
    return payloadOf(request, REFUSED, async () => toPayload(await services.holds.release(request, input)));
  }

  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() hold: Row<Hold>): string {
    return toPublicId('hold', hold.holdKey);
  }
}

function toPayload({ hold, operation }: HeldResult): HoldPointsPayload {
  const [entry] = operation.writtenEntries ?? [];
  return { hold, operation, ledger: entry === undefined ? null : ledgerAfter(entry), userErrors: [] };
}
