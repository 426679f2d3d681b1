import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType, DateTimeScalar, edgeType, Node } from '../shared/index.ts';

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

export enum GrantSource {
  TIER = 'TIER',
  RULE = 'RULE',
  HAND = 'HAND',
}
registerEnumType(GrantSource, {
  name: 'GrantSource',
  description: 'What granted a benefit.',
  valuesConfig: {
    TIER: { description: 'A tier that the member holds; it is revoked when the tier is lost.' },
    RULE: { description: 'A rule of the program.' },
    HAND: { description: 'Customer service, or another system.' },
  },
});

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

  @Field(() => GrantSource, { description: 'What granted it.' })
  @Property({ type: 'text' })
  source!: GrantSource;

  @Field(() => String, { nullable: true, description: 'Why, in the words of whoever granted it.' })
  @Property({ type: 'text', nullable: true })
  reason!: string | null;

  /** The rule's code; null unless a rule granted it. */
  @Property({ type: 'text', nullable: true })
  rule!: string | null;

  @Property({ type: 'uuid', fieldName: 'activity_id', nullable: true })
  activityKey!: string | null;

  /** Who granted it by hand: an API key's public id, or a token's subject. */
  @Property({ type: 'text', nullable: true })
  grantedBy!: string | null;

  /** Whether a tier of the member carries it; stays as it is when a tier's grant is revoked by hand. */
  @Property({ type: 'boolean' })
  tierHeld!: boolean;

  /** Whether it is one of the pieces that the benefit has. */
  @Property({ type: 'boolean' })
  takesStock!: boolean;

  @Field(() => Int, { nullable: true, description: 'How often it can still be used; null = without limit.' })
  @Property({ type: 'integer', nullable: true })
  usesLeft!: number | null;

  /** How many of its uses are not undone. */
  @Property({ type: 'integer' })
  timesUsed!: number;

  @Field(() => DateTimeScalar, { description: 'From when it is valid.' })
  @Property({ type: 'datetime' })
  validFrom!: Date;

  @Field(() => DateTimeScalar, { nullable: true, description: 'Until when it is valid; null = open.' })
  @Property({ type: 'datetime', nullable: true })
  validUntil!: Date | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was revoked; null if it was not.' })
  @Property({ type: 'datetime', nullable: true })
  revokedAt!: Date | null;

  @Field(() => String, {
    nullable: true,
    description: 'Why it was revoked, in the words of whoever did; null if it was not, or the tier was lost.',
  })
  @Property({ type: 'text', nullable: true })
  revokeReason!: string | null;

  /** Who revoked it by hand. */
  @Property({ type: 'text', nullable: true })
  revokedBy!: string | null;

  @Field(() => DateTimeScalar, { description: 'When it was granted, in business time.' })
  @Property({ type: 'datetime' })
  createdAt!: Date;

  /** When it was last used or revoked, or a use undone; each strictly after the one before. */
  @Property({ type: 'datetime', nullable: true })
  changedAt!: Date | null;

  /** Worked out at business time; not a column. */
  @Field(() => GrantStatus, { description: 'Whether it can be used now.' })
  status!: GrantStatus;
}

@ObjectType({ simpleResolvers: true, description: 'One granted benefit of a list.' })
export class GrantEdge extends edgeType(() => Grant, 'granted benefit') {}

@ObjectType({ simpleResolvers: true, description: 'A page of granted benefits, newest first.' })
export class GrantConnection extends connectionType(() => GrantEdge, 'granted benefits') {}
