import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { LocalizedText } from '../../kernel/localized.ts';
import { connectionType, DateTimeScalar, edgeType, Node } from '../shared/index.ts';

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

export enum GrantStatus {
  SCHEDULED = 'SCHEDULED',
  AVAILABLE = 'AVAILABLE',
  USED_UP = 'USED_UP',
  EXPIRED = 'EXPIRED',
  REVOKED = 'REVOKED',
}
registerEnumType(GrantStatus, {
  name: 'GrantStatus',
  description: 'Whether a granted benefit can be used.',
  valuesConfig: {
    SCHEDULED: { description: 'Not valid yet.' },
    AVAILABLE: { description: 'It can be used now.' },
    USED_UP: { description: 'No use is left.' },
    EXPIRED: { description: 'It was valid once.' },
    REVOKED: { description: 'It was taken back.' },
  },
});

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
}

/** A member's copy of a benefit. */
@Entity({ tableName: 'benefit_grant' })
@ObjectType({ simpleResolvers: true, description: 'A member’s copy of a benefit.', implements: Node })
export class Grant {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'grant_id' })
  grantKey!: string;

  @Property({ type: 'uuid', fieldName: 'member_id' })
  memberKey!: string;

  /** The benefit's code. */
  @Property({ type: 'text', fieldName: 'benefit' })
  benefitCode!: string;

  @Field(() => Int, { nullable: true, description: 'How often it can still be used; null = without limit.' })
  @Property({ type: 'integer', nullable: true })
  usesLeft!: number | null;

  @Field(() => DateTimeScalar, { description: 'From when it is valid.' })
  @Property({ type: 'datetime' })
  validFrom!: Date;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Until when it is valid; null = open.' })
  @Property({ type: 'datetime', nullable: true })
  validUntil!: Date | null;

  @Property({ type: 'datetime', nullable: true })
  revokedAt!: Date | null;

  @Property({ type: 'datetime' })
  createdAt!: Date;

  /** Worked out at business time; not a column. */
  @Field(() => GrantStatus, { description: 'Whether it can be used now.' })
  status!: GrantStatus;
}

@ObjectType({ simpleResolvers: true, description: 'One granted benefit of a list.' })
export class GrantEdge extends edgeType(() => Grant, 'granted benefit') {}

@ObjectType({ simpleResolvers: true, description: 'A page of granted benefits, newest first.' })
export class GrantConnection extends connectionType(() => GrantEdge, 'granted benefits') {}
