import { Field, Int, ObjectType } from 'type-graphql';
import type { LocalizedText } from '../../kernel/localized.ts';
import { DateTimeScalar, DecimalScalar } from '../shared/index.ts';

@ObjectType({ simpleResolvers: true, description: 'A level of a ladder.' })
export class Tier {
  /** Where the name comes from. */
  names!: LocalizedText;

  @Field(() => String, { description: 'The tenant’s own code, e.g. `gold`.' })
  code!: string;

  @Field(() => Int, { description: 'Its place in the ladder: 1 is the lowest.' })
  rank!: number;
}

@ObjectType({ simpleResolvers: true, description: 'How far it is to the next tier.' })
export class TierProgress {
  @Field(() => Tier, { description: 'The next tier.' })
  nextTier!: Tier;

  @Field(() => String, { description: 'What is counted, e.g. `growth`.' })
  metric!: string;

  @Field(() => DecimalScalar, { description: 'How much there is.' })
  current!: string;

  @Field(() => DecimalScalar, { description: 'How much the next tier asks.' })
  required!: string;

  @Field(() => DecimalScalar, { description: 'How much is missing.' })
  remaining!: string;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Until when it counts; null in rolling windows.',
  })
  by!: Date | null;
}

@ObjectType({ simpleResolvers: true, description: 'What it takes to keep the tier.' })
export class TierRetention {
  @Field(() => String, { description: 'What is counted, e.g. `growth`.' })
  metric!: string;

  @Field(() => DecimalScalar, { description: 'How much there is.' })
  current!: string;

  @Field(() => DecimalScalar, { description: 'How much keeping it asks.' })
  required!: string;

  @Field(() => DecimalScalar, { description: 'How much is missing.' })
  remaining!: string;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Until when it counts; null in rolling windows.',
  })
  by!: Date | null;

  @Field(() => Boolean, { description: 'Whether the tier would be lost as things stand.' })
  atRisk!: boolean;
}

@ObjectType({ simpleResolvers: true, description: 'How a member holds their tier.' })
export class TierStatus {
  @Field(() => DateTimeScalar, { description: 'Since when it is held.' })
  since!: Date;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Until when it is held at least; null = open.',
  })
  until!: Date | null;

  @Field(() => TierProgress, { nullable: true, description: 'The way to the next tier; null at the top.' })
  progress!: TierProgress | null;

  @Field(() => TierRetention, {
    nullable: true,
    description: 'What keeps the tier; null without such a rule.',
  })
  retention!: TierRetention | null;
}
