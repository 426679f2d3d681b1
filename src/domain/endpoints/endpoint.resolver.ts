import { Arg, Args, Ctx, Extensions, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import { toDeliveryId, toPublicId } from '../../kernel/ids.ts';
import { feedCursor } from '../ledgers/index.ts';
import { type ConnectionOf, PageArgs, type Row } from '../shared/index.ts';
import type { EndpointContext } from './endpoint.context.ts';
import type { StoredAttempt, StoredDelivery, StoredEndpoint } from './endpoint.entity.ts';
import { EventDeliveriesArgs } from './endpoint.inputs.ts';
import {
  EventAttempt,
  EventDelivery,
  EventDeliveryConnection,
  EventEndpoint,
  EventEndpointConnection,
  EventFault,
} from './endpoint.types.ts';
import { NOBODY } from './lane.repository.ts';
import { showFault } from './shown-fault.ts';

const COUNTED = 'counted up to 10,000.';

@Resolver(() => EventEndpoint)
export class EventEndpointResolver {
  @Query(() => EventEndpoint, {
    nullable: true,
    description: 'Where the tenant is told of its events, by its id; null where there is none.',
  })
  @Extensions({ roles: ['STAFF'] })
  async eventEndpoint(
    @Arg('id', () => ID, { description: 'The endpoint’s id.' }) id: string,
    @Ctx() { request, services }: EndpointContext,
  ): Promise<StoredEndpoint | null> {
    return await services.endpointReads.find(request, id);
  }

  @Query(() => EventEndpointConnection, {
    description: 'Where the tenant is told of its events, newest first.',
  })
  @Extensions({ roles: ['STAFF'] })
  async eventEndpoints(
    @Args(() => PageArgs) page: PageArgs,
    @Ctx() { request, services }: EndpointContext,
  ): Promise<ConnectionOf<StoredEndpoint>> {
    return await services.endpointReads.page(request, page);
  }

  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() { endpointKey }: Row<StoredEndpoint>): string {
    return toPublicId('eventEndpoint', endpointKey);
  }

  @FieldResolver(() => String, { description: 'Up to where what happened is among its deliveries.' })
  cursor(@Root() { tenantKey, position }: Row<StoredEndpoint>): string {
    return feedCursor(tenantKey, position);
  }

  @FieldResolver(() => EventFault, {
    nullable: true,
    description: 'What it answered when it was disabled; null unless DISABLED.',
  })
  disabledBy(
    @Root() { disabledBy }: Row<StoredEndpoint>,
    @Ctx() { request }: EndpointContext,
  ): EventFault | null {
    return showFault(request, disabledBy);
  }

  @FieldResolver(() => EventFault, {
    nullable: true,
    description: 'Why it began to fail; null while it doesn’t.',
  })
  error(@Root() { fault }: Row<StoredEndpoint>, @Ctx() { request }: EndpointContext): EventFault | null {
    return showFault(request, fault);
  }

  @FieldResolver(() => Int, { description: `How many events wait to be told, ${COUNTED}` })
  async backlog(
    @Root() endpoint: Row<StoredEndpoint>,
    @Ctx() { services }: EndpointContext,
  ): Promise<number> {
    return (await services.endpointReads.counts(endpoint)).PENDING ?? 0;
  }

  @FieldResolver(() => Int, { description: `How many events were given up, ${COUNTED}` })
  async deadLetters(
    @Root() endpoint: Row<StoredEndpoint>,
    @Ctx() { services }: EndpointContext,
  ): Promise<number> {
    return (await services.endpointReads.counts(endpoint)).DEAD ?? 0;
  }

  @FieldResolver(() => EventDeliveryConnection, {
    description:
      'What it is told, newest event first, successes too; the operator says for how many days it is kept.',
  })
  async deliveries(
    @Root() endpoint: Row<StoredEndpoint>,
    @Args(() => EventDeliveriesArgs) args: EventDeliveriesArgs,
    @Ctx() { services }: EndpointContext,
  ): Promise<ConnectionOf<StoredDelivery>> {
    return await services.endpointReads.deliveries(endpoint, args);
  }
}

@Resolver(() => EventDelivery)
export class EventDeliveryResolver {
  @FieldResolver(() => ID, { description: 'An opaque id.' })
  id(@Root() { endpointKey, position }: Row<StoredDelivery>): string {
    return toDeliveryId(endpointKey, position);
  }

  @FieldResolver(() => String, { description: 'The event’s cursor: what the endpoint is told as `id`.' })
  cursor(@Root() { tenantKey, position }: Row<StoredDelivery>): string {
    return feedCursor(tenantKey, position);
  }

  @FieldResolver(() => ID, { nullable: true, description: 'The member whom it is about; null = nobody.' })
  memberId(@Root() { laneKey }: Row<StoredDelivery>): string | null {
    return laneKey === NOBODY ? null : toPublicId('member', laneKey);
  }

  @FieldResolver(() => Int, { description: 'How often it was tried, replays included.' })
  attemptCount(@Root() { attempts }: Row<StoredDelivery>): number {
    return attempts;
  }

  @FieldResolver(() => EventFault, {
    nullable: true,
    description: 'Why the last attempt failed; null when it didn’t.',
  })
  error(@Root() { fault }: Row<StoredDelivery>, @Ctx() { request }: EndpointContext): EventFault | null {
    return showFault(request, fault);
  }

  @FieldResolver(() => [EventAttempt], { description: 'The attempts, newest first; the last hundred.' })
  async attempts(
    @Root() delivery: Row<StoredDelivery>,
    @Ctx() { services }: EndpointContext,
  ): Promise<StoredAttempt[]> {
    return await services.endpointReads.attempts(delivery);
  }
}

@Resolver(() => EventAttempt)
export class EventAttemptResolver {
  @FieldResolver(() => EventFault, {
    nullable: true,
    description: 'Why it failed; null when the event was taken.',
  })
  error(@Root() { fault }: Row<StoredAttempt>, @Ctx() { request }: EndpointContext): EventFault | null {
    return showFault(request, fault);
  }
}
