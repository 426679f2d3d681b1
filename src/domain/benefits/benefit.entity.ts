import { Extensions, Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { LocalizedText } from '../../kernel/localized.ts';

export enum BenefitKind {
  PERCENT_OFF = 'PERCENT_OFF',
  AMOUNT_OFF = 'AMOUNT_OFF',
  FREE_SHIPPING = 'FREE_SHIPPING',
  GIFT = 'GIFT',
  MULTIPLIER = 'MULTIPLIER',
  ACCESS = 'ACCESS',
}
registerEnumType(BenefitKind, {
  name: 'BenefitKind',
  description: 'What a benefit does when it is used; the till applies it.',
  valuesConfig: {
    PERCENT_OFF: { description: 'A part of the price off.' },
    AMOUNT_OFF: { description: 'An amount of money off.' },
    FREE_SHIPPING: { description: 'Shipping without charge.' },
    GIFT: { description: 'A gift.' },
    MULTIPLIER: { description: 'More points than usual.' },
    ACCESS: { description: 'Access to something, e.g. a lounge.' },
  },
});

export enum BenefitLevel {
  BASIC = 'BASIC',
  ADVANCED = 'ADVANCED',
  TOP = 'TOP',
}
registerEnumType(BenefitLevel, {
  name: 'BenefitLevel',
  description: 'How special a benefit is.',
  valuesConfig: {
    BASIC: { description: 'For everybody.' },
    ADVANCED: { description: 'For members of higher tiers.' },
    TOP: { description: 'For the few.' },
  },
});

@ObjectType({ simpleResolvers: true, description: 'How often a benefit can be used.' })
export class BenefitUses {
  @Field(() => Int, { nullable: true, description: 'How often each grant; null = without limit.' })
  perGrant!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'How often a member on one local day; null = without limit.',
  })
  perDay!: number | null;

  @Field(() => Int, { nullable: true, description: 'How often all members together; null = without limit.' })
  total!: number | null;
}

@ObjectType({ simpleResolvers: true, description: 'How often a benefit is granted by a rule or by hand.' })
export class BenefitLimits {
  @Field(() => Int, { nullable: true, description: 'How often to one member; null = without limit.' })
  perMember!: number | null;

  @Field(() => Int, { nullable: true, description: 'How often on one local day; null = without limit.' })
  perDay!: number | null;

  @Field(() => Int, { nullable: true, description: 'How often in all; null = without limit.' })
  total!: number | null;
}

@ObjectType({ simpleResolvers: true, description: 'A right in the program’s catalogue.' })
export class Benefit {
  /** Where the name comes from. */
  names!: LocalizedText;

  @Field(() => String, { description: 'The tenant’s own code, e.g. `birthday-gift`.' })
  code!: string;

  @Field(() => BenefitKind, { description: 'What it does.' })
  kind!: BenefitKind;

  @Field(() => BenefitLevel, { description: 'How special it is.' })
  level!: BenefitLevel;

  @Field(() => String, {
    nullable: true,
    description: 'What the till applies: percent, an amount of money, a factor, an article, a door.',
  })
  value!: string | null;

  @Field(() => BenefitUses, { description: 'How often it can be used.' })
  uses!: BenefitUses;

  @Field(() => BenefitLimits, { description: 'How often it is granted, other than by a tier; for staff.' })
  @Extensions({ roles: ['STAFF'] })
  limits!: BenefitLimits;

  @Field(() => Int, {
    nullable: true,
    description: 'How many pieces there are, granted ones included; null = without limit. For staff.',
  })
  @Extensions({ roles: ['STAFF'] })
  stock!: number | null;
}
