import { Arg, Ctx, Extensions, Mutation, Resolver } from 'type-graphql';
import { payloadOf } from '../shared/index.ts';
import type { LedgerContext } from './ledger.context.ts';
import { TransferPointsInput } from './transfer.inputs.ts';
import { TransferPointsPayload } from './transfer.payloads.types.ts';

const REFUSED: TransferPointsPayload = { operation: null, userErrors: [] };

@Resolver()
export class TransferResolver {
  @Mutation(() => TransferPointsPayload, {
    description: 'Gives points of one member to another, where the asset allows it: both sides or neither.',
  })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  transferPoints(
    @Arg('input', () => TransferPointsInput, { description: 'Who gives how much of what to whom.' })
    input: TransferPointsInput,
    @Ctx() { request, services }: LedgerContext,
  ): Promise<TransferPointsPayload> {
    return payloadOf(request, REFUSED, async () => ({
      operation: await services.transfers.transfer(request, input),
      userErrors: [],
    }));
  }
}
