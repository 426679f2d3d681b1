import { Field, Float, Int, ObjectType } from 'type-graphql';
import type { Stream } from '../../events/index.ts';
import { connectionType, DateTimeScalar, edgeType, Node } from '../shared/index.ts';
import { EventDeliveryState, EventEndpointStatus, EventStreamName } from './endpoint.enums.types.ts';

@ObjectType({ simpleResolvers: true, description: 'Why an endpoint did not take an event.' })
export class EventFault {
  @Field(() => String, {
    description: 'A stable code, e.g. `WEBHOOK_TIMEOUT`; the error guide lists them all.',
  })
  code!: string;

  @Field(() => String, { description: 'What happened, in the caller’s language.' })
  message!: string;
}

@ObjectType({ simpleResolvers: true, description: 'One attempt at telling an event.' })
export class EventAttempt {
  @Field(() => Int, { description: 'Its number: 1, 2, 3 …' })
  attempt!: number;

  @Field(() => DateTimeScalar, { description: 'When it began.' })
  startedAt!: Date;

  @Field(() => Float, { description: 'How long it took, in milliseconds.' })
  durationMs!: number;

  @Field(() => Int, { nullable: true, description: 'The HTTP status; null where nothing answered.' })
  status!: number | null;

  @Field(() => EventFault, { nullable: true, description: 'Why it failed; null when it was taken.' })
  error!: EventFault | null;
}

@ObjectType({ simpleResolvers: true, description: 'One event that an endpoint is told.', implements: Node })
export class EventDelivery {
  @Field(() => String, { description: 'What happened, e.g. `points.earned`.' })
  type!: string;

  @Field(() => EventDeliveryState, { description: 'What became of it.' })
  state!: EventDeliveryState;

  @Field(() => DateTimeScalar, { description: 'When it was first to be told.' })
  createdAt!: Date;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When it is tried next, not before what waits before it; null unless PENDING.',
  })
  nextAttemptAt!: Date | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was taken; null unless DELIVERED.' })
  deliveredAt!: Date | null;
}

@ObjectType({ simpleResolvers: true, description: 'One delivery of a list.' })
export class EventDeliveryEdge extends edgeType(() => EventDelivery, 'delivery') {}

@ObjectType({ simpleResolvers: true, description: 'A page of deliveries, newest event first.' })
export class EventDeliveryConnection extends connectionType(() => EventDeliveryEdge, 'deliveries') {}

@ObjectType({
  simpleResolvers: true,
  description: 'Where a tenant is told of its events.',
  implements: Node,
})
export class EventEndpoint {
  @Field(() => String, { description: 'What it is called; one of each name.' })
  name!: string;

  @Field(() => String, { description: 'Where it is told, by POST.' })
  url!: string;

  @Field(() => [EventStreamName], {
    nullable: true,
    description: 'What it is told of; null = everything.',
  })
  streams!: readonly Stream[] | null;

  @Field(() => [String], {
    nullable: true,
    description: 'The types that it is told, e.g. `points.earned`; null = every type.',
  })
  types!: readonly string[] | null;

  @Field(() => [String], {
    nullable: true,
    description: 'The assets whose points it is told of; null = every asset.',
  })
  assets!: readonly string[] | null;

  @Field(() => EventEndpointStatus, { description: 'Whether it is told.' })
  status!: EventEndpointStatus;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Since when it takes nothing; null while the last attempts were taken.',
  })
  failingSince!: Date | null;

  @Field(() => DateTimeScalar, { description: 'When it was registered.' })
  createdAt!: Date;

  @Field(() => String, { description: 'Who registered it.' })
  createdBy!: string;
}

@ObjectType({ simpleResolvers: true, description: 'One endpoint of a list.' })
export class EventEndpointEdge extends edgeType(() => EventEndpoint, 'endpoint') {}

@ObjectType({ simpleResolvers: true, description: 'A page of endpoints, newest first.' })
export class EventEndpointConnection extends connectionType(() => EventEndpointEdge, 'endpoints') {}
