import { Field, ID, InputType } from 'type-graphql';
import { DateTimeScalar, DRY_RUN_DESCRIPTION, KEY_DESCRIPTION } from '../shared/index.ts';

@InputType({ description: 'A tier that a person gives a member.' })
export class SetTierInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'Whose tier it is.' })
  memberId!: string;

  @Field(() => String, { nullable: true, description: 'The ladder’s code; the primary one when missing.' })
  ladder?: string | null;

  @Field(() => String, { description: 'The tier’s code.' })
  tier!: string;

  @Field(() => String, { description: 'Why; kept with the change. At most 500 characters.' })
  reason!: string;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description:
      'Until when a tier other than the one that was reached is held; for ever when missing. The tier that was reached anyway has no such end.',
  })
  until?: Date | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}
