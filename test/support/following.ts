import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import type { Json, TestGateway } from './gateway.ts';

/** A subscription of a client of its own. */
export interface Following {
  /** The next result, as the gateway sent it. */
  result(): Promise<{ data?: Json; errors?: readonly Json[] }>;
  /** The next event of whichever stream is followed. */
  event(): Promise<Json>;
  stop(): Promise<void>;
}

/**
 * Follows with the client library that applications use; as the demo tenant's staff unless it is told
 * otherwise.
 */
export function follow(
  { url, demo }: Pick<TestGateway, 'url' | 'demo'>,
  request: { query: string; variables: Record<string, Json> },
  connectionParams: Record<string, unknown> = { 'x-api-key': demo.adminApiKey },
): Following {
  const client = createClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams,
    retryAttempts: 0,
  });
  const results = client.iterate<Json>(request);
  const result: Following['result'] = async () => {
    const { value, done } = await results.next();
    if (done === true) throw new Error('The subscription has ended.');
    return value;
  };
  return {
    result,
    event: async () => {
      const { data, errors } = await result();
      if (errors !== undefined) throw new Error(`Instead of an event came ${JSON.stringify(errors)}.`);
      return Object.values<Json>(data)[0];
    },
    stop: async () => {
      await results.return?.();
      await client.dispose();
    },
  };
}
