import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { connectionType, DateTimeScalar, edgeType, PointsScalar } from '../shared/index.ts';

export enum DifferenceStatus {
  OPEN = 'OPEN',
  AGREED = 'AGREED',
  ADOPTED = 'ADOPTED',
}
registerEnumType(DifferenceStatus, {
  name: 'DifferenceStatus',
  description: 'What became of a difference between our mirror and the record.',
  valuesConfig: {
    OPEN: { description: 'The two still differ.' },
    AGREED: { description: 'They were the same again, by whatever came in or was corrected.' },
    ADOPTED: { description: 'The record was taken over, since the asset says `onDifference: ADOPT`.' },
  },
});

/** Where a mirror and the record that another system keeps were not the same. */
@Entity({ tableName: 'mirror_difference' })
@ObjectType({
  simpleResolvers: true,
  description: 'A ledger whose mirror and record differed twice, with nothing on its way between them.',
})
export class MirrorDifference {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'difference_id' })
  differenceKey!: string;

  @Property({ type: 'uuid', fieldName: 'ledger_id' })
  ledgerKey!: string;

  @Property({ type: 'uuid', fieldName: 'member_id' })
  memberKey!: string;

  @Field(() => String, { description: 'The asset’s code.' })
  @Property({ type: 'text' })
  asset!: string;

  @Field(() => PointsScalar, { description: 'What was available in our mirror, when it was seen last.' })
  @Property({ type: 'bigint' })
  mirror!: bigint;

  @Field(() => PointsScalar, { description: 'What was available in the record then.' })
  @Property({ type: 'bigint' })
  record!: bigint;

  /** The mirror's, then. */
  @Property({ type: 'bigint' })
  version!: bigint;

  @Field(() => DateTimeScalar, { description: 'When it was seen first.' })
  @Property({ type: 'datetime' })
  firstSeenAt!: Date;

  @Field(() => DateTimeScalar, { description: 'When it was seen a second time.' })
  @Property({ type: 'datetime', nullable: true })
  confirmedAt!: Date | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it ended; null while it is open.' })
  @Property({ type: 'datetime', nullable: true })
  settledAt!: Date | null;

  @Property({ type: 'text', nullable: true })
  settledBy!: 'AGREED' | 'ADOPTED' | null;
}

@ObjectType({ simpleResolvers: true, description: 'One difference of a list.' })
export class MirrorDifferenceEdge extends edgeType(() => MirrorDifference, 'difference') {}

@ObjectType({ simpleResolvers: true, description: 'A page of a list of differences.' })
export class MirrorDifferenceConnection extends connectionType(() => MirrorDifferenceEdge, 'differences') {}
