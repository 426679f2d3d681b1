import { Field, ID, InputType, Int } from 'type-graphql';
import { IdentityInput } from '../members/index.ts';
import {
  DateTimeScalar,
  DRY_RUN_DESCRIPTION,
  KEY_DESCRIPTION,
  MoneyInput,
  SourceInput,
} from '../shared/index.ts';

@InputType({ description: 'One line of an order.' })
export class OrderLineInput {
  @Field(() => String, { description: 'The article’s code; at most 100 characters.' })
  sku!: string;

  @Field(() => String, { nullable: true, description: 'Its category; at most 100 characters.' })
  category?: string | null;

  @Field(() => Int, { description: 'How many; at least 1.' })
  quantity!: number;

  @Field(() => MoneyInput, { description: 'What the line costs as a whole.' })
  amount!: MoneyInput;
}

@InputType({ description: 'An order of your shop.' })
export class OrderInput {
  @Field(() => String, {
    description: 'Its number: unique for the type of activity; at most 100 characters.',
  })
  number!: string;

  @Field(() => [OrderLineInput], {
    nullable: true,
    description: 'Its lines, at most 500; they add up to the amount.',
  })
  lines?: OrderLineInput[] | null;
}

@InputType({ description: 'What a member did.' })
export class RecordActivityInput {
  @Field(() => String, { description: KEY_DESCRIPTION })
  idempotencyKey!: string;

  @Field(() => ID, {
    nullable: true,
    description: 'The member, or name them by `identity`; a refund needs neither.',
  })
  memberId?: string | null;

  @Field(() => IdentityInput, {
    nullable: true,
    description: 'What finds the member, when you don’t know the id.',
  })
  identity?: IdentityInput | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Whether an unknown identity is enrolled at once; else it is refused.',
  })
  enrolIfUnknown?: boolean | null;

  @Field(() => String, { description: 'What it was: `purchase`, `sign_in`, or a code of your own.' })
  type!: string;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it happened; now when missing.' })
  occurredAt?: Date | null;

  @Field(() => MoneyInput, { nullable: true, description: 'What was paid.' })
  amount?: MoneyInput | null;

  @Field(() => OrderInput, {
    nullable: true,
    description: 'The order, for purchases; for a refund its number, and the lines that come back.',
  })
  order?: OrderInput | null;

  @Field(() => ID, {
    nullable: true,
    description:
      'For a refund: the activity that is taken back, or name it by `order.number`. What comes back is told by ' +
      '`order.lines` or by `amount`; all that is left when neither is sent.',
  })
  refundOf?: string | null;

  @Field(() => SourceInput, { nullable: true, description: 'Where it happened.' })
  source?: SourceInput | null;

  @Field(() => Boolean, { nullable: true, description: DRY_RUN_DESCRIPTION })
  dryRun?: boolean | null;
}
