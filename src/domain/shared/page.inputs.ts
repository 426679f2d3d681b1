import { ArgsType, Field, Int } from 'type-graphql';

/** The arguments of every list. The guard refuses a `first` outside of 1–100 before anything runs. */
@ArgsType()
export class PageArgs {
  @Field(() => Int, { description: 'How many at most: 1 to 100.' })
  first!: number;

  @Field(() => String, {
    nullable: true,
    description: 'The cursor to go on behind; from the beginning when missing.',
  })
  after?: string | null;
}
