import { Field, Int, ObjectType } from 'type-graphql';
import { UserError } from '../shared/index.ts';
import { LedgerOperation } from './operation.entity.ts';

@ObjectType({ simpleResolvers: true, description: 'What became of one change that was to be mirrored.' })
export class MirrorEntryResult {
  @Field(() => LedgerOperation, { nullable: true, description: 'The operation; null when it was refused.' })
  operation!: LedgerOperation | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was mirrored.' })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: 'What `mirrorEntries` answers.' })
export class MirrorEntriesPayload {
  @Field(() => [MirrorEntryResult], { description: 'One for each item, in the order of the items.' })
  results!: MirrorEntryResult[];

  @Field(() => Int, { description: 'How many were mirrored, now or when their keys were first sent.' })
  succeeded!: number;

  @Field(() => Int, { description: 'How many were refused.' })
  failed!: number;
}
