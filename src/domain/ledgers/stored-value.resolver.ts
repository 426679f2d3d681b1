import { Arg, Ctx, Extensions, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import { storedValueOf } from '../programs/index.ts';
import { payloadOf, type Row } from '../shared/index.ts';
import type { LedgerContext } from './ledger.context.ts';
import { Ledger } from './ledger.entity.ts';
import { assetNamed, toPayload } from './ledger.resolver.ts';
import { PayBackStoredValueInput, TopUpStoredValueInput } from './stored-value.inputs.ts';
import {
  PayBackStoredValuePayload,
  StoredValueBalance,
  TopUpStoredValuePayload,
} from './stored-value.payloads.types.ts';
import { refundableOf } from './stored-value.policy.ts';

const REFUSED: TopUpStoredValuePayload = { operation: null, ledger: null, userErrors: [] };

@Resolver(() => Ledger)
export class StoredValueResolver {
  @Mutation(() => TopUpStoredValuePayload, {
    description: 'Credits money that a member has paid, and a bonus on top: one operation, a lot for each.',
  })
  @Extensions({ roles: ['STAFF'] })
  topUpStoredValue(
    @Arg('input', () => TopUpStoredValueInput, { description: 'Who has paid how much, and what is on top.' })
    input: TopUpStoredValueInput,
    @Ctx() { request, services }: LedgerContext,
  ): Promise<TopUpStoredValuePayload> {
    return payloadOf(request, REFUSED, async () =>
      toPayload(await services.storedValue.topUp(request, input)),
    );
  }

  @Mutation(() => PayBackStoredValuePayload, {
    description:
      'Takes out stored value that is paid back to the member in money; only what the program lets be paid back.',
  })
  @Extensions({ roles: ['STAFF'] })
  payBackStoredValue(
    @Arg('input', () => PayBackStoredValueInput, { description: 'Who gets how much back, and why.' })
    input: PayBackStoredValueInput,
    @Ctx() { request, services }: LedgerContext,
  ): Promise<PayBackStoredValuePayload> {
    return payloadOf(request, REFUSED, async () =>
      toPayload(await services.storedValue.payBack(request, input)),
    );
  }

  @FieldResolver(() => StoredValueBalance, {
    nullable: true,
    description:
      'Stored value by portion, as it is now, also where a mutation shows the ledger as it left it; null for other assets.',
  })
  async storedValue(
    @Root() ledger: Row<Ledger>,
    @Ctx() { request, services, loaders }: LedgerContext,
  ): Promise<StoredValueBalance | null> {
    const { definition } = await assetNamed(request.tenantKey, ledger.assetCode, services);
    const terms = storedValueOf(definition);
    if (terms === null) return null;
    const portions = await loaders.ledgers.portions.load(ledger.ledgerKey);
    return { ...portions, refundable: refundableOf(portions, terms) };
  }
}
