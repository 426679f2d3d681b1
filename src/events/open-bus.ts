import type { Database } from '../persistence/index.ts';
import { type Bus, type BusListener, inProcessBus, LineBus } from './bus.ts';
import { openRedisLine } from './redis-line.ts';

const CHANNEL = 'membergraph_feed';

/** What carries hints of what was committed. */
export type BusChoice =
  | { readonly over: 'in-process' | 'postgres' }
  | { readonly over: 'redis'; readonly url: string };

/** The bus that the settings ask for; it connects by itself, now or when it can. */
export function openBus(
  choice: BusChoice,
  database: Pick<Database, 'openChannel'>,
  listener: BusListener,
): Bus {
  switch (choice.over) {
    case 'in-process':
      return inProcessBus;
    case 'postgres':
      // On a connection of its own: NOTIFY comes behind the commits, never within a posting.
      return new LineBus((hearing, stop) => database.openChannel(CHANNEL, hearing, stop), listener);
    case 'redis':
      return new LineBus((hearing, stop) => openRedisLine(choice.url, hearing, stop), listener);
  }
}
