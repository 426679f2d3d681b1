import { Field, ID, InputType } from 'type-graphql';
import { DRY_RUN_DESCRIPTION, KEY_DESCRIPTION, PointsScalar } from '../shared/index.ts';

@InputType({ description: 'An operation that is undone, in whole or in part.' })
export class ReverseOperationInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The operation: an earn, redeem, capture, adjustment or transfer.' })
  operationId!: string;

  @Field(() => PointsScalar, {
    nullable: true,
    description: 'How much of it; above zero, and at most what isn’t reversed yet. All of that when missing.',
  })
  amount?: bigint | null;

  @Field(() => String, { nullable: true, description: 'Why; shown in the ledger. At most 500 characters.' })
  reason?: string | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}
