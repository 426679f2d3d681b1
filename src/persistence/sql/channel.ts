import pg from 'pg';
import { statement } from './statement.ts';

const notify = statement('channel.notify', 'select pg_notify($1, $2)');

/** A notification writes nothing that would have to reach the disk. */
const OPTIONS = '-c synchronous_commit=off';

/** A connection that listens to a channel of the database, and notifies those who do. */
export interface Channel {
  /** @param payload less than 8,000 bytes */
  send(payload: string): Promise<void>;
  /** At once, whatever is under way. */
  close(): void;
}

export interface ChannelListener {
  heard(payload: string): void;
  lost(error: Error): void;
}

/** Connects and listens; rejects when it can't, or is told to stop. It belongs to no tenant. */
export async function openChannel(
  connectionString: string,
  channel: string,
  { heard, lost }: ChannelListener,
  stop: AbortSignal,
): Promise<Channel> {
  const client = new pg.Client({ connectionString, options: OPTIONS, keepAlive: true });
  // Not `end`, which waits for the server's farewell: it may be the network that is gone.
  const close = (): void => void client.connection.stream.destroy();
  stop.addEventListener('abort', close, { once: true });
  client.on('error', lost);
  client.on('end', () => lost(new Error('The connection was ended.')));
  client.on('notification', ({ payload = '' }) => heard(payload));
  try {
    await client.connect();
    await client.query(`listen ${pg.escapeIdentifier(channel)}`);
    stop.throwIfAborted();
  } catch (error) {
    close();
    throw error;
  } finally {
    stop.removeEventListener('abort', close);
  }
  return {
    send: async (payload) => void (await client.query({ ...notify, values: [channel, payload] })),
    close,
  };
}
