import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType } from 'type-graphql';
import { connectionType, DateTimeScalar, edgeType } from '../shared/index.ts';
import { BenefitKind } from './benefit.entity.ts';

@ObjectType({ simpleResolvers: true, description: 'What a use does; the till applies it.' })
export class BenefitEffect {
  @Field(() => BenefitKind, { description: 'What it does.' })
  kind!: BenefitKind;

  @Field(() => String, {
    description: 'How much or what: percent, an amount of money, a factor, an article, a door; may be empty.',
  })
  value!: string;
}

/** One redemption of a granted benefit, with the effect that it had then. */
@Entity({ tableName: 'benefit_use' })
@ObjectType({ simpleResolvers: true, description: 'One use of a granted benefit.' })
export class BenefitUse {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'use_id' })
  useKey!: string;

  @Property({ type: 'uuid', fieldName: 'grant_id' })
  grantKey!: string;

  @Property({ type: 'uuid', fieldName: 'member_id' })
  memberKey!: string;

  @Property({ type: 'text' })
  effectKind!: BenefitKind;

  @Property({ type: 'text' })
  effectValue!: string;

  @Field(() => String, { nullable: true, description: 'The channel, e.g. `POS`.' })
  @Property({ type: 'text', nullable: true })
  channel!: string | null;

  @Field(() => String, { nullable: true, description: 'The code of the store, e.g. `SH-001`.' })
  @Property({ type: 'text', nullable: true })
  store!: string | null;

  @Field(() => String, { nullable: true, description: 'The number of the order that it was used for.' })
  @Property({ type: 'text', nullable: true })
  orderNumber!: string | null;

  /** In minor units. */
  @Property({ type: 'bigint', fieldName: 'order_amount', nullable: true })
  orderAmountMinor!: bigint | null;

  @Property({ type: 'text', nullable: true })
  currency!: string | null;

  @Field(() => DateTimeScalar, { description: 'When it was used, in business time.' })
  @Property({ type: 'datetime' })
  usedAt!: Date;

  /** Who used it: an API key's public id, or a token's subject. */
  @Property({ type: 'text' })
  usedBy!: string;

  /** The local day on which it counts for the member's limit of uses; null where there was none. */
  @Property({ type: 'date', nullable: true })
  countedDay!: string | null;

  /** Whether it counts for everybody's limit of uses. */
  @Property({ type: 'boolean' })
  countedTotal!: boolean;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was undone; null if it was not.' })
  @Property({ type: 'datetime', nullable: true })
  undoneAt!: Date | null;

  @Field(() => String, { nullable: true, description: 'Why it was undone; null if it was not.' })
  @Property({ type: 'text', nullable: true })
  undoReason!: string | null;

  @Property({ type: 'text', nullable: true })
  undoneBy!: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'One use of a list.' })
export class BenefitUseEdge extends edgeType(() => BenefitUse, 'use') {}

@ObjectType({ simpleResolvers: true, description: 'A page of uses, newest first.' })
export class BenefitUseConnection extends connectionType(() => BenefitUseEdge, 'uses') {}
