import { Args, Ctx, Extensions, FieldResolver, Resolver, Root, Subscription } from 'type-graphql';
import type { RequestContext } from '../../kernel/request-context.ts';
import { type BenefitLoaders, BenefitUse, Grant } from '../benefits/index.ts';
import {
  Extension,
  ExtensionChange,
  type ExtensionLoaders,
  type ExtensionView,
} from '../extensions/index.ts';
import { Member, type MemberLoaders, MemberStatus } from '../members/index.ts';
import type { Row } from '../shared/index.ts';
import { TierChange, type TierLoaders } from '../tiers/index.ts';
import { ExtensionEventArgs, GrantEventArgs, MemberEventArgs, TierEventArgs } from './feed-event.inputs.ts';
import type { FeedEventService } from './feed-event.service.ts';
import { ExtensionEvent, GrantEvent, MemberEvent, TierEvent, type ToldEvent } from './feed-event.types.ts';
import { following } from './following.ts';

/** What the resolvers of events need from the request. */
interface FeedEventContext {
  readonly request: RequestContext;
  readonly services: { readonly feedEvents: FeedEventService };
  readonly loaders: {
    readonly members: MemberLoaders;
    readonly tiers: TierLoaders;
    readonly benefits: BenefitLoaders;
    readonly extensions: ExtensionLoaders;
  };
}

const ONCE =
  'each once, first what came behind `after`. Events are kept for a while (30 days, unless the operator says ' +
  'otherwise): a cursor from before is CURSOR_EXPIRED.';

function there<Found>(found: Found | null, what: string): Found {
  if (found === null) throw new Error(`${what} of an event is missing.`);
  return found;
}

async function memberOf({ memberKey }: ToldEvent, { loaders }: FeedEventContext): Promise<Member> {
  return there(await loaders.members.member.load(memberKey ?? ''), 'The member');
}

@Resolver(() => MemberEvent)
export class MemberEventResolver {
  @Subscription(() => MemberEvent, {
    description: `What happens to a member, or to all of them: ${ONCE}`,
    subscribe: following<MemberEventArgs, FeedEventContext>((args, { request, services }) =>
      services.feedEvents.ofMembers(request, 'members', args),
    ),
  })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  memberEvents(
    @Root() event: Row<MemberEvent>,
    @Args(() => MemberEventArgs) _: MemberEventArgs,
  ): MemberEvent {
    return event;
  }

  @FieldResolver(() => Member, { description: 'The member, as they are when it is told.' })
  async member(@Root() event: Row<ToldEvent>, @Ctx() context: FeedEventContext): Promise<Member> {
    return await memberOf(event, context);
  }

  @FieldResolver(() => [String], {
    description:
      'With UPDATED, the names of the fields that changed, `identities` and `consents` among them.',
  })
  changed(@Root() { detail }: Row<ToldEvent>): string[] {
    return (detail?.changed ?? []) as string[];
  }

  @FieldResolver(() => MemberStatus, {
    nullable: true,
    description: 'With STATUS_CHANGED, the status that they were given; else null.',
  })
  status(@Root() { detail }: Row<ToldEvent>): MemberStatus | null {
    return (detail?.status ?? null) as MemberStatus | null;
  }

  @FieldResolver(() => Member, {
    nullable: true,
    description: 'With MERGED whom they live on in, with TOOK_OVER who ended; else null, and for members.',
  })
  async other(
    @Root() { detail }: Row<ToldEvent>,
    @Ctx() { request, loaders }: FeedEventContext,
  ): Promise<Member | null> {
    const other = detail?.other;
    if (typeof other !== 'string' || request.caller.role !== 'STAFF') return null;
    return await loaders.members.member.load(other);
  }
}

