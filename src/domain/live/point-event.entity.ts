import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { Benefit } from '../benefits/index.ts';
import { Entry, Ledger } from '../ledgers/index.ts';
import { DateTimeScalar, PointsScalar } from '../shared/index.ts';

export enum PointEventType {
  EARNED = 'EARNED',
  PENDING = 'PENDING',
  MATURED = 'MATURED',
  REDEEMED = 'REDEEMED',
  HELD = 'HELD',
  CAPTURED = 'CAPTURED',
  RELEASED = 'RELEASED',
  EXPIRED = 'EXPIRED',
  REVERSED = 'REVERSED',
  TRANSFERRED_IN = 'TRANSFERRED_IN',
  TRANSFERRED_OUT = 'TRANSFERRED_OUT',
  ADJUSTED = 'ADJUSTED',
  MERGED = 'MERGED',
}
registerEnumType(PointEventType, {
  name: 'PointEventType',
  description: 'What happened to a ledger.',
  valuesConfig: {
    EARNED: { description: 'Credited, and available.' },
    PENDING: { description: 'Credited, but not due yet.' },
    MATURED: { description: 'What was pending fell due.' },
    REDEEMED: { description: 'Spent.' },
    HELD: { description: 'Reserved.' },
    CAPTURED: { description: 'Spent from a hold.' },
    RELEASED: { description: 'Given back from a hold.' },
    EXPIRED: { description: 'Lost by time.' },
    REVERSED: { description: 'Another operation was undone.' },
    TRANSFERRED_IN: { description: 'Received from another member.' },
    TRANSFERRED_OUT: { description: 'Given to another member.' },
    ADJUSTED: { description: 'Corrected by hand.' },
    MERGED: { description: 'Moved from a merged member.' },
  },
});

@ObjectType({ simpleResolvers: true, description: 'A hint at what is within reach.' })
export class Nudge {
  @Field(() => String, { description: 'In words, in the caller’s language.' })
  message!: string;

  @Field(() => PointsScalar, { description: 'How much is missing.' })
  remaining!: bigint;

  @Field(() => Benefit, { nullable: true, description: 'What it would give; null if it is no benefit.' })
  benefit!: Benefit | null;
}

@ObjectType({ simpleResolvers: true, description: 'What a subscriber hears about one entry.' })
export class PointEvent {
  @Field(() => String, { description: 'Its place; pass it as `after` to go on behind it. At most 64 bytes.' })
  cursor!: string;

  @Field(() => PointEventType, { description: 'What happened.' })
  type!: PointEventType;

  @Field(() => DateTimeScalar, { description: 'When it happened, in business time.' })
  occurredAt!: Date;

  @Field(() => Entry, { description: 'The entry.' })
  entry!: Entry;

  @Field(() => Ledger, { description: 'The ledger as the entry left it.' })
  ledger!: Ledger;

  @Field(() => Nudge, { nullable: true, description: 'A hint at what is within reach; may be null.' })
  nudge!: Nudge | null;
}
