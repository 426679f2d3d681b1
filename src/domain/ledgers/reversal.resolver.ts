import { Arg, Ctx, Extensions, Mutation, Resolver } from 'type-graphql';
import { payloadOf } from '../shared/index.ts';
import type { LedgerContext } from './ledger.context.ts';
import { ledgerAfter } from './ledger.snapshot.ts';
import { ReverseOperationInput } from './reversal.inputs.ts';
import { ReverseOperationPayload } from './reversal.payloads.types.ts';
import type { Reversed } from './reversal.service.ts';

const REFUSED: ReverseOperationPayload = { operation: null, ledger: null, userErrors: [] };

@Resolver()
export class ReversalResolver {
  @Mutation(() => ReverseOperationPayload, {
    description:
      'Undoes an operation, in whole or in part, never more than once: points go back to the lots that they ' +
      'came from, and are lost where those have expired; what was earned is taken back, as far as it is there.',
  })
  @Extensions({ roles: ['STAFF'] })
  reverseOperation(
    @Arg('input', () => ReverseOperationInput, { description: 'Which operation, how much of it, and why.' })
    input: ReverseOperationInput,
    @Ctx() { request, services }: LedgerContext,
  ): Promise<ReverseOperationPayload> {
    return payloadOf(request, REFUSED, async () =>
      toPayload(await services.reversals.reverse(request, input)),
    );
  }
}

function toPayload({ operation, ledgerKey }: Reversed): ReverseOperationPayload {
  const entry = operation.writtenEntries?.find((one) => one.ledgerKey === ledgerKey);
  return { operation, ledger: entry === undefined ? null : ledgerAfter(entry), userErrors: [] };
}
