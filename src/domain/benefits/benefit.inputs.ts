import { Field, ID, InputType } from 'type-graphql';
import {
  DateTimeScalar,
  DRY_RUN_DESCRIPTION,
  KEY_DESCRIPTION,
  MoneyInput,
  SourceInput,
} from '../shared/index.ts';

@InputType({ description: 'A benefit that is granted by hand.' })
export class GrantBenefitInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The member who gets it.' })
  memberId!: string;

  @Field(() => String, { description: 'The benefit’s code, e.g. `birthday-gift`.' })
  benefit!: string;

  @Field(() => String, { nullable: true, description: 'Why; at most 500 characters.' })
  reason?: string | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'From when it is valid; now when missing.' })
  validFrom?: Date | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'Until when it is valid; as the benefit says when missing.',
  })
  validUntil?: Date | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'A granted benefit that is taken back.' })
export class RevokeGrantInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The granted benefit.' })
  grantId!: string;

  @Field(() => String, { description: 'Why; at most 500 characters.' })
  reason!: string;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'The order that a benefit is used for.' })
export class BenefitOrderInput {
  @Field(() => String, { description: 'Its number; at most 100 characters.' })
  number!: string;

  @Field(() => MoneyInput, { nullable: true, description: 'What it comes to.' })
  amount?: MoneyInput | null;
}

@InputType({ description: 'A use of a granted benefit.' })
export class UseBenefitInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The granted benefit.' })
  grantId!: string;

  @Field(() => SourceInput, { nullable: true, description: 'Where it is used.' })
  source?: SourceInput | null;

  @Field(() => BenefitOrderInput, { nullable: true, description: 'The order that it is used for.' })
  order?: BenefitOrderInput | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'A use that is undone.' })
export class UndoBenefitUseInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The use.' })
  useId!: string;

  @Field(() => String, { description: 'Why; at most 500 characters.' })
  reason!: string;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}
