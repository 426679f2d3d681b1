import { ArgsType, Field, ID, InputType } from 'type-graphql';
import type { EventTypes } from '../../events/index.ts';
import { ExtensionChangeKind } from '../extensions/index.ts';
import { GrantEventType, MemberEventType, TierEventType } from './feed-event.types.ts';
import { FollowArgs } from './live.inputs.ts';

const TYPES = 'What of; everything when missing.';
const MEMBER = 'Of one member; of everybody when missing. Members name themselves.';
const FILTER = 'Which events; all of them when missing.';

@InputType({ description: 'Which events of members are told.' })
export class MemberEventFilter {
  @Field(() => [MemberEventType], { nullable: true, description: TYPES })
  types?: EventTypes['members'][] | null;
}

@InputType({ description: 'Which changes of tiers are told.' })
export class TierEventFilter {
  @Field(() => [TierEventType], { nullable: true, description: TYPES })
  types?: EventTypes['tiers'][] | null;
}

@InputType({ description: 'Which events of granted benefits are told.' })
export class GrantEventFilter {
  @Field(() => [GrantEventType], { nullable: true, description: TYPES })
  types?: EventTypes['grants'][] | null;
}

@InputType({ description: 'Which events of extensions are told.' })
export class ExtensionEventFilter {
  @Field(() => [ExtensionChangeKind], { nullable: true, description: TYPES })
  types?: EventTypes['extensions'][] | null;
}

@ArgsType()
export class MemberEventArgs extends FollowArgs {
  @Field(() => ID, { nullable: true, description: MEMBER })
  memberId?: string | null;

  @Field(() => MemberEventFilter, { nullable: true, description: FILTER })
  filter?: MemberEventFilter | null;
}

@ArgsType()
export class TierEventArgs extends FollowArgs {
  @Field(() => ID, { nullable: true, description: MEMBER })
  memberId?: string | null;

  @Field(() => TierEventFilter, { nullable: true, description: FILTER })
  filter?: TierEventFilter | null;
}

@ArgsType()
export class GrantEventArgs extends FollowArgs {
  @Field(() => ID, { nullable: true, description: MEMBER })
  memberId?: string | null;

  @Field(() => GrantEventFilter, { nullable: true, description: FILTER })
  filter?: GrantEventFilter | null;
}

@ArgsType()
export class ExtensionEventArgs extends FollowArgs {
  @Field(() => ID, {
    nullable: true,
    description: 'Of one extension; of all when missing. Developers name their own.',
  })
  extensionId?: string | null;

  @Field(() => ExtensionEventFilter, { nullable: true, description: FILTER })
  filter?: ExtensionEventFilter | null;
}
