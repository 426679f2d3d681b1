import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType } from 'type-graphql';
import { connectionType, DateTimeScalar, edgeType, Node, PointsScalar } from '../shared/index.ts';
import { EntryStatus, OperationKind } from './ledger.enums.types.ts';

/** One immutable line that an operation wrote in one ledger. */
@Entity({ tableName: 'entry' })
@ObjectType({
  simpleResolvers: true,
  description: 'One immutable line that an operation wrote in one ledger.',
  implements: Node,
})
export class Entry {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'ledger_id' })
  ledgerKey!: string;

  @Field(() => PointsScalar, { description: 'Its number in the ledger: 1, 2, 3 … without a gap.' })
  @PrimaryKey({ type: 'bigint' })
  version!: bigint;

  @Property({ type: 'uuid', fieldName: 'operation_id' })
  operationKey!: string;

  @Field(() => OperationKind, { description: 'What the operation did.' })
  @Property({ type: 'text' })
  kind!: OperationKind;

  @Field(() => PointsScalar, {
    description: 'The act’s signed size, as a person reads it: EARN +20, REDEEM −120. Sums use the deltas.',
  })
  @Property({ type: 'bigint' })
  amount!: bigint;

  @Field(() => PointsScalar, { description: 'By how much it changed what is posted.' })
  @Property({ type: 'bigint' })
  postedDelta!: bigint;

  @Field(() => PointsScalar, { description: 'By how much it changed what is pending.' })
  @Property({ type: 'bigint' })
  pendingDelta!: bigint;

  @Field(() => PointsScalar, { description: 'By how much it changed what is held.' })
  @Property({ type: 'bigint' })
  heldDelta!: bigint;

  @Field(() => PointsScalar, { description: 'What was posted after it.' })
  @Property({ type: 'bigint', fieldName: 'posted_after' })
  balanceAfter!: bigint;

  @Property({ type: 'bigint' })
  pendingAfter!: bigint;

  @Property({ type: 'bigint' })
  heldAfter!: bigint;

  @Property({ type: 'bigint' })
  feedPosition!: bigint;

  @Field(() => String, { nullable: true, description: 'Why, in the words of whoever asked for it.' })
  @Property({ type: 'text', nullable: true })
  reason!: string | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When the lot that it made falls due; null if it made none.',
  })
  @Property({ type: 'datetime', nullable: true })
  availableAt!: Date | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When the lot that it made expires; null if never.',
  })
  @Property({ type: 'datetime', nullable: true })
  expiresAt!: Date | null;

  @Field(() => DateTimeScalar, { description: 'When the act happened, in business time.' })
  @Property({ type: 'datetime' })
  occurredAt!: Date;

  @Field(() => DateTimeScalar, { description: 'When it was written down, in business time.' })
  @Property({ type: 'datetime' })
  recordedAt!: Date;

  /** Worked out at business time; not a column. */
  @Field(() => EntryStatus, { description: 'Whether what it credited is due.' })
  status!: EntryStatus;

  /** Not columns: the ledger's facts. */
  assetCode!: string;
  memberKey!: string;
}

@ObjectType({ simpleResolvers: true, description: 'One entry of a list.' })
export class EntryEdge extends edgeType(() => Entry, 'entry') {}

@ObjectType({ simpleResolvers: true, description: 'A page of entries, newest version first.' })
export class EntryConnection extends connectionType(() => EntryEdge, 'entries') {}
