import { RequestFault } from '../kernel/errors.ts';
import type { FeedItem, Following } from './feed.ts';
import type { FeedTail, FeedTails } from './feed-tail.ts';

/** Whom a following is told to. */
export interface Follower {
  /** An item that it missed, in order; the next one comes when it has been taken. */
  caughtUp(item: FeedItem): Promise<void> | void;
  /**
   * Nothing up to this position is missing. In the same turn of the event loop it has to begin to listen to
   * the tail, and no item falls in between.
   */
  joined(tail: FeedTail, position: bigint): void;
  /** It is of no use any more: whatever is under way for it stops. */
  readonly closed: boolean;
}

/**
 * Tells a follower what it missed, from the tail's memory where that reaches back far enough and from the
 * database where it doesn't, each item when the one before has been taken; then lets it join those who hear
 * what comes. Answers how to let go of the tail.
 * @throws RequestFault CURSOR_INVALID for a place that the feed hasn't reached
 */
export async function follow(
  tails: FeedTails,
  following: Following,
  follower: Follower,
): Promise<() => void> {
  const { tail, release } = await tails.hold(following.tenantKey);
  try {
    let place = following.after ?? (await tails.positionNow(following.tenantKey));
    // Another gateway may be ahead of this one, but a database that was restored is behind its cursors.
    if (place > tail.position && place > (await tails.positionNow(following.tenantKey))) {
      throw new RequestFault('CURSOR_INVALID', { field: ['after'] });
    }
    while (!follower.closed) {
      if (!tail.remembers(place)) {
        const { items, upTo } = await tails.history(following, place);
        for (const item of items) {
          if (follower.closed) break;
          if (following.accepts(item)) await follower.caughtUp(item);
        }
        place = upTo;
        continue;
      }
      const item = tail.next(place);
      if (item === undefined) {
        if (tail.failure !== undefined) throw tail.failure;
        follower.joined(tail, place > tail.position ? place : tail.position);
        break;
      }
      place = item.position;
      if (!concerns(following, item)) continue;
      const taken = follower.caughtUp(item);
      if (taken !== undefined) await taken;
    }
    return release;
  } catch (error) {
    release();
    throw error;
  }
}

function concerns({ stream, memberKey, accepts }: Following, item: FeedItem): boolean {
  return item.stream === stream && (memberKey === null || item.memberKey === memberKey) && accepts(item);
}
