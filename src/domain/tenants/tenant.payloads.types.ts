import { Field, ObjectType } from 'type-graphql';
import { DateTimeScalar, UserError } from '../shared/index.ts';
import { ApiKey } from './tenant.entity.ts';

@ObjectType({ simpleResolvers: true, description: 'What `createApiKey` answers.' })
export class CreateApiKeyPayload {
  @Field(() => ApiKey, { nullable: true, description: 'The key; null when it was refused.' })
  apiKey!: Omit<ApiKey, 'keyHash'> | null;

  @Field(() => String, {
    nullable: true,
    description: 'What the server sends as `x-api-key`. Shown this once: null in a replay and in a dry run.',
  })
  secret!: string | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: 'What `revokeApiKey` answers.' })
export class RevokeApiKeyPayload {
  @Field(() => ApiKey, { nullable: true, description: 'The key; null when it was refused.' })
  apiKey!: Omit<ApiKey, 'keyHash'> | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: 'What `advanceTestClock` answers.' })
export class AdvanceTestClockPayload {
  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'The moment that the clock was moved to, and goes on from; null when it was refused.',
  })
  now!: Date | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}
