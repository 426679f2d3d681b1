import { Field, Int, ObjectType } from 'type-graphql';
import { UserError } from '../shared/index.ts';
import { Ledger } from './ledger.entity.ts';
import { LedgerOperation } from './operation.entity.ts';

@ObjectType({ simpleResolvers: true, description: 'What mutations of one ledger answer.' })
export abstract class LedgerPayload {
  @Field(() => LedgerOperation, { nullable: true, description: 'The operation; null when it was refused.' })
  operation!: LedgerOperation | null;

  @Field(() => Ledger, {
    nullable: true,
    description: 'The ledger as the operation left it; null when it was refused.',
  })
  ledger!: Ledger | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: 'What `earnPoints` answers.' })
export class EarnPointsPayload extends LedgerPayload {}

@ObjectType({ simpleResolvers: true, description: 'What became of one item of a batch.' })
export class EarnPointsResult {
  @Field(() => LedgerOperation, { nullable: true, description: 'The operation; null when it was refused.' })
  operation!: LedgerOperation | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}

@ObjectType({ simpleResolvers: true, description: 'What `earnPointsBatch` answers.' })
export class EarnPointsBatchPayload {
  @Field(() => [EarnPointsResult], { description: 'One for each item, in the order of the items.' })
  results!: EarnPointsResult[];

  @Field(() => Int, { description: 'How many were done, now or when their keys were first sent.' })
  succeeded!: number;

  @Field(() => Int, { description: 'How many were refused.' })
  failed!: number;
}

@ObjectType({ simpleResolvers: true, description: 'What `redeemPoints` answers.' })
export class RedeemPointsPayload extends LedgerPayload {}

@ObjectType({ simpleResolvers: true, description: 'What `adjustPoints` answers.' })
export class AdjustPointsPayload extends LedgerPayload {}
