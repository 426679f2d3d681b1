export type { AskingParts } from './act-asking.ts';
export { findAskedMember } from './asked-member.repository.ts';
export { Entry } from './entry.entity.ts';
export { isBriefEntryPage } from './entry.lookahead.ts';
export { ExpiryTelling } from './expiry-telling.ts';
export { type ExtensionPosting, judgePostings, toMoments } from './extension-posting.policy.ts';
export { ExternalLedgerWriter } from './external-ledger-writer.ts';
export { Hold } from './hold.entity.ts';
export { HoldResolver } from './hold.resolver.ts';
export { HoldService } from './hold.service.ts';
export { feedCursor, feedPlace } from './ledger.cursors.ts';
export { Ledger } from './ledger.entity.ts';
export { ExplanationOutcome, OperationKind } from './ledger.enums.types.ts';
export { ledgerErrors } from './ledger.errors.ts';
export { createLedgerLoaders, type LedgerLoaders, type RecordSource } from './ledger.loaders.ts';
export { LedgerResolver } from './ledger.resolver.ts';
export { LedgerService } from './ledger.service.ts';
export { emptyLedger, ledgerAfter } from './ledger.snapshot.ts';
export { type EarnedByActivity, LedgerReads } from './ledger-read.repository.ts';
export {
  type LedgerWriter,
  ledgerKeyOf,
  type Measure,
  type Posted,
  type PostingContext,
  TransactionalLedgerWriter,
} from './ledger-writer.ts';
export { LimitingLedgerWriter } from './limiting-ledger-writer.ts';
export { Lot } from './lot.entity.ts';
export { MirrorService } from './mirror.service.ts';
export {
  Explanation,
  ExtensionReference,
  LedgerOperation,
  type StoredExplanation,
} from './operation.entity.ts';
export {
  EntryResolver,
  LedgerOperationResolver,
  LotResolver,
  toExplanation,
} from './operation.resolver.ts';
export type { Posting } from './posting.ts';
export { RecordResolver } from './record.resolver.ts';
export { toBalance } from './record-balance.ts';
export { RecordChange, RecordLane } from './record-change.entity.ts';
export { OperationRecordResolver, RecordChangeResolver } from './record-change.resolver.ts';
export { RecordChanges, type RecordChangesParts } from './record-changes.ts';
export { type LedgerRecord, RecordReading } from './record-reading.ts';
export { ReversalResolver } from './reversal.resolver.ts';
export { ReversalService } from './reversal.service.ts';
export { StoredValueResolver } from './stored-value.resolver.ts';
export { StoredValueService } from './stored-value.service.ts';
export { ToldPlace } from './told-place.entity.ts';
export { TransferResolver } from './transfer.resolver.ts';
export { TransferService } from './transfer.service.ts';
export { judgeTried } from './tried-answer.ts';
