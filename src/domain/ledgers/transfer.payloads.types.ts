import { Field, ObjectType } from 'type-graphql';
import { UserError } from '../shared/index.ts';
import { LedgerOperation } from './operation.entity.ts';

@ObjectType({ simpleResolvers: true, description: 'What `transferPoints` answers.' })
export class TransferPointsPayload {
  @Field(() => LedgerOperation, {
    nullable: true,
    description: 'The operation, with an entry in each of the two ledgers; null when it was refused.',
  })
  operation!: LedgerOperation | null;

  @Field(() => [UserError], { description: 'Why it was refused; empty when it was done.' })
  userErrors!: UserError[];
}
