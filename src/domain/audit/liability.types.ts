import { Field, ObjectType } from 'type-graphql';
import { Asset } from '../programs/index.ts';
import { DateTimeScalar, DecimalScalar, MoneyObject } from '../shared/index.ts';

const WHOLE = 'A whole number; beyond 64 bits where members hold more than that together.';

@ObjectType('Liability', {
  simpleResolvers: true,
  description:
    'What was given of an asset up to a moment, what became of it, and what is owed to members: outstanding = issued + adjusted − redeemed − paidBack − breakage.',
})
export class LiabilityObject {
  @Field(() => Asset, { description: 'The asset.' })
  asset!: Asset;

  @Field(() => DateTimeScalar, { description: 'The moment.' })
  at!: Date;

  @Field(() => DecimalScalar, { description: `What was earned. ${WHOLE}` })
  issued!: string;

  @Field(() => DecimalScalar, { description: `What was spent. ${WHOLE}` })
  redeemed!: string;

  @Field(() => DecimalScalar, { description: `Stored value that was paid back in money. ${WHOLE}` })
  paidBack!: string;

  @Field(() => DecimalScalar, { description: `What was lost by time. ${WHOLE}` })
  breakage!: string;

  @Field(() => DecimalScalar, { description: `What was corrected by hand, up less down. ${WHOLE}` })
  adjusted!: string;

  @Field(() => DecimalScalar, { description: `What members hold, due and pending together. ${WHOLE}` })
  outstanding!: string;

  @Field(() => DecimalScalar, { description: `Of stored value, what members have paid in of it. ${WHOLE}` })
  paid!: string;

  @Field(() => DecimalScalar, { description: `Of stored value, what was given on top of it. ${WHOLE}` })
  bonus!: string;

  @Field(() => MoneyObject, {
    nullable: true,
    description:
      'What is outstanding in money, at the asset’s rate of today; null where the program says none.',
  })
  worth!: MoneyObject | null;
}
