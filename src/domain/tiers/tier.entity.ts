import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { LocalizedText } from '../../kernel/localized.ts';
import { DateTimeScalar, DecimalScalar } from '../shared/index.ts';
import type { Ladder } from './ladder.policy.ts';

export enum TierWindow {
  LIFETIME = 'LIFETIME',
  CALENDAR_YEAR = 'CALENDAR_YEAR',
  ENROLMENT_YEAR = 'ENROLMENT_YEAR',
  ROLLING_DAYS = 'ROLLING_DAYS',
}
registerEnumType(TierWindow, {
  name: 'TierWindow',
  description: 'Over what time a ladder counts, in the tenant’s time zone.',
  valuesConfig: {
    LIFETIME: { description: 'Everything that there ever was.' },
    CALENDAR_YEAR: {
      description: 'From 1 January; what is reached is kept to the end of the following year.',
    },
    ENROLMENT_YEAR: {
      description:
        'From the anniversary of enrolment; what is reached is kept to the end of the following year.',
    },
    ROLLING_DAYS: { description: 'The last days, today included.' },
  },
});

@ObjectType({ simpleResolvers: true, description: 'What reaches a tier.' })
export class TierQualification {
  @Field(() => String, {
    description:
      'What is counted: an asset’s code, `spend`, `orders`, `activities:<type>` or `tags:<code>,<code>…`.',
  })
  metric!: string;

  @Field(() => TierWindow, { description: 'Over what time; tags are counted as they are now.' })
  window!: TierWindow;

  @Field(() => Int, { nullable: true, description: 'How many days a rolling window has; null in others.' })
  windowDays!: number | null;

  @Field(() => DecimalScalar, { description: 'How much reaches it; money in the major unit.' })
  threshold!: string;
}

@ObjectType({ simpleResolvers: true, description: 'What keeps a tier.' })
export class TierRetentionRule {
  @Field(() => String, { description: 'What is counted, as for reaching it.' })
  metric!: string;

  @Field(() => TierWindow, { description: 'Over what time; tags are counted as they are now.' })
  window!: TierWindow;

  @Field(() => Int, { nullable: true, description: 'How many days a rolling window has; null in others.' })
  windowDays!: number | null;

  @Field(() => DecimalScalar, { description: 'How much keeps it; money in the major unit.' })
  threshold!: string;

  @Field(() => Int, { description: 'How many months below that, before the member is warned.' })
  monthsBelow!: number;

  @Field(() => Int, { description: 'How many months after the warning, before a step down.' })
  graceMonths!: number;
}

@ObjectType({ simpleResolvers: true, description: 'A level of a ladder.' })
export class Tier {
  /** Where the name comes from. */
  names!: LocalizedText;

  /** Where it stands; null when the program in force has no such tier any more. */
  ladder!: Ladder | null;

  /** Of the amounts of money that it asks. */
  currency!: string;

  @Field(() => String, { description: 'The tenant’s own code, e.g. `gold`.' })
  code!: string;

  @Field(() => Int, {
    description: 'Its place in the ladder: 1 is the lowest; 0 if the program has it no longer.',
  })
  rank!: number;
}

@ObjectType({ simpleResolvers: true, description: 'Tiers that members climb by one metric.' })
export class TierLadder {
  /** Where the name comes from. */
  names!: LocalizedText;

  @Field(() => String, { description: 'The tenant’s own code.' })
  code!: string;

  @Field(() => [Tier], { description: 'Its tiers from the lowest; members don’t see hidden ones.' })
  tiers!: Tier[];
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
