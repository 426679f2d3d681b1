import { Field, ID, InputType } from 'type-graphql';
import { DRY_RUN_DESCRIPTION, KEY_DESCRIPTION, PointsScalar } from '../shared/index.ts';

@InputType({ description: 'A gift from one member to another.' })
export class TransferPointsInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The member who gives.' })
  fromMemberId!: string;

  @Field(() => ID, { description: 'The member who receives.' })
  toMemberId!: string;

  @Field(() => String, { description: 'The asset’s code, e.g. `token`; the program must let it be given.' })
  asset!: string;

  @Field(() => PointsScalar, {
    description: 'How much; above zero, and at most what the sender has available.',
  })
  amount!: bigint;

  @Field(() => String, {
    nullable: true,
    description: 'A word to the receiver; shown in both ledgers. At most 500 characters.',
  })
  message?: string | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}
