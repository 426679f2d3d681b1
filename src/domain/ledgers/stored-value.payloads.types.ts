import { Field, ObjectType } from 'type-graphql';
import { PointsScalar } from '../shared/index.ts';
import { LedgerPayload } from './ledger.payloads.types.ts';

@ObjectType({ simpleResolvers: true, description: 'What `topUpStoredValue` answers.' })
export class TopUpStoredValuePayload extends LedgerPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `payBackStoredValue` answers.' })
export class PayBackStoredValuePayload extends LedgerPayload {}

@ObjectType({
  simpleResolvers: true,
  description: 'What can be spent of stored value now, by portion: due, not held and not expired.',
})
export class StoredValueBalance {
  @Field(() => PointsScalar, { description: 'What the member has paid in.' })
  paid!: bigint;

  @Field(() => PointsScalar, { description: 'What was given on top.' })
  bonus!: bigint;

  @Field(() => PointsScalar, { description: 'How much of both may be paid back, as the program says.' })
  refundable!: bigint;
}
