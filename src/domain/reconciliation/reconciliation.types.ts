import { Field, Int, ObjectType } from 'type-graphql';
import { DecimalScalar } from '../shared/index.ts';

@ObjectType({
  simpleResolvers: true,
  description: 'The differences of one local day in one asset, by when each was seen a second time.',
})
export class ReconciliationDay {
  @Field(() => String, { description: 'The local day, `YYYY-MM-DD`.' })
  day!: string;

  @Field(() => String, { description: 'The asset’s code.' })
  asset!: string;

  @Field(() => Int, { description: 'How many there were.' })
  found!: number;

  @Field(() => Int, { description: 'How many of them have ended.' })
  settled!: number;

  @Field(() => DecimalScalar, { description: 'By how much records were above our mirrors; a whole number.' })
  above!: string;

  @Field(() => DecimalScalar, { description: 'By how much records were below our mirrors; a whole number.' })
  below!: string;
}

@ObjectType({
  simpleResolvers: true,
  description: 'Our mirrors held against the records that other systems keep of EXTERNAL assets.',
})
export class Reconciliation {
  @Field(() => Int, { description: 'How many mirrors differ from their record now.' })
  open!: number;

  @Field(() => Int, { description: 'How many mirrors wait to be compared.' })
  waiting!: number;
}
