export { readFeedEvents } from './feed-event.repository.ts';
export {
  ExtensionEventResolver,
  GrantEventResolver,
  MemberEventResolver,
  TierEventResolver,
} from './feed-event.resolver.ts';
export { FeedEventService } from './feed-event.service.ts';
export { LiveService } from './live.service.ts';
export { LiveFeed } from './live-feed.ts';
export { PointEventType } from './point-event.entity.ts';
export { pointEventTypeOf } from './point-event.policy.ts';
export { PointEventResolver } from './point-event.resolver.ts';
export { ProgramCursorResolver } from './program-cursor.resolver.ts';
