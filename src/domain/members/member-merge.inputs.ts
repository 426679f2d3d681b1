import { Field, ID, InputType } from 'type-graphql';
import { DRY_RUN_DESCRIPTION, KEY_DESCRIPTION } from '../shared/index.ts';

@InputType({ description: 'Two members who are one person.' })
export class MergeMembersInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The member who ends, and lives on in the other.' })
  fromMemberId!: string;

  @Field(() => ID, { description: 'The member who stays, with their own profile and consents.' })
  intoMemberId!: string;

  @Field(() => String, { nullable: true, description: 'Why; shown in the ledgers. At most 500 characters.' })
  reason?: string | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}
