import { Args, ArgsType, Extensions, Field, ID, Resolver, Root, Subscription } from 'type-graphql';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Row } from '../shared/index.ts';
import { PointEvent } from './point-event.entity.ts';
import type { PointEventService } from './point-event.service.ts';

/** What the resolvers of events need from the request. */
interface PointEventContext {
  readonly request: RequestContext;
  readonly services: { readonly pointEvents: PointEventService };
}

@ArgsType()
class PointEventArgs {
  @Field(() => ID, { description: 'The member; members may only follow themselves.' })
  memberId!: string;

  @Field(() => String, { nullable: true, description: 'The code of one asset; all of them when missing.' })
  asset?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'An event’s `cursor` or a ledger’s `eventCursor`; from the moment of subscribing when missing.',
  })
  after?: string | null;
}

@Resolver()
export class PointEventResolver {
  @Subscription(() => PointEvent, {
    description:
      'A member’s events, each once: what came behind `after`, then live, in order of version in a ledger.',
    subscribe: ({ args, context }) => {
      const { request, services } = context as PointEventContext;
      const { memberId, asset = null, after = null } = args as PointEventArgs;
      const following = services.pointEvents.follow(request, { memberId, asset, after });
      // graphql-js awaits what comes back, though type-graphql's types don't say so.
      return following as unknown as AsyncIterable<PointEvent>;
    },
  })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  pointEvents(@Root() event: Row<PointEvent>, @Args(() => PointEventArgs) _: PointEventArgs): PointEvent {
    return event;
  }
}
