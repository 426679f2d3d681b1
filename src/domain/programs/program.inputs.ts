import { Field, InputType } from 'type-graphql';
import { DRY_RUN_DESCRIPTION, KEY_DESCRIPTION } from '../shared/index.ts';

@InputType({ description: 'A program that is put in force as the next version.' })
export class ApplyProgramInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => String, { description: 'The whole program file, YAML; the design guide tells what it says.' })
  source!: string;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}