@Resolver(() => TierEvent)
export class TierEventResolver {
  @Subscription(() => TierEvent, {
    description: `Changes of a member’s tiers, or of everybody’s: ${ONCE}`,
    subscribe: following<TierEventArgs, FeedEventContext>((args, { request, services }) =>
      services.feedEvents.ofMembers(request, 'tiers', args),
    ),
  })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  tierEvents(@Root() event: Row<TierEvent>, @Args(() => TierEventArgs) _: TierEventArgs): TierEvent {
    return event;
  }

  @FieldResolver(() => Member, { description: 'The member, as they are when it is told.' })
  async member(@Root() event: Row<ToldEvent>, @Ctx() context: FeedEventContext): Promise<Member> {
    return await memberOf(event, context);
  }

  @FieldResolver(() => TierChange, { description: 'The change.' })
  async change(
    @Root() { subjectKey }: Row<ToldEvent>,
    @Ctx() { loaders }: FeedEventContext,
  ): Promise<TierChange> {
    return there(await loaders.tiers.change.load(subjectKey), 'The change');
  }
}

@Resolver(() => GrantEvent)
export class GrantEventResolver {
  @Subscription(() => GrantEvent, {
    description: `What happens to a member’s granted benefits, or to all: ${ONCE}`,
    subscribe: following<GrantEventArgs, FeedEventContext>((args, { request, services }) =>
      services.feedEvents.ofMembers(request, 'grants', args),
    ),
  })
  @Extensions({ roles: ['STAFF', 'MEMBER'] })
  grantEvents(@Root() event: Row<GrantEvent>, @Args(() => GrantEventArgs) _: GrantEventArgs): GrantEvent {
    return event;
  }

  @FieldResolver(() => Member, { description: 'The member, as they are when it is told.' })
  async member(@Root() event: Row<ToldEvent>, @Ctx() context: FeedEventContext): Promise<Member> {
    return await memberOf(event, context);
  }

  @FieldResolver(() => Grant, { description: 'The granted benefit, as it is when it is told.' })
  async grant(@Root() { subjectKey }: Row<ToldEvent>, @Ctx() { loaders }: FeedEventContext): Promise<Grant> {
    return there(await loaders.benefits.grant.load(subjectKey), 'The grant');
  }

  @FieldResolver(() => BenefitUse, {
    nullable: true,
    description: 'With USED and USE_UNDONE, the use; else null.',
  })
  async use(
    @Root() { detail }: Row<ToldEvent>,
    @Ctx() { loaders }: FeedEventContext,
  ): Promise<BenefitUse | null> {
    const use = detail?.use;
    return typeof use === 'string' ? await loaders.benefits.use.load(use) : null;
  }
}

@Resolver(() => ExtensionEvent)
export class ExtensionEventResolver {
  @Subscription(() => ExtensionEvent, {
    description: `What is done to an extension, or to all: ${ONCE}`,
    subscribe: following<ExtensionEventArgs, FeedEventContext>((args, { request, services }) =>
      services.feedEvents.ofExtensions(request, args),
    ),
  })
  @Extensions({ roles: ['STAFF', 'DEVELOPER'] })
  extensionEvents(
    @Root() event: Row<ExtensionEvent>,
    @Args(() => ExtensionEventArgs) _: ExtensionEventArgs,
  ): ExtensionEvent {
    return event;
  }

  @FieldResolver(() => Extension, { description: 'The extension, as it is when it is told.' })
  async extension(
    @Root() { subjectKey }: Row<ToldEvent>,
    @Ctx() { loaders }: FeedEventContext,
  ): Promise<ExtensionView> {
    return there(await loaders.extensions.extension.load(subjectKey), 'The extension');
  }

  @FieldResolver(() => ExtensionChange, { description: 'The change.' })
  async change(
    @Root() { subjectKey, detail }: Row<ToldEvent>,
    @Ctx() { loaders }: FeedEventContext,
  ): Promise<ExtensionChange> {
    const wanted = { extensionKey: subjectKey, changeKey: String(detail?.change) };
    return there(await loaders.extensions.change.load(wanted), 'The change');
  }
}
