import { ObjectType } from 'type-graphql';
import { LedgerPayload } from './ledger.payloads.types.ts';

@ObjectType({ simpleResolvers: true, description: 'What `reverseOperation` answers.' })
export class ReverseOperationPayload extends LedgerPayload {}
