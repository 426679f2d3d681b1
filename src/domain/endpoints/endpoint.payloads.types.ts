import { Field, Float, Int, ObjectType } from 'type-graphql';
import { UserError } from '../shared/index.ts';
import type { StoredEndpoint } from './endpoint.entity.ts';
import { EventEndpoint, EventFault } from './endpoint.types.ts';

const ERRORS = 'Why it was refused; empty when it was done.';

@ObjectType({ simpleResolvers: true, description: 'What changes of an endpoint answer.' })
abstract class EndpointChangedPayload {
  @Field(() => EventEndpoint, { nullable: true, description: 'The endpoint; null when it was refused.' })
  endpoint!: StoredEndpoint | null;

  @Field(() => [UserError], { description: ERRORS })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: 'What an endpoint that was given a secret answers.' })
abstract class EndpointSecretPayload extends EndpointChangedPayload {
  @Field(() => String, {
    nullable: true,
    description:
      'What signs what it is told (Standard Webhooks). Shown this once: null in a replay and in a dry run.',
  })
  signingSecret!: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'What `registerEventEndpoint` answers.' })
export class RegisterEventEndpointPayload extends EndpointSecretPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `updateEventEndpoint` answers.' })
export class UpdateEventEndpointPayload extends EndpointChangedPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `rotateEventEndpointSecret` answers.' })
export class RotateEventEndpointSecretPayload extends EndpointSecretPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `removeEventEndpoint` answers.' })
export class RemoveEventEndpointPayload {
  @Field(() => Boolean, { nullable: true, description: 'Whether it is gone; null when it was refused.' })
  removed!: boolean | null;

  @Field(() => [UserError], { description: ERRORS })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: 'What came of trying an endpoint.' })
export class EventEndpointTest {
  @Field(() => Boolean, { description: 'Whether it was taken.' })
  delivered!: boolean;

  @Field(() => Int, { nullable: true, description: 'The HTTP status; null where nothing answered.' })
  status!: number | null;

  @Field(() => Float, { description: 'How long it took, in milliseconds.' })
  durationMs!: number;

  @Field(() => EventFault, { nullable: true, description: 'Why it wasn’t taken; null when it was.' })
  error!: EventFault | null;
}

@ObjectType({ simpleResolvers: true, description: 'What `testEventEndpoint` answers.' })
export class TestEventEndpointPayload {
  @Field(() => EventEndpointTest, { nullable: true, description: 'What came of it; null when refused.' })
  test!: EventEndpointTest | null;

  @Field(() => [UserError], { description: ERRORS })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: 'What is told again.' })
export class EventReplay {
  @Field(() => Int, { description: 'How many events; at most 10,000 at a time, the oldest first.' })
  count!: number;

  @Field(() => Boolean, { description: 'Whether there may be more: go on with `afterCursor: lastCursor`.' })
  hasMore!: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'The cursor of the last of them; null where there is none.',
  })
  lastCursor!: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'What `replayEvents` answers.' })
export class ReplayEventsPayload {
  @Field(() => EventReplay, { nullable: true, description: 'What is told again; null when it was refused.' })
  replay!: EventReplay | null;

  @Field(() => [UserError], { description: ERRORS })
  userErrors!: UserError[];
}
