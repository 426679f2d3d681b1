import { Field, ID, InputType } from 'type-graphql';
import {
  DateTimeScalar,
  DRY_RUN_DESCRIPTION,
  DurationScalar,
  KEY_DESCRIPTION,
  PointsScalar,
} from '../shared/index.ts';
import { ReferenceInput } from './ledger.inputs.ts';

@InputType({ description: 'A reservation of points, to be captured or released.' })
export class HoldPointsInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The member whose points are reserved.' })
  memberId!: string;

  @Field(() => String, { description: 'The asset’s code, e.g. `points`.' })
  asset!: string;

  @Field(() => PointsScalar, { description: 'How much; above zero, and at most what is available.' })
  amount!: bigint;

  @Field(() => DurationScalar, {
    nullable: true,
    description: 'How long it lasts, e.g. `PT15M`; then it is released by itself. Not with `expiresAt`.',
  })
  expiresIn?: string | null;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When it is released by itself; never when both are missing. Not with `expiresIn`.',
  })
  expiresAt?: Date | null;

  @Field(() => String, { nullable: true, description: 'Why; shown in the ledger. At most 500 characters.' })
  reason?: string | null;

  @Field(() => ReferenceInput, { nullable: true, description: 'What it refers to outside, e.g. a cart.' })
  reference?: ReferenceInput | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'A spend of what a hold has reserved.' })
export class CaptureHoldInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The hold.' })
  holdId!: string;

  @Field(() => PointsScalar, {
    nullable: true,
    description: 'How much; above zero, and at most what the hold has left. All of it when missing.',
  })
  amount?: bigint | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether what is left then is released at once; if not, it can be captured later.',
  })
  final?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}

@InputType({ description: 'A hold that is given up.' })
export class ReleaseHoldInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The hold.' })
  holdId!: string;

  @Field(() => String, { nullable: true, description: 'Why; shown in the ledger. At most 500 characters.' })
  reason?: string | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}
