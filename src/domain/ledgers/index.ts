export { Entry } from './entry.entity.ts';
export { Hold } from './hold.entity.ts';
export { feedCursor, feedPlace } from './ledger.cursors.ts';
export { Ledger } from './ledger.entity.ts';
export { ExplanationOutcome, OperationKind } from './ledger.enums.types.ts';
export { ledgerErrors } from './ledger.errors.ts';
export { createLedgerLoaders, type LedgerLoaders } from './ledger.loaders.ts';
export { LedgerResolver } from './ledger.resolver.ts';
export { LedgerService, membersOf, type PostingListener } from './ledger.service.ts';
export { emptyLedger, ledgerAfter } from './ledger.snapshot.ts';
export { type EarnedByActivity, LedgerReads } from './ledger-read.repository.ts';
export {
  type LedgerWriter,
  ledgerKeyOf,
  type Measure,
  type Posted,
  type PostingContext,
  postWhenKnown,
  TransactionalLedgerWriter,
} from './ledger-writer.ts';
export { Lot } from './lot.entity.ts';
export { Explanation, LedgerOperation, type StoredExplanation } from './operation.entity.ts';
export {
  EntryResolver,
  HoldResolver,
  LedgerOperationResolver,
  LotResolver,
  toExplanation,
} from './operation.resolver.ts';
export type { Posting } from './posting.ts';
