import type { FeedItem, Following } from '../../events/index.ts';
import type { RequestContext } from '../../kernel/request-context.ts';
import type { Database } from '../../persistence/index.ts';
import { feedCursor, LedgerReads } from '../ledgers/index.ts';
import { followedMember, placeOf } from './following.ts';
import type { PointEvent, PointEventType } from './point-event.entity.ts';

/** Which of a tenant's point events are told; all of them where a list is missing. */
export interface PointFilter {
  readonly assets?: readonly string[] | null;
  readonly types?: readonly PointEventType[] | null;
}

/** Says who may follow what, and from where; telling it is the gateway's. */
export class LiveService {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * A member's point events, of one asset or of all.
   * @throws RequestFault NOT_FOUND for a member who isn't there or isn't the caller; CURSOR_INVALID
   */
  async memberPoints(
    ctx: RequestContext,
    { memberId, asset, after }: { memberId: string; asset?: string | null; after?: string | null },
  ): Promise<Following> {
    const memberKey = await followedMember(this.#database, ctx, memberId);
    return pointsOf(ctx, memberKey, { assets: asset == null ? null : [asset] }, after);
  }

  /**
   * Every member's point events.
   * @throws RequestFault CURSOR_INVALID
   */
  programPoints(
    ctx: RequestContext,
    { after, filter }: { after?: string | null; filter?: PointFilter | null },
  ): Following {
    return pointsOf(ctx, null, filter ?? {}, after);
  }

  /** The place of what was committed last. */
  async cursorNow({ tenantKey }: RequestContext): Promise<string> {
    const reads = new LedgerReads(this.#database.read(tenantKey), tenantKey);
    return feedCursor(tenantKey, await reads.feedPosition());
  }
}

function pointsOf(
  { tenantKey }: RequestContext,
  memberKey: string | null,
  { assets, types }: PointFilter,
  after: string | null | undefined,
): Following {
  const accepts = ({ event }: FeedItem): boolean => {
    const { type, ledger } = event as PointEvent;
    return (assets?.includes(ledger.assetCode) ?? true) && (types?.includes(type) ?? true);
  };
  return { tenantKey, stream: 'points', memberKey, accepts, after: placeOf(tenantKey, after) };
}
