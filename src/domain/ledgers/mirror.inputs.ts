import { Field, ID, InputType } from 'type-graphql';
import { DateTimeScalar, DRY_RUN_DESCRIPTION, PointsScalar } from '../shared/index.ts';
import { ReferenceInput } from './ledger.inputs.ts';

@InputType({ description: 'What changed in the system that keeps the record of an asset.' })
export class MirrorEntryItem {
  @Field(() => String, {
    description:
      'The other system’s own number of the change, so that it is mirrored once however often it is sent; at most 200 characters, and none of your other keys.',
  })
  idempotencyKey!: string;

  @Field(() => ID, { description: 'The member whose balance it changed.' })
  memberId!: string;

  @Field(() => String, { description: 'The asset’s code; its record is EXTERNAL in the program.' })
  asset!: string;

  @Field(() => PointsScalar, {
    description: 'What it added, or with a minus sign what it took; not zero.',
  })
  amount!: bigint;

  @Field(() => DateTimeScalar, {
    nullable: true,
    description: 'When it happened there; now when missing. At most 5 minutes ahead.',
  })
  occurredAt?: Date | null;

  @Field(() => String, { nullable: true, description: 'Why; shown in the ledger. At most 500 characters.' })
  reason?: string | null;

  @Field(() => ReferenceInput, { nullable: true, description: 'What it refers to there.' })
  reference?: ReferenceInput | null;
}

@InputType({ description: 'Changes that another system made; each is mirrored or refused by itself.' })
export class MirrorEntriesInput {
  @Field(() => [MirrorEntryItem], {
    description: '1 to 1,000 changes, mirrored in this order within a ledger.',
  })
  items!: MirrorEntryItem[];

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}
