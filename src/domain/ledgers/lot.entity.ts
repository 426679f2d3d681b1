import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType } from 'type-graphql';
import type { Portion } from '../programs/index.ts';
import { connectionType, DateTimeScalar, edgeType, Node, PointsScalar } from '../shared/index.ts';
import { StoredValuePortion } from './ledger.enums.types.ts';

/** One earned amount, with its own availability and expiry. */
@Entity({ tableName: 'lot' })
@ObjectType({
  simpleResolvers: true,
  description: 'One earned amount, with its own availability and expiry.',
  implements: Node,
})
export class Lot {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'ledger_id' })
  ledgerKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'lot_id' })
  lotKey!: string;

  @Property({ type: 'uuid', fieldName: 'operation_id' })
  operationKey!: string;

  @Field(() => PointsScalar, { description: 'What was earned.' })
  @Property({ type: 'bigint' })
  amount!: bigint;

  @Field(() => PointsScalar, { description: 'What is left of it, held parts included.' })
  @Property({ type: 'bigint' })
  remaining!: bigint;

  @Field(() => PointsScalar, { description: 'What of the rest is reserved by holds.' })
  @Property({ type: 'bigint' })
  held!: bigint;

  /** Whether it still counts in the ledger's pending. */
  @Property({ type: 'boolean' })
  pending!: boolean;

  @Field(() => DateTimeScalar, { description: 'When it falls due.' })
  @Property({ type: 'datetime' })
  availableAt!: Date;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it expires; null if never.' })
  @Property({ type: 'datetime', nullable: true })
  expiresAt!: Date | null;

  @Field(() => StoredValuePortion, {
    nullable: true,
    description: 'Of stored value, whether the member paid it in; null for other assets.',
  })
  @Property({ type: 'text', nullable: true })
  portion?: Portion | null;

  @Property({ type: 'datetime' })
  createdAt!: Date;

  @Property({ type: 'datetime', nullable: true })
  maturedAt!: Date | null;

  /** What time took of it, in whichever operation. */
  @Property({ type: 'bigint' })
  lost!: bigint;

  /** The first lot that a transferred one came from. */
  @Property({ type: 'uuid', fieldName: 'origin_lot_id', nullable: true })
  originLotKey?: string | null;
}

@ObjectType({ simpleResolvers: true, description: 'What an operation took from a lot.' })
export class Allocation {
  @Field(() => Lot, { description: 'The lot.' })
  lot!: Omit<Lot, 'tenantKey' | 'createdAt' | 'maturedAt'>;

  @Field(() => PointsScalar, { description: 'How much was taken from it; negative when it was given back.' })
  amount!: bigint;
}

@ObjectType({ simpleResolvers: true, description: 'One lot of a list.' })
export class LotEdge extends edgeType(() => Lot, 'lot') {}

@ObjectType({
  simpleResolvers: true,
  description: 'A page of lots: by expiry, those that never expire last, then by age.',
})
export class LotConnection extends connectionType(() => LotEdge, 'lots') {}
