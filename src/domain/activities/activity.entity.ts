import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, Int, ObjectType } from 'type-graphql';
import type { StoredFacts } from '../expressions/index.ts';
import type { StoredExplanation } from '../ledgers/index.ts';
import { connectionType, DateTimeScalar, edgeType, MoneyObject, Node } from '../shared/index.ts';

@ObjectType({ simpleResolvers: true, description: 'One line of an order.' })
export class OrderLine {
  @Field(() => String, { description: 'The article’s code.' })
  sku!: string;

  @Field(() => String, { nullable: true, description: 'Its category.' })
  category!: string | null;

  @Field(() => Int, { description: 'How many.' })
  quantity!: number;

  @Field(() => MoneyObject, { description: 'What the line costs as a whole.' })
  amount!: MoneyObject;
}

/** As stored: amounts in minor units, as strings. */
export interface StoredOrderLine {
  readonly sku: string;
  readonly category: string | null;
  readonly quantity: number;
  readonly amount: string;
}

@ObjectType({ simpleResolvers: true, description: 'An order of the enterprise’s shop.' })
export class Order {
  @Field(() => String, { description: 'Its number: unique for the tenant and the type of activity.' })
  number!: string;

  @Field(() => [OrderLine], { description: 'Its lines; empty when they were not sent.' })
  lines!: OrderLine[];
}

/** What a member did. */
@Entity({ tableName: 'activity' })
@ObjectType({
  simpleResolvers: true,
  description: 'What a member did: a purchase, a sign-in, a review.',
  implements: Node,
})
export class Activity {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'activity_id' })
  activityKey!: string;

  @Property({ type: 'uuid', fieldName: 'member_id' })
  memberKey!: string;

  @Field(() => String, { description: 'What it was, e.g. `purchase`.' })
  @Property({ type: 'text' })
  type!: string;

  /** In minor units. */
  @Property({ type: 'bigint', fieldName: 'amount', nullable: true })
  amountMinor!: bigint | null;

  @Property({ type: 'text', nullable: true })
  currency!: string | null;

  @Property({ type: 'text', nullable: true })
  orderNumber!: string | null;

  @Property({ type: 'json', nullable: true })
  orderLines!: StoredOrderLine[] | null;

  @Property({ type: 'text', nullable: true })
  channel!: string | null;

  @Property({ type: 'text', nullable: true })
  store!: string | null;

  /** Why, as stored. */
  @Property({ type: 'json', fieldName: 'explanations' })
  storedExplanations!: StoredExplanation[];

  @Property({ type: 'integer' })
  programVersion!: number;

  /** The purchase that a refund takes back. */
  @Property({ type: 'uuid', fieldName: 'refunds_activity_id', nullable: true })
  refundsKey!: string | null;

  /** What its rules knew, where they looked at anything: so that a refund can ask them again. */
  @Property({ type: 'json', nullable: true })
  facts!: StoredFacts | null;

  @Field(() => DateTimeScalar, { description: 'When it happened, in business time.' })
  @Property({ type: 'datetime' })
  occurredAt!: Date;

  @Field(() => DateTimeScalar, { description: 'When it was written down, in business time.' })
  @Property({ type: 'datetime' })
  recordedAt!: Date;
}

@ObjectType({ simpleResolvers: true, description: 'One activity of a list.' })
export class ActivityEdge extends edgeType(() => Activity, 'activity') {}

@ObjectType({ simpleResolvers: true, description: 'A page of activities, newest first.' })
export class ActivityConnection extends connectionType(() => ActivityEdge, 'activities') {}

/** What of a purchase was refunded so far; the purchase itself never changes. */
@Entity({ tableName: 'refunded' })
export class RefundedPart {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'activity_id' })
  activityKey!: string;

  /** In minor units. */
  @Property({ type: 'bigint' })
  amount!: bigint;

  /** By the index of the purchase's lines. */
  @Property({ type: 'json', nullable: true })
  lines!: { quantity: number; amount: string }[] | null;
}
