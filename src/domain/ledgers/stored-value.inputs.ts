import { Field, ID, InputType } from 'type-graphql';
import { DateTimeScalar, DRY_RUN_DESCRIPTION, KEY_DESCRIPTION, PointsScalar } from '../shared/index.ts';
import { ReferenceInput } from './ledger.inputs.ts';

const ASSET_DESCRIPTION = 'The asset’s code, e.g. `wallet`; of kind STORED_VALUE.';

@InputType({ description: 'Money that a member pays in, and what is given on top.' })
export class TopUpStoredValueInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The member who pays.' })
  memberId!: string;

  @Field(() => String, { description: ASSET_DESCRIPTION })
  asset!: string;

  @Field(() => PointsScalar, { description: 'What was paid, in minor units; above zero.' })
  paid!: bigint;

  @Field(() => PointsScalar, {
    nullable: true,
    description: 'What is given on top, in minor units; not below zero. Nothing when missing.',
  })
  bonus?: bigint | null;

  @Field(() => String, { nullable: true, description: 'Why; shown in the ledger. At most 500 characters.' })
  reason?: string | null;

  @Field(() => ReferenceInput, { nullable: true, description: 'What it refers to outside, e.g. a payment.' })
  reference?: ReferenceInput | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When what was paid expires; never when missing, whatever the asset’s policy says.',
  })
  expiresAt?: Date | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When the bonus expires; as the asset’s policy says when missing.',
  })
  bonusExpiresAt?: Date | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'Stored value that a member gets back in money.' })
export class PayBackStoredValueInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The member who gets it back.' })
  memberId!: string;

  @Field(() => String, { description: ASSET_DESCRIPTION })
  asset!: string;

  @Field(() => PointsScalar, {
    nullable: true,
    description:
      'How much, in minor units; above zero, and at most what is refundable. All of that when missing.',
  })
  amount?: bigint | null;

  @Field(() => String, { nullable: true, description: 'Why; shown in the ledger. At most 500 characters.' })
  reason?: string | null;

  @Field(() => ReferenceInput, { nullable: true, description: 'What it refers to outside, e.g. a payout.' })
  reference?: ReferenceInput | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}
