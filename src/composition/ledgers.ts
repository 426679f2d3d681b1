import {
  ExternalLedgerWriter,
  type LedgerWriter,
  LimitingLedgerWriter,
  RecordChanges,
  type RecordChangesParts,
  TransactionalLedgerWriter,
} from '../domain/ledgers/index.ts';
import { type TierTracker, TrackingLedgerWriter } from '../domain/tiers/index.ts';
import type { Foundation } from './foundation.ts';

/** The only way to change a balance, with all that watches it. */
export function ledgerWriterOf(tiers: TierTracker): LedgerWriter {
  const counting = new TrackingLedgerWriter(new TransactionalLedgerWriter(), tiers);
  return new ExternalLedgerWriter(new LimitingLedgerWriter(counting));
}

/** What asks the systems that keep records elsewhere. */
export function recordsOf({ logger }: Foundation, parts: Omit<RecordChangesParts, 'onError'>): RecordChanges {
  return new RecordChanges({
    ...parts,
    onError: (error) =>
      logger.error({ err: error }, 'a record elsewhere was not changed; that is tried again'),
  });
}
