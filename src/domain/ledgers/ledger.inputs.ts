import { ArgsType, Field, ID, InputType } from 'type-graphql';
import {
  DateTimeScalar,
  DRY_RUN_DESCRIPTION,
  KEY_DESCRIPTION,
  PageArgs,
  PointsScalar,
} from '../shared/index.ts';
import { HoldStatus } from './ledger.enums.types.ts';

@InputType({ description: 'What an operation refers to outside, e.g. an order or a ticket.' })
export class ReferenceInput {
  @Field(() => String, { description: 'What it is, e.g. `order`; at most 64 characters.' })
  type!: string;

  @Field(() => String, { description: 'Its number there; at most 200 characters.' })
  id!: string;
}

@InputType({ description: 'A credit in a batch.' })
export class EarnPointsItem {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The member who earns.' })
  memberId!: string;

  @Field(() => String, { description: 'The asset’s code, e.g. `points`.' })
  asset!: string;

  @Field(() => PointsScalar, { description: 'How much; above zero.' })
  amount!: bigint;

  @Field(() => String, { nullable: true, description: 'Why; shown in the ledger. At most 500 characters.' })
  reason?: string | null;

  @Field(() => ReferenceInput, { nullable: true, description: 'What it refers to outside.' })
  reference?: ReferenceInput | null;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it falls due; at once when missing.' })
  availableAt?: Date | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When it expires; as the asset’s policy says when missing.',
  })
  expiresAt?: Date | null;
}

@InputType({ description: 'A credit by hand or by another system.' })
export class EarnPointsInput extends EarnPointsItem {
  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'Many credits at once; each is done or refused by itself.' })
export class EarnPointsBatchInput {
  @Field(() => [EarnPointsItem], { description: '1 to 1,000 credits, done in this order within a ledger.' })
  items!: EarnPointsItem[];
}

@InputType({ description: 'A spend.' })
export class RedeemPointsInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The member who spends.' })
  memberId!: string;

  @Field(() => String, { description: 'The asset’s code, e.g. `points`.' })
  asset!: string;

  @Field(() => PointsScalar, { description: 'How much; above zero, and at most what is available.' })
  amount!: bigint;

  @Field(() => String, { nullable: true, description: 'Why; shown in the ledger. At most 500 characters.' })
  reason?: string | null;

  @Field(() => ReferenceInput, { nullable: true, description: 'What it refers to outside.' })
  reference?: ReferenceInput | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'A correction by hand, up or down.' })
export class AdjustPointsInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The member whose ledger is corrected.' })
  memberId!: string;

  @Field(() => String, { description: 'The asset’s code, e.g. `points`.' })
  asset!: string;

  @Field(() => PointsScalar, { description: 'What to add, or with a minus sign what to take; not zero.' })
  amount!: bigint;

  @Field(() => String, { description: 'Why; shown in the ledger. At most 500 characters.' })
  reason!: string;

  @Field(() => ReferenceInput, { nullable: true, description: 'What it refers to outside.' })
  reference?: ReferenceInput | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@ArgsType()
export class HoldArgs extends PageArgs {
  @Field(() => HoldStatus, { nullable: true, description: 'Only holds of this status.' })
  status?: HoldStatus | null;
}
