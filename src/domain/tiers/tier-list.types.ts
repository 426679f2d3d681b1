import { Field, Int, ObjectType } from 'type-graphql';
import { Origin } from '../shared/index.ts';
import { Tier, TierLadder } from './tier.entity.ts';

@ObjectType({ simpleResolvers: true, description: 'A tier as a storefront shows it.' })
export class TierListItem {
  @Field(() => Tier, {
    description: 'The tier as the program has it: what reaches it is in `qualification`.',
  })
  tier!: Tier;

  @Field(() => String, { description: 'What to call it, in the caller’s language.' })
  name!: string;

  @Field(() => String, { nullable: true, description: 'What to say of it; only from outside.' })
  description!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'What reaches it, in words; only from outside: else show the tier’s `qualification`.',
  })
  requirement!: string | null;

  @Field(() => [String], { description: 'What it gives, a line each.' })
  benefits!: string[];

  @Field(() => String, { nullable: true, description: 'Its picture, `https://…`; only from outside.' })
  imageUrl!: string | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'How far the member is on the way to it, 0 to 100; only from outside: else `TierStatus.progress` says it.',
  })
  progressPercent!: number | null;

  @Field(() => Boolean, { description: 'Whether the member holds it.' })
  isHeld!: boolean;
}

@ObjectType({
  simpleResolvers: true,
  description: 'The tiers that a storefront shows a member, in its order.',
})
export class TierList {
  @Field(() => TierLadder, {
    description: 'The ladder as the program has it, which alone decides who holds what.',
  })
  ladder!: TierLadder;

  @Field(() => [TierListItem], { description: 'What to show, in this order.' })
  items!: TierListItem[];

  @Field(() => Origin, { description: 'Who put the list together.' })
  origin!: Origin;
}
