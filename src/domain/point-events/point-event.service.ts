import type { FeedWatcher } from '../../events/index.ts';
import { RequestFault } from '../../kernel/errors.ts';
import { fromPublicId } from '../../kernel/ids.ts';
import { mayActOn, type RequestContext } from '../../kernel/request-context.ts';
import type { Database } from '../../persistence/index.ts';
import {
  type Entry,
  feedCursor,
  feedPlace,
  LedgerReads,
  ledgerAfter,
  OperationKind,
} from '../ledgers/index.ts';
import { type PointEvent, PointEventType } from './point-event.entity.ts';

const ENTRIES_A_READ = 200;

export interface PointEventsRequest {
  readonly memberId: string;
  readonly asset: string | null;
  /** Any event's cursor or a ledger's `eventCursor`; from the moment of subscribing when null. */
  readonly after: string | null;
}

/** Live events of ledgers: read from the entries, woken by the feed. */
export class PointEventService {
  readonly #database: Database;
  readonly #watcher: FeedWatcher;

  constructor(database: Database, watcher: FeedWatcher) {
    this.#database = database;
    this.#watcher = watcher;
  }

  /**
   * A member's events, in commit order, without an end.
   * @throws RequestFault NOT_FOUND for a member who isn't there or isn't the caller; CURSOR_INVALID
   */
  async follow(ctx: RequestContext, request: PointEventsRequest): Promise<AsyncIterableIterator<PointEvent>> {
    const memberKey = fromPublicId('member', request.memberId);
    if (memberKey === null || !mayActOn(ctx, memberKey))
      throw new RequestFault('NOT_FOUND', { field: ['memberId'] });
    const reads = new LedgerReads(this.#database.read(ctx.tenantKey), ctx.tenantKey);
    if (!(await reads.memberExists(memberKey))) throw new RequestFault('NOT_FOUND', { field: ['memberId'] });
    // Listening begins before the position is read, so that nothing falls in between.
    const wakeups = this.#watcher.listen(ctx.tenantKey, memberKey);
    try {
      const from =
        request.after === null ? await reads.feedPosition() : feedPlace(ctx.tenantKey, request.after);
      const events = eventsAfter(reads, memberKey, request.asset, from, () => wakeups.next());
      return closing(events, () => wakeups.close());
    } catch (error) {
      wakeups.close();
      throw error;
    }
  }
}

async function* eventsAfter(
  reads: LedgerReads,
  memberKey: string,
  asset: string | null,
  from: bigint,
  moreComes: () => Promise<boolean>,
): AsyncGenerator<PointEvent, undefined> {
  let position = from;
  do {
    for (;;) {
      const entries = await reads.entriesAfter(memberKey, asset, position, ENTRIES_A_READ);
      for (const entry of entries) {
        position = entry.feedPosition;
        yield toPointEvent(entry);
      }
      if (entries.length < ENTRIES_A_READ) break;
    }
  } while (await moreComes());
}

/** A generator whose end doesn't wait for the next event. */
function closing<Value>(
  events: AsyncGenerator<Value, undefined>,
  close: () => void,
): AsyncIterableIterator<Value> {
  return {
    next: () => events.next(),
    return: () => {
      close();
      return events.return(undefined);
    },
    throw: (error: unknown) => {
      close();
      return events.throw(error);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

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

function typeOf(entry: Entry): PointEventType {
  if (entry.kind === OperationKind.EARN && entry.pendingDelta > 0n) return PointEventType.PENDING;
  if (entry.kind === OperationKind.TRANSFER && entry.amount < 0n) return PointEventType.TRANSFERRED_OUT;
  return TYPES[entry.kind];
}

function toPointEvent(entry: Entry): PointEvent {
  return {
    cursor: feedCursor(entry.tenantKey, entry.feedPosition),
    type: typeOf(entry),
    occurredAt: entry.occurredAt,
    entry,
    ledger: ledgerAfter(entry),
    nudge: null,
  };
}
