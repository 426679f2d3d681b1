import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { DateTimeScalar, PointsScalar } from '../shared/index.ts';

/** What became of what the system that keeps an asset's record was asked for. */
export enum OperationStatus {
  DONE = 'DONE',
  ASKED = 'ASKED',
  REFUSED = 'REFUSED',
  GIVEN_UP = 'GIVEN_UP',
}
registerEnumType(OperationStatus, {
  name: 'OperationStatus',
  description: 'Whether an operation holds, where another system keeps the record.',
  valuesConfig: {
    DONE: { description: 'It holds; where we keep the record, every operation does.' },
    ASKED: {
      description: 'The other system is asked: what is credited is pending, what is debited reserved.',
    },
    REFUSED: { description: 'The other system refused it: what was pending or reserved is given back.' },
    GIVEN_UP: {
      description:
        'The other system didn’t answer for three days: a credit is taken back, a debit stays reserved.',
    },
  },
});

/** What changes a record that is kept elsewhere. */
export type ChangeKind = 'EARN' | 'REDEEM' | 'ADJUST' | 'REVERSE';

/** One change of a record that another system keeps. */
@ObjectType({
  simpleResolvers: true,
  description: 'What the system that keeps an asset’s record was asked for, and what it answered.',
})
@Entity({ tableName: 'record_change' })
export class RecordChange {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'operation_id' })
  operationKey!: string;

  @Property({ type: 'uuid', fieldName: 'ledger_id' })
  ledgerKey!: string;

  @Property({ type: 'bigint' })
  version!: bigint;

  @Property({ type: 'uuid', fieldName: 'member_id' })
  memberKey!: string;

  @Property({ type: 'text' })
  asset!: string;

  @Property({ type: 'text' })
  kind!: ChangeKind;

  @Field(() => PointsScalar, { description: 'How much it was asked to change by, with its sign.' })
  @Property({ type: 'bigint' })
  amount!: bigint;

  @Property({ type: 'uuid', fieldName: 'hold_id', nullable: true })
  holdKey!: string | null;

  @Property({ type: 'uuid', fieldName: 'reverses', nullable: true })
  reversesKey!: string | null;

  @Property({ type: 'datetime', nullable: true })
  countsAt!: Date | null;

  @Field(() => OperationStatus, { description: 'What became of it.' })
  @Property({ type: 'text' })
  status!: OperationStatus;

  @Property({ type: 'integer' })
  attempts!: number;

  @Property({ type: 'uuid', fieldName: 'settled_by', nullable: true })
  settledByKey!: string | null;

  @Field(() => String, { nullable: true, description: 'Why it was refused, as the other system says.' })
  @Property({ type: 'text', nullable: true })
  reason!: string | null;

  @Property({ type: 'text', nullable: true })
  referenceType!: string | null;

  @Property({ type: 'text', nullable: true })
  referenceId!: string | null;

  @Field(() => PointsScalar, {
    nullable: true,
    description: 'What the record held afterwards; null where the other system didn’t say.',
  })
  @Property({ type: 'bigint', nullable: true })
  balance!: bigint | null;

  @Field(() => DateTimeScalar, { description: 'Since when it is asked for.' })
  @Property({ type: 'datetime' })
  askedAt!: Date;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it was settled; null while it is open.' })
  @Property({ type: 'datetime', nullable: true })
  settledAt!: Date | null;
}

/** The order in which a ledger's changes are asked for; there while something is open on it. */
@Entity({ tableName: 'record_lane' })
export class RecordLane {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'ledger_id' })
  ledgerKey!: string;

  @Property({ type: 'bigint' })
  asked!: bigint;

  @Property({ type: 'integer' })
  failures!: number;

  @Property({ type: 'datetime' })
  nextAttemptAt!: Date;

  @Property({ type: 'uuid', nullable: true })
  holder!: string | null;

  @Property({ type: 'datetime', nullable: true })
  leasedUntil!: Date | null;
}
