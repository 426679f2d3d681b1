import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { ExtensionReference } from '../ledgers/index.ts';
import { connectionType, DateTimeScalar, edgeType } from '../shared/index.ts';

export enum TierChangeCause {
  REACHED = 'REACHED',
  REVIEWED = 'REVIEWED',
  BY_HAND = 'BY_HAND',
  HAND_ENDED = 'HAND_ENDED',
  PROGRAM = 'PROGRAM',
  EVALUATED = 'EVALUATED',
}
registerEnumType(TierChangeCause, {
  name: 'TierChangeCause',
  description: 'Why a tier changed.',
  valuesConfig: {
    REACHED: { description: 'What the member did reached it.' },
    REVIEWED: { description: 'The daily review found that it is kept no longer, or that it was reached.' },
    BY_HAND: { description: 'A person set it, or an extension as they enrolled.' },
    HAND_ENDED: { description: 'What a person had set came to its end.' },
    PROGRAM: { description: 'A new version of the program asks otherwise.' },
    EVALUATED: { description: 'An extension said so, which was asked by `tier.evaluate`.' },
  },
});

/** One change of a member's tier. */
@Entity({ tableName: 'tier_change' })
@ObjectType({ simpleResolvers: true, description: 'One change of a member’s tier.' })
export class TierChange {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'change_id' })
  changeKey!: string;

  @Property({ type: 'uuid', fieldName: 'member_id' })
  memberKey!: string;

  @Field(() => String, { description: 'The ladder’s code.' })
  @Property({ type: 'text' })
  ladder!: string;

  @Property({ type: 'text', nullable: true })
  fromTier!: string | null;

  @Property({ type: 'text', nullable: true })
  toTier!: string | null;

  @Field(() => TierChangeCause, { description: 'Why.' })
  @Property({ type: 'text' })
  cause!: TierChangeCause;

  @Field(() => String, {
    nullable: true,
    description: 'Why, in the words of whoever set it by hand; of an extension, its name.',
  })
  @Property({ type: 'text', nullable: true })
  reason!: string | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Until when it was set by hand; null = for ever, or not by hand.',
  })
  @Property({ type: 'datetime', nullable: true })
  until!: Date | null;

  @Property({ type: 'text', nullable: true })
  changedBy!: string | null;

  @Field(() => ExtensionReference, {
    nullable: true,
    description: 'The extension that evaluated it; null where none did.',
  })
  @Property({ type: 'json', nullable: true })
  extension!: ExtensionReference | null;

  @Field(() => DateTimeScalar, { description: 'When, in business time.' })
  @Property({ type: 'datetime' })
  changedAt!: Date;

  @Property({ type: 'datetime', nullable: true })
  announcedAt!: Date | null;
}

@ObjectType({ simpleResolvers: true, description: 'One change of a list.' })
export class TierChangeEdge extends edgeType(() => TierChange, 'change of tier') {}

@ObjectType({ simpleResolvers: true, description: 'A page of changes of tiers, newest first.' })
export class TierChangeConnection extends connectionType(() => TierChangeEdge, 'changes of tiers') {}
