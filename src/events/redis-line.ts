import { createClient } from 'redis';
import type { Line, LineListener } from './bus.ts';

const CHANNEL = 'membergraph:feed';

/** Redis's pub/sub: one connection that listens, and one that sends. */
export async function openRedisLine(
  url: string,
  { heard, lost }: LineListener,
  stop: AbortSignal,
): Promise<Line> {
  // The bus itself connects again, in one way for all that it runs over.
  const sender = createClient({ url, disableOfflineQueue: true, socket: { reconnectStrategy: false } });
  const hearer = sender.duplicate();
  const both = [sender, hearer];
  const close = (): void => {
    for (const client of both) if (client.isOpen) client.destroy();
  };
  stop.addEventListener('abort', close, { once: true });
  try {
    for (const client of both) client.on('error', lost);
    await Promise.all(both.map((client) => client.connect()));
    await hearer.subscribe(CHANNEL, heard);
    stop.throwIfAborted();
  } catch (error) {
    close();
    throw error;
  } finally {
    stop.removeEventListener('abort', close);
  }
  return { send: async (payload) => void (await sender.publish(CHANNEL, payload)), close };
}
