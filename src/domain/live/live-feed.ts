import {
  type FeedItem,
  type FeedPage,
  type FeedRange,
  type FeedReads,
  findEventsFrom,
} from '../../events/index.ts';
import { RequestFault } from '../../kernel/errors.ts';
import type { Database } from '../../persistence/index.ts';
import { LedgerReads } from '../ledgers/index.ts';
import { readFeedEvents } from './feed-event.repository.ts';
import type { PointEvent } from './point-event.entity.ts';
import { toPointEvent } from './point-event.policy.ts';

/** What a tenant's feed holds, as streams tell it. */
export class LiveFeed implements FeedReads {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  position(tenantKey: string): Promise<bigint> {
    return this.#readsOf(tenantKey).feedPosition();
  }

  /**
   * What lies in a range.
   * @throws RequestFault CURSOR_EXPIRED where events of a stream that lay there were forgotten
   */
  async read(tenantKey: string, range: FeedRange): Promise<FeedPage> {
    const { after, limit } = range;
    // The position first, by itself: what is up to it is committed, so what is read then sees all of it.
    const position = await this.#readsOf(tenantKey).feedPosition();
    if (position <= after) return { items: [], upTo: after };
    const read = await Promise.all([this.#entries(tenantKey, range), this.#events(tenantKey, range)]);
    // Behind the end of a full page there may be more of its kind.
    const ends = read.flatMap((items) => (items.length < limit ? [] : (items.at(-1)?.position ?? [])));
    const upTo = ends.reduce((first, end) => (end < first ? end : first), position);
    const items = read.flat().filter((item) => item.position <= upTo);
    return { items: items.sort((one, other) => (one.position < other.position ? -1 : 1)), upTo };
  }

  async #entries(tenantKey: string, { after, limit, stream, memberKey }: FeedRange): Promise<FeedItem[]> {
    if (stream !== null && stream !== 'points') return [];
    const entries = await this.#readsOf(tenantKey).entriesAfter(memberKey, after, limit);
    return entries.map((entry): FeedItem<PointEvent> => {
      const { feedPosition: position, memberKey: member } = entry;
      return { position, stream: 'points', memberKey: member, event: toPointEvent(entry) };
    });
  }

  async #events(tenantKey: string, range: FeedRange): Promise<FeedItem[]> {
    const { after, stream } = range;
    if (stream === 'points') return [];
    const sql = this.#database.read(tenantKey);
    // Looked at behind the events: what was forgotten meanwhile is noticed.
    const [items, eventsFrom] = await Promise.all([
      readFeedEvents(sql, tenantKey, range),
      stream === null ? 0n : findEventsFrom(sql, tenantKey),
    ]);
    if (after < eventsFrom) throw new RequestFault('CURSOR_EXPIRED', { field: ['after'] });
    return items;
  }

  #readsOf(tenantKey: string): LedgerReads {
    return new LedgerReads(this.#database.read(tenantKey), tenantKey);
  }
}
