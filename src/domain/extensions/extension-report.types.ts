import { Field, Int, ObjectType } from 'type-graphql';
import { JsonScalar } from '../shared/index.ts';

@ObjectType({ simpleResolvers: true, description: 'A place in which a shadow’s answers differ.' })
export class ExtensionShadowPath {
  @Field(() => String, { description: 'Where; `*` stands for any place of a list.' })
  path!: string;

  @Field(() => Int, { description: 'In how many calls.' })
  count!: number;

  @Field(() => JsonScalar, { nullable: true, description: 'What counted in the newest of them.' })
  liveExample!: unknown;

  @Field(() => JsonScalar, { nullable: true, description: 'What the shadow said there.' })
  shadowExample!: unknown;
}

@ObjectType({
  simpleResolvers: true,
  description: 'How a shadow’s answers compare with those that counted; of its last 10,000 calls at most.',
})
export class ExtensionShadowReport {
  @Field(() => Int, { description: 'How many calls there were, those that its filter kept away left out.' })
  calls!: number;

  @Field(() => Int, { description: 'How many answers were the same.' })
  same!: number;

  @Field(() => Int, { description: 'How many answers differed.' })
  different!: number;

  @Field(() => Int, { description: 'How many calls failed.' })
  failed!: number;

  @Field(() => [ExtensionShadowPath], {
    description: 'Where they differ, the most frequent first; of the newest 200 answers that do.',
  })
  paths!: ExtensionShadowPath[];
}
