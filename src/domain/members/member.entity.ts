import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { Field, ObjectType, registerEnumType } from 'type-graphql';
import type { Ledger } from '../ledgers/index.ts';
import { DateTimeScalar, JsonScalar, Node } from '../shared/index.ts';
import type { Tier } from '../tiers/index.ts';

export enum MemberStatus {
  ACTIVE = 'ACTIVE',
  BLOCKED = 'BLOCKED',
  CLOSED = 'CLOSED',
  MERGED = 'MERGED',
  ERASED = 'ERASED',
}
registerEnumType(MemberStatus, {
  name: 'MemberStatus',
  description: 'Whether a member can earn and spend; only ACTIVE ones can.',
  valuesConfig: {
    ACTIVE: { description: 'Takes part.' },
    BLOCKED: { description: 'Shut out for now, e.g. after fraud.' },
    CLOSED: { description: 'Has left.' },
    MERGED: { description: 'Lives on in another member.' },
    ERASED: { description: 'Personal data are gone; the ledger stays.' },
  },
});

export enum IdentityKind {
  PHONE = 'PHONE',
  EMAIL = 'EMAIL',
  CARD = 'CARD',
  WECHAT_OPENID = 'WECHAT_OPENID',
  WECHAT_UNIONID = 'WECHAT_UNIONID',
  EXTERNAL = 'EXTERNAL',
}
registerEnumType(IdentityKind, {
  name: 'IdentityKind',
  description: 'What finds a member.',
  valuesConfig: {
    PHONE: { description: 'A phone number, E.164: `+8613800138000`.' },
    EMAIL: { description: 'An email address.' },
    CARD: { description: 'The number of a membership card.' },
    WECHAT_OPENID: { description: 'A WeChat OpenID.' },
    WECHAT_UNIONID: { description: 'A WeChat UnionID.' },
    EXTERNAL: { description: 'The member’s id in the enterprise’s own system.' },
  },
});

export enum Gender {
  FEMALE = 'FEMALE',
  MALE = 'MALE',
  OTHER = 'OTHER',
  UNDISCLOSED = 'UNDISCLOSED',
}
registerEnumType(Gender, {
  name: 'Gender',
  description: 'A member’s gender, where they told it.',
  valuesConfig: {
    FEMALE: { description: 'Female.' },
    MALE: { description: 'Male.' },
    OTHER: { description: 'Another.' },
    UNDISCLOSED: { description: 'Not told.' },
  },
});

@ObjectType({
  simpleResolvers: true,
  description: 'What finds a member: a phone, an email, a card, a WeChat id.',
})
export class Identity {
  @Field(() => IdentityKind, { description: 'What it is.' })
  kind!: IdentityKind;

  @Field(() => String, { description: 'Its value, normalised: phones as E.164, emails in lower case.' })
  value!: string;

  @Field(() => Boolean, { description: 'Whether a server says that it really is theirs.' })
  verified!: boolean;

  /** Whose it is. */
  memberKey!: string;
}

@ObjectType({ simpleResolvers: true, description: 'Whether a member agreed to a use of their data.' })
export class Consent {
  @Field(() => String, { description: 'What for, e.g. `MARKETING`.' })
  purpose!: string;

  @Field(() => Boolean, { description: 'Whether they agreed.' })
  granted!: boolean;

  @Field(() => DateTimeScalar, { description: 'When they said so.' })
  at!: Date;
}

/** As stored: without a moment, it was said when the member enrolled. */
export interface StoredConsent {
  readonly purpose: string;
  readonly granted: boolean;
  readonly at?: string | Date;
}

@ObjectType({ simpleResolvers: true, description: 'A label on a member.' })
export class Tag {
  @Field(() => String, { description: 'The tenant’s own code.' })
  code!: string;
}

/** An enrolled person. */
@Entity({ tableName: 'member' })
@ObjectType({ simpleResolvers: true, description: 'An enrolled person.', implements: Node })
export class Member {
  @PrimaryKey({ type: 'uuid', fieldName: 'tenant_id' })
  tenantKey!: string;

  @PrimaryKey({ type: 'uuid', fieldName: 'member_id' })
  memberKey!: string;

  @Field(() => MemberStatus, { description: 'Whether they can earn and spend.' })
  @Property({ type: 'text' })
  status!: MemberStatus;

  @Field(() => String, {
    description: 'How they are called; their masked first identity if they told no name.',
  })
  @Property({ type: 'text' })
  displayName!: string;

  @Field(() => Gender, { nullable: true, description: 'Their gender, where they told it.' })
  @Property({ type: 'text', nullable: true })
  gender!: Gender | null;

  @Field(() => String, { nullable: true, description: 'Their date of birth, `YYYY-MM-DD`.' })
  @Property({ type: 'date', nullable: true })
  birthday!: string | null;

  @Field(() => String, { nullable: true, description: 'Their language, BCP 47, e.g. `zh-CN`.' })
  @Property({ type: 'text', nullable: true })
  locale!: string | null;

  @Field(() => String, { nullable: true, description: 'Where they live, ISO 3166-2, e.g. `CN-31`.' })
  @Property({ type: 'text', nullable: true })
  region!: string | null;

  @Property({ type: 'text', nullable: true })
  channel!: string | null;

  @Property({ type: 'text', nullable: true })
  store!: string | null;

  @Property({ type: 'json' })
  consents!: StoredConsent[];

  @Field(() => JsonScalar, { description: 'The tenant’s own data about them: at most 8 kB, depth 4.' })
  @Property({ type: 'json' })
  attributes!: Record<string, unknown>;

  /** Codes of tags. */
  @Property({ type: 'array', fieldName: 'tags' })
  tagCodes!: string[];

  @Field(() => DateTimeScalar, { description: 'When they were enrolled.' })
  @Property({ type: 'datetime' })
  enrolledAt!: Date;

  @Field(() => DateTimeScalar, { description: 'When their data last changed.' })
  @Property({ type: 'datetime' })
  updatedAt!: Date;

  /** Whom they live on in, where they were merged. */
  @Property({ type: 'uuid', fieldName: 'merged_into', nullable: true })
  mergedIntoKey!: string | null;

  /** In a mutation's answer: the ledgers as the mutation left them, by asset. Not a column. */
  ledgersThen?: ReadonlyMap<string, Ledger>;

  /** The tier that a mutation left them in, where it is known: a replay shows it again. */
  tierThen?: Tier | null | undefined | Promise<Tier | null>;

  /** In a list: the tier that is stored for the primary ladder, where there is one. Not a column. */
  storedTier?: string | null;

  /** In the answer of the mutation that made them: their identities. Not a column. */
  identitiesThen?: Identity[];
}
