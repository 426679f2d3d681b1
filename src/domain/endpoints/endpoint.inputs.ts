import { ArgsType, Field, ID, InputType } from 'type-graphql';
import type { Stream } from '../../events/index.ts';
import { DateTimeScalar, DRY_RUN_DESCRIPTION, KEY_DESCRIPTION, PageArgs } from '../shared/index.ts';
import { EventDeliveryState, EventStreamName } from './endpoint.enums.types.ts';

/** What every mutation of an endpoint takes. */
@InputType({ description: 'What every mutation of an endpoint takes.' })
abstract class EndpointActInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'What a new endpoint is.' })
export class RegisterEventEndpointInput extends EndpointActInput {
  @Field(() => String, {
    description: 'What it is called: 1 to 64 lower-case letters, digits, "-" and "_"; one of each name.',
  })
  name!: string;

  @Field(() => String, {
    description: 'Where it is told: a public https address, unless the operator allows its network.',
  })
  url!: string;

  @Field(() => [EventStreamName], {
    nullable: true,
    description: 'What it is told of; everything when missing.',
  })
  streams?: Stream[] | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Of which types it is told, e.g. `points.earned`; of all when missing.',
  })
  types?: string[] | null;

  @Field(() => [String], {
    nullable: true,
    description: 'Of which assets’ points it is told; of all when missing. Other streams have no asset.',
  })
  assets?: string[] | null;

  @Field(() => String, {
    nullable: true,
    description: 'An event’s or a ledger’s cursor: it is told what is behind it. From now on when missing.',
  })
  from?: string | null;
}

@InputType({ description: 'What changes of an endpoint; what is missing stays, and null lifts a filter.' })
export class UpdateEventEndpointInput extends EndpointActInput {
  @Field(() => ID, { description: 'The endpoint.' })
  endpointId!: string;

  @Field(() => String, { nullable: true, description: 'Another address.' })
  url?: string | null;

  @Field(() => [EventStreamName], { nullable: true, description: 'What it is told of; null = everything.' })
  streams?: Stream[] | null;

  @Field(() => [String], { nullable: true, description: 'Of which types it is told; null = all.' })
  types?: string[] | null;

  @Field(() => [String], { nullable: true, description: 'Of which assets’ points; null = all.' })
  assets?: string[] | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'true pauses it; false resumes it, also from DISABLED: three days of trying begin anew.',
  })
  paused?: boolean | null;
}

@InputType({ description: 'Which endpoint gets a new secret.' })
export class RotateEventEndpointSecretInput extends EndpointActInput {
  @Field(() => ID, { description: 'The endpoint.' })
  endpointId!: string;
}

@InputType({ description: 'Which endpoint goes.' })
export class RemoveEventEndpointInput extends EndpointActInput {
  @Field(() => ID, { description: 'The endpoint.' })
  endpointId!: string;
}

@InputType({ description: 'Which endpoint is tried.' })
export class TestEventEndpointInput {
  @Field(() => ID, { description: 'The endpoint.' })
  endpointId!: string;
}

@InputType({ description: 'Which deliveries of an endpoint; each field that is given narrows them.' })
export class EventDeliveryFilterInput {
  @Field(() => EventDeliveryState, { nullable: true, description: 'In this state.' })
  state?: EventDeliveryState | null;

  @Field(() => [String], { nullable: true, description: 'Of these types, e.g. `points.earned`.' })
  types?: string[] | null;

  @Field(() => ID, { nullable: true, description: 'About this member.' })
  memberId?: string | null;
}

@InputType({ description: 'Which events are told again; each field that is given narrows them.' })
export class ReplayEventsFilterInput extends EventDeliveryFilterInput {
  @Field(() => DateTimeScalar, { nullable: true, description: 'First to be told then or later.' })
  from?: Date | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'First to be told before then.' })
  to?: Date | null;

  @Field(() => String, { nullable: true, description: 'Behind this cursor.' })
  afterCursor?: string | null;

  @Field(() => String, { nullable: true, description: 'Up to this cursor, its event included.' })
  toCursor?: string | null;
}

@InputType({ description: 'What is told again.' })
export class ReplayEventsInput extends EndpointActInput {
  @Field(() => ID, { description: 'The endpoint.' })
  endpointId!: string;

  @Field(() => ReplayEventsFilterInput, {
    description: 'Which of the deliveries that are kept; what is PENDING is told anyhow.',
  })
  filter!: ReplayEventsFilterInput;
}

@ArgsType()
export class EventDeliveriesArgs extends PageArgs {
  @Field(() => EventDeliveryFilterInput, { nullable: true, description: 'Which; all when missing.' })
  filter?: EventDeliveryFilterInput | null;
}
