import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType } from 'type-graphql';
import { DateTimeScalar, Node, PointsScalar } from '../shared/index.ts';

@ObjectType({ simpleResolvers: true, description: 'What a ledger holds.' })
export class Balance {
  @Field(() => PointsScalar, {
    description:
      'What can be spent: posted, less held, with everything that is due and without what has expired.',
  })
  available!: bigint;

  @Field(() => PointsScalar, { description: 'Earned, but not due yet.' })
  pending!: bigint;

  @Field(() => PointsScalar, { description: 'Reserved by holds.' })
  held!: bigint;
}

/** The account of one member in one asset. */
@Entity({ tableName: 'ledger' })
@ObjectType({
  simpleResolvers: true,
  description: 'The account of one member in one asset.',
  implements: Node,
})
export class Ledger {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'ledger_id' })
  ledgerKey!: string;

  @Property({ type: 'uuid', fieldName: 'member_id' })
  memberKey!: string;

  /** The asset's code. */
  @Property({ type: 'text', fieldName: 'asset' })
  assetCode!: string;

  @Property({ type: 'bigint' })
  posted!: bigint;

  @Property({ type: 'bigint' })
  pending!: bigint;

  @Property({ type: 'bigint' })
  held!: bigint;

  /** What was taken beyond the lots, where the asset may go negative. */
  @Property({ type: 'bigint' })
  debt!: bigint;

  /** Posted less held may not fall below it; null = it may. */
  @Property({ type: 'bigint', nullable: true })
  floor!: bigint | null;

  @Field(() => PointsScalar, { description: 'How many entries it has; counts them without a gap.' })
  @Property({ type: 'bigint' })
  version!: bigint;

  /** The position of its last entry in the tenant's feed. */
  @Property({ type: 'bigint' })
  feedPosition!: bigint;

  @Property({ type: 'datetime', nullable: true })
  recordedAt!: Date | null;

  /** The earliest moment at which time alone changes the balance. */
  @Property({ type: 'datetime', nullable: true })
  settleAt!: Date | null;

  /** Lots now due, lots now expired, holds now ended, that no operation has settled yet. Not columns. */
  due?: bigint;
  expired?: bigint;
  lapsed?: bigint;
  /** Whether it is shown as an entry left it, and not as it is now. Not a column. */
  isThen?: boolean;
}

/** An amount that will expire. */
@ObjectType({ simpleResolvers: true, description: 'An amount that expires at one moment.' })
export class ExpiringAmount {
  @Field(() => PointsScalar, { description: 'How much, held parts included.' })
  amount!: bigint;

  @Field(() => DateTimeScalar, { description: 'When.' })
  expiresAt!: Date;
}
