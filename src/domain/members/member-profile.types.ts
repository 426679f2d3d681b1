import { Field, ObjectType } from 'type-graphql';
import { DateTimeScalar, JsonScalar, Origin } from '../shared/index.ts';
import { Gender } from './member.entity.ts';

@ObjectType({ simpleResolvers: true, description: 'What is shown of a member, from where, and as of when.' })
export class MemberProfile {
  @Field(() => String, { description: 'How they are called.' })
  displayName!: string;

  @Field(() => Gender, { nullable: true, description: 'Their gender, where they told it.' })
  gender!: Gender | null;

  @Field(() => String, { nullable: true, description: 'Their date of birth, `YYYY-MM-DD`.' })
  birthday!: string | null;

  @Field(() => String, { nullable: true, description: 'Their language, BCP 47, e.g. `zh-CN`.' })
  locale!: string | null;

  @Field(() => String, { nullable: true, description: 'Where they live, ISO 3166-2, e.g. `CN-31`.' })
  region!: string | null;

  @Field(() => String, { nullable: true, description: 'Where they can be written to; only from outside.' })
  email!: string | null;

  @Field(() => String, { nullable: true, description: 'Where they live, in one line; only from outside.' })
  address!: string | null;

  @Field(() => String, { nullable: true, description: 'Their picture, `https://…`; only from outside.' })
  avatarUrl!: string | null;

  @Field(() => JsonScalar, { description: 'The tenant’s own data about them.' })
  attributes!: Record<string, unknown>;

  @Field(() => Origin, {
    description: 'Who says so. With FALLBACK, it may be out of date: say so, or ask again.',
  })
  origin!: Origin;

  @Field(() => DateTimeScalar, {
    description: 'When it was asked; of what is kept here, when it last changed.',
  })
  asOf!: Date;
}
