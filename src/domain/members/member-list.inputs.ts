import { ArgsType, Field, InputType, registerEnumType } from 'type-graphql';
import { DateTimeScalar, PageArgs } from '../shared/index.ts';
import { MemberStatus } from './member.entity.ts';

export enum MemberOrder {
  ENROLLED_AT_DESC = 'ENROLLED_AT_DESC',
}
registerEnumType(MemberOrder, {
  name: 'MemberOrder',
  description: 'In which order members are listed.',
  valuesConfig: { ENROLLED_AT_DESC: { description: 'The newest members first.' } },
});

@InputType({ description: 'Which members are listed: those that meet every condition that is sent.' })
export class MemberFilter {
  @Field(() => [String], {
    nullable: true,
    description: 'Who hold one of these tiers of the primary ladder.',
  })
  tier?: string[] | null;

  @Field(() => [MemberStatus], { nullable: true, description: 'Whose status is one of these.' })
  status?: MemberStatus[] | null;

  @Field(() => [String], { nullable: true, description: 'Who carry one of these tags, by code.' })
  tag?: string[] | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Who enrolled at this moment or later.' })
  enrolledFrom?: Date | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Who enrolled before this moment.' })
  enrolledBefore?: Date | null;
}

@ArgsType()
export class MemberListArgs extends PageArgs {
  @Field(() => MemberFilter, { nullable: true, description: 'Which members; all when missing.' })
  filter?: MemberFilter | null;

  @Field(() => MemberOrder, {
    nullable: true,
    description: 'In which order; the newest members first when missing.',
  })
  orderBy?: MemberOrder | null;
}
