import { Args, Ctx, Extensions, FieldResolver, Resolver, Root, Subscription } from 'type-graphql';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { ActivityLoaders } from '../activities/index.ts';
import type { LedgerLoaders } from '../ledgers/index.ts';
import { Member, type MemberLoaders } from '../members/index.ts';
import { type Row, Source } from '../shared/index.ts';
import { following } from './following.ts';
import { PointEventArgs, ProgramPointEventArgs } from './live.inputs.ts';
import type { LiveService } from './live.service.ts';
import { PointEvent } from './point-event.entity.ts';

/** What the resolvers of events need from the request. */
interface PointEventContext {
  readonly request: RequestContext;
  readonly services: { readonly live: LiveService };
  readonly loaders: {
    readonly members: MemberLoaders;
    readonly ledgers: LedgerLoaders;
    readonly activities: ActivityLoaders;
  };
}

@Resolver(() => PointEvent)
export class PointEventResolver {
  @Subscription(() => PointEvent, {
    description:
      'A member’s events, each once: what came behind `after`, then live, in order of version in a ledger.',
    subscribe: following<PointEventArgs, PointEventContext>((args, { request, services }) =>
      services.live.memberPoints(request, args),
    ),
  })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  pointEvents(@Root() event: Row<PointEvent>, @Args(() => PointEventArgs) _: PointEventArgs): PointEvent {
    return event as PointEvent;
  }

  @Subscription(() => PointEvent, {
    description:
      'Every member’s events, each once: what came behind `after`, then live, in the order of the commits.',
    subscribe: following<ProgramPointEventArgs, PointEventContext>((args, { request, services }) =>
      services.live.programPoints(request, args),
    ),
  })
  @Extensions({ roles: ['STAFF'] })
  programPointEvents(
    @Root() event: Row<PointEvent>,
    @Args(() => ProgramPointEventArgs) _: ProgramPointEventArgs,
  ): PointEvent {
    return event as PointEvent;
  }

  @FieldResolver(() => Member, { description: 'Whose ledger it is, as they are now.' })
  async member(@Root() { entry }: Row<PointEvent>, @Ctx() { loaders }: PointEventContext): Promise<Member> {
    const member = await loaders.members.member.load(entry.memberKey);
    if (member === null) throw new Error(`The member ${entry.memberKey} of an entry is missing.`);
    return member;
  }

  @FieldResolver(() => Source, {
    nullable: true,
    description: 'Where the activity happened that brought it; null when no activity did.',
  })
  async source(
    @Root() { entry }: Row<PointEvent>,
    @Ctx() { loaders }: PointEventContext,
  ): Promise<Source | null> {
    const operation = await loaders.ledgers.operation.load(entry.operationKey);
    const activityKey = operation?.activityKey ?? null;
    const activity = activityKey === null ? null : await loaders.activities.activity.load(activityKey);
    return activity === null ? null : { channel: activity.channel, store: activity.store };
  }
}
