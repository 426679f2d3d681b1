import { Field, ID, InputType } from 'type-graphql';
import { DRY_RUN_DESCRIPTION } from '../shared/index.ts';

@InputType({ description: 'Whose code a till is going to scan.' })
export class IssueMemberCodeInput {
  @Field(() => String, {
    description:
      'Your own key for this request; whoever makes codes is told it, and sees by it that a request was repeated. ' +
      'Nothing is kept under it.',
  })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The member.' })
  memberId!: string;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}
