import { Field, ID, InputType } from 'type-graphql';
import { DRY_RUN_DESCRIPTION, JsonScalar, KEY_DESCRIPTION, SourceInput } from '../shared/index.ts';
import { Gender, IdentityKind, MemberStatus } from './member.entity.ts';

@InputType({ description: 'What finds a member.' })
export class IdentityInput {
  @Field(() => IdentityKind, { description: 'What it is.' })
  kind!: IdentityKind;

  @Field(() => String, { description: 'Its value; phones with their country code, e.g. `+8613800138000`.' })
  value!: string;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether you, a server, know that it really is theirs; false when missing.',
  })
  verified?: boolean | null;
}

@InputType({ description: 'What a member tells about themselves.' })
export class ProfileInput {
  @Field(() => String, { nullable: true, description: 'How they are called; at most 200 characters.' })
  displayName?: string | null;

  @Field(() => Gender, { nullable: true, description: 'Their gender.' })
  gender?: Gender | null;

  @Field(() => String, { nullable: true, description: 'Their date of birth, `YYYY-MM-DD`.' })
  birthday?: string | null;

  @Field(() => String, { nullable: true, description: 'Their language, BCP 47, e.g. `zh-CN`.' })
  locale?: string | null;

  @Field(() => String, { nullable: true, description: 'Where they live, ISO 3166-2, e.g. `CN-31`.' })
  region?: string | null;
}

@InputType({ description: 'Whether a member agrees to a use of their data.' })
export class ConsentInput {
  @Field(() => String, { description: 'What for, e.g. `MARKETING`; at most 64 characters.' })
  purpose!: string;

  @Field(() => Boolean, { description: 'Whether they agree.' })
  granted!: boolean;
}

@InputType({ description: 'A new member.' })
export class CreateMemberInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => [IdentityInput], { description: 'What will find them: 1 to 16, none of them taken.' })
  identities!: IdentityInput[];

  @Field(() => ProfileInput, { nullable: true, description: 'What they tell about themselves.' })
  profile?: ProfileInput | null;

  @Field(() => SourceInput, { nullable: true, description: 'Where they enrol.' })
  source?: SourceInput | null;

  @Field(() => [ConsentInput], { nullable: true, description: 'What they agree to.' })
  consents?: ConsentInput[] | null;

  @Field(() => JsonScalar, {
    nullable: true,
    description: 'Your own data about them: a JSON object of at most 8 kB, depth 4.',
  })
  attributes?: unknown;

  @Field(() => [String], { nullable: true, description: 'Codes of tags.' })
  tags?: string[] | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'Tags that a member gets or loses; what is not named stays.' })
export class ChangeTagsInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The member.' })
  memberId!: string;

  @Field(() => [String], {
    nullable: true,
    description: 'Codes of tags that they get; those they have stay.',
  })
  add?: string[] | null;

  @Field(() => [String], { nullable: true, description: 'Codes of tags that they lose.' })
  remove?: string[] | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'Changes to a member; what is missing stays as it is, null empties.' })
export class UpdateMemberInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The member.' })
  memberId!: string;

  @Field(() => ProfileInput, { nullable: true, description: 'What changes in their profile.' })
  profile?: ProfileInput | null;

  @Field(() => MemberStatus, { nullable: true, description: 'ACTIVE, BLOCKED or CLOSED.' })
  status?: MemberStatus | null;

  @Field(() => [IdentityInput], { nullable: true, description: 'Identities to add.' })
  addIdentities?: IdentityInput[] | null;

  @Field(() => [ConsentInput], { nullable: true, description: 'Consents that they give or take back.' })
  consents?: ConsentInput[] | null;

  @Field(() => JsonScalar, { nullable: true, description: 'The attributes from now on, as a whole.' })
  attributes?: unknown;

  @Field(() => [String], { nullable: true, description: 'The codes of their tags from now on, as a whole.' })
  tags?: string[] | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}
