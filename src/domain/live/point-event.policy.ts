import { type Entry, feedCursor, ledgerAfter, OperationKind } from '../ledgers/index.ts';
import { type PointEvent, PointEventType } from './point-event.entity.ts';

const TYPES: Record<OperationKind, PointEventType> = {
  EARN: PointEventType.EARNED,
  REDEEM: PointEventType.REDEEMED,
  HOLD: PointEventType.HELD,
  CAPTURE: PointEventType.CAPTURED,
  RELEASE: PointEventType.RELEASED,
  MATURE: PointEventType.MATURED,
  EXPIRE: PointEventType.EXPIRED,
  REVERSE: PointEventType.REVERSED,
  TRANSFER: PointEventType.TRANSFERRED_IN,
  ADJUST: PointEventType.ADJUSTED,
  MERGE: PointEventType.MERGED,
};

/** What an entry is told as. */
export function pointEventTypeOf(entry: Pick<Entry, 'kind' | 'amount' | 'pendingDelta'>): PointEventType {
  if (entry.kind === OperationKind.EARN && entry.pendingDelta > 0n) return PointEventType.PENDING;
  if (entry.kind === OperationKind.TRANSFER && entry.amount < 0n) return PointEventType.TRANSFERRED_OUT;
  return TYPES[entry.kind];
}

/** What subscribers hear about an entry. */
export function toPointEvent(entry: Entry): PointEvent {
  return {
    cursor: feedCursor(entry.tenantKey, entry.feedPosition),
    type: pointEventTypeOf(entry),
    occurredAt: entry.occurredAt,
    entry,
    ledger: ledgerAfter(entry),
    nudge: null,
  };
}
