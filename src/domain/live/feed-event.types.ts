import { Field, ObjectType, registerEnumType } from 'type-graphql';
import type { EventTypes } from '../../events/index.ts';
import { ExtensionChangeKind } from '../extensions/index.ts';
import { DateTimeScalar } from '../shared/index.ts';

/** An event as it is read: the root value of what subscribers select. */
export interface ToldEvent {
  readonly cursor: string;
  readonly type: string;
  readonly memberKey: string | null;
  /** The member, the change of a tier, the grant or the extension. */
  readonly subjectKey: string;
  readonly detail: Readonly<Record<string, unknown>> | null;
  readonly occurredAt: Date;
}

type EnumOf<Names extends string> = { readonly [Name in Names]: Name };

export const MemberEventType: EnumOf<EventTypes['members']> = {
  ENROLLED: 'ENROLLED',
  UPDATED: 'UPDATED',
  TAGS_CHANGED: 'TAGS_CHANGED',
  STATUS_CHANGED: 'STATUS_CHANGED',
  MERGED: 'MERGED',
  TOOK_OVER: 'TOOK_OVER',
};
registerEnumType(MemberEventType, {
  name: 'MemberEventType',
  description: 'What happened to a member.',
  valuesConfig: {
    ENROLLED: { description: 'They were enrolled.' },
    UPDATED: { description: 'Their profile, identities, consents or attributes were changed.' },
    TAGS_CHANGED: { description: 'They got or lost tags.' },
    STATUS_CHANGED: { description: 'They were blocked, closed, or made active again.' },
    MERGED: { description: 'They ended, and live on in another member.' },
    TOOK_OVER: { description: 'Another member was merged into them.' },
  },
});

export const TierEventType: EnumOf<EventTypes['tiers']> = {
  RAISED: 'RAISED',
  LOWERED: 'LOWERED',
  SET: 'SET',
};
registerEnumType(TierEventType, {
  name: 'TierEventType',
  description: 'What happened to a member’s tier.',
  valuesConfig: {
    RAISED: { description: 'It is a higher one now.' },
    LOWERED: { description: 'It is a lower one now, or none.' },
    SET: {
      description: 'Neither: a person set the one that was held, or the program has the one before no more.',
    },
  },
});

export const GrantEventType: EnumOf<EventTypes['grants']> = {
  GRANTED: 'GRANTED',
  USED: 'USED',
  USE_UNDONE: 'USE_UNDONE',
  REVOKED: 'REVOKED',
  MERGED: 'MERGED',
};
registerEnumType(GrantEventType, {
  name: 'GrantEventType',
  description: 'What happened to a granted benefit.',
  valuesConfig: {
    GRANTED: { description: 'It was granted.' },
    USED: { description: 'It was used.' },
    USE_UNDONE: { description: 'A use of it was undone.' },
    REVOKED: { description: 'It was taken back, or the tier that carried it was lost.' },
    MERGED: { description: 'It moved here from a member who was merged into this one.' },
  },
});

const CURSOR = 'Its place; pass it as `after` to go on behind it, in any stream. At most 64 bytes.';
const OCCURRED = 'When it happened, in business time.';

@ObjectType({ simpleResolvers: true, description: 'Something that happened to a member.' })
export class MemberEvent {
  @Field(() => String, { description: CURSOR })
  cursor!: string;

  @Field(() => MemberEventType, { description: 'What happened.' })
  type!: EventTypes['members'];

  @Field(() => DateTimeScalar, { description: OCCURRED })
  occurredAt!: Date;
}

@ObjectType({ simpleResolvers: true, description: 'A change of a member’s tier, as it is told.' })
export class TierEvent {
  @Field(() => String, { description: CURSOR })
  cursor!: string;

  @Field(() => TierEventType, { description: 'What happened.' })
  type!: EventTypes['tiers'];

  @Field(() => DateTimeScalar, { description: OCCURRED })
  occurredAt!: Date;
}

@ObjectType({ simpleResolvers: true, description: 'Something that happened to a granted benefit.' })
export class GrantEvent {
  @Field(() => String, { description: CURSOR })
  cursor!: string;

  @Field(() => GrantEventType, { description: 'What happened.' })
  type!: EventTypes['grants'];

  @Field(() => DateTimeScalar, { description: OCCURRED })
  occurredAt!: Date;
}

@ObjectType({ simpleResolvers: true, description: 'Something that was done to an extension.' })
export class ExtensionEvent {
  @Field(() => String, { description: CURSOR })
  cursor!: string;

  @Field(() => ExtensionChangeKind, { description: 'What was done.' })
  type!: EventTypes['extensions'];

  @Field(() => DateTimeScalar, { description: OCCURRED })
  occurredAt!: Date;
}
