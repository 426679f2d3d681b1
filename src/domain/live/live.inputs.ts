import { ArgsType, Field, ID, InputType } from 'type-graphql';
import { PointEventType } from './point-event.entity.ts';

/** The place of a stream, in every subscription. */
@ArgsType()
export abstract class FollowArgs {
  @Field(() => String, {
    nullable: true,
    description:
      'Any event’s `cursor` or a ledger’s `eventCursor`: what came behind it is told first. From the moment of subscribing when missing.',
  })
  after?: string | null;
}

@ArgsType()
export class PointEventArgs extends FollowArgs {
  @Field(() => ID, { description: 'The member; members may only follow themselves.' })
  memberId!: string;

  @Field(() => String, { nullable: true, description: 'The code of one asset; all of them when missing.' })
  asset?: string | null;
}

@InputType({ description: 'Which point events are told; all of them where a list is missing.' })
export class PointEventFilter {
  @Field(() => [String], { nullable: true, description: 'The codes of assets.' })
  assets?: string[] | null;

  @Field(() => [PointEventType], { nullable: true, description: 'What happened.' })
  types?: PointEventType[] | null;
}

@ArgsType()
export class ProgramPointEventArgs extends FollowArgs {
  @Field(() => PointEventFilter, { nullable: true, description: 'Which events; all of them when missing.' })
  filter?: PointEventFilter | null;
}
