import { Field, InputType, ObjectType } from 'type-graphql';

@ObjectType({ simpleResolvers: true, description: 'Where something came from.' })
export class Source {
  @Field(() => String, { nullable: true, description: 'The channel, e.g. `MINI_PROGRAM` or `POS`.' })
  channel!: string | null;

  @Field(() => String, { nullable: true, description: 'The code of the store, e.g. `SH-001`.' })
  store!: string | null;
}

@InputType({ description: 'Where something comes from.' })
export class SourceInput {
  @Field(() => String, {
    nullable: true,
    description: 'The channel, e.g. `MINI_PROGRAM` or `POS`; at most 64 characters.',
  })
  channel?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The code of the store, e.g. `SH-001`; at most 64 characters.',
  })
  store?: string | null;
}
