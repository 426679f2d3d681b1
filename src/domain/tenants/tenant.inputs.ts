import { Field, ID, InputType } from 'type-graphql';
import { DateTimeScalar, DRY_RUN_DESCRIPTION, DurationScalar, KEY_DESCRIPTION } from '../shared/index.ts';
import { ApiKeyRole } from './tenant.entity.ts';

@InputType({ description: 'A new API key, for a server.' })
export class CreateApiKeyInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => String, { description: 'What it is for, e.g. `till`; at most 200 characters.' })
  label!: string;

  @Field(() => ApiKeyRole, { nullable: true, description: 'What it may do; STAFF when missing.' })
  role?: keyof typeof ApiKeyRole | null;

  @Field(() => ID, { nullable: true, description: 'With DEVELOPER, and only then: which extension.' })
  extensionId?: string | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'An API key that is taken back.' })
export class RevokeApiKeyInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The key; also the caller’s own.' })
  id!: string;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'How far the clock of a sandbox is moved on: `by` a span, or `to` a moment.' })
export class AdvanceTestClockInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => DurationScalar, {
    nullable: true,
    description: 'By how much, e.g. `P1D` for a local calendar day; at most 1,100 days.',
  })
  by?: string | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'To which moment; not before what the clock shows, and at most 1,100 days later.',
  })
  to?: Date | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}
