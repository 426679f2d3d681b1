export { FeedWatcher, type Wakeups } from './feed-watcher.ts';
