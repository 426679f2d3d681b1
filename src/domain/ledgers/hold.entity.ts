import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType } from 'type-graphql';
import { connectionType, DateTimeScalar, edgeType, Node, PointsScalar } from '../shared/index.ts';
import { HoldStatus } from './ledger.enums.types.ts';

/** An amount reserved, later captured or released. */
@Entity({ tableName: 'hold' })
@ObjectType({
  simpleResolvers: true,
  description: 'An amount reserved, later captured or released.',
  implements: Node,
})
export class Hold {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'hold_id' })
  holdKey!: string;

  @Property({ type: 'uuid', fieldName: 'ledger_id' })
  ledgerKey!: string;

  @Field(() => PointsScalar, { description: 'What was reserved.' })
  @Property({ type: 'bigint' })
  amount!: bigint;

  @Field(() => PointsScalar, { description: 'What of it was spent.' })
  @Property({ type: 'bigint' })
  captured!: bigint;

  @Field(() => PointsScalar, { description: 'What of it was given back.' })
  @Property({ type: 'bigint' })
  released!: bigint;

  @Field(() => HoldStatus, { description: 'What became of it.' })
  @Property({ type: 'text' })
  status!: HoldStatus;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When it is given back by itself; null if never.',
  })
  @Property({ type: 'datetime', nullable: true })
  expiresAt!: Date | null;

  @Property({ type: 'datetime' })
  createdAt!: Date;
}

@ObjectType({ simpleResolvers: true, description: 'One hold of a list.' })
export class HoldEdge extends edgeType(() => Hold, 'hold') {}

@ObjectType({ simpleResolvers: true, description: 'A page of holds, newest first.' })
export class HoldConnection extends connectionType(() => HoldEdge, 'holds') {}
