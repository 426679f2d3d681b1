export { FeedWatcher } from './feed-watcher.ts';
