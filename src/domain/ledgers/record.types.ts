import { ArgsType, Field, Int, ObjectType } from 'type-graphql';
import { DateTimeScalar, PointsScalar } from '../shared/index.ts';

/** A line of a log that another system keeps. */
@ObjectType({
  simpleResolvers: true,
  description: 'A line of the log that the system keeps which has the record of an asset.',
})
export class RecordLine {
  @Field(() => String, { description: 'Its number there; pass it as `after` to go on behind it.' })
  reference!: string;

  @Field(() => PointsScalar, { description: 'What it changed; below zero where it took something.' })
  amount!: bigint;

  @Field(() => DateTimeScalar, { description: 'When.' })
  occurredAt!: Date;

  @Field(() => String, { nullable: true, description: 'Why; null where it doesn’t say.' })
  reason!: string | null;
}

/** Which lines; what they are behind is the other system's own reference. */
@ArgsType()
export class RecordLogArgs {
  @Field(() => Int, { description: 'How many at most: 1 to 100.' })
  first!: number;

  @Field(() => String, {
    nullable: true,
    description: 'The reference of the line to go on behind; from the newest on when missing.',
  })
  after?: string | null;
}
