export { EventUpkeep } from './event-upkeep.ts';
export {
  type EventStream,
  type EventTypes,
  type FeedItem,
  type FeedListener,
  type FeedPage,
  type FeedRange,
  type FeedReads,
  type Following,
  STREAMS,
  type Stream,
} from './feed.ts';
export { StoredFeedEvent } from './feed-event.entity.ts';
export { emitEvents, type FeedEvent, findEventsFrom } from './feed-event.repository.ts';
export { FeedTail, FeedTails } from './feed-tail.ts';
export { FeedWatcher, type Wakeups } from './feed-watcher.ts';
export { type Follower, follow } from './follow.ts';
export { KeptEvents } from './kept-events.ts';
export { openBus } from './open-bus.ts';
