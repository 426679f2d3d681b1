import { openEventStream } from './event-streams.ts';
import type { Answer, TestGateway } from './gateway.ts';
import { askOverSocket } from './socket.ts';

/** An operation as a client sends it. */
export interface Sent {
  readonly query: string;
  readonly variables?: Record<string, unknown> | RawVariables;
  readonly operationName?: string;
}

/** Variables as text: nested so deeply that no client could write them down from a value. */
export class RawVariables {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** An operation on the wire. */
function toText({ variables, ...sent }: Sent): string {
  if (!(variables instanceof RawVariables)) return JSON.stringify({ ...sent, variables });
  return `${JSON.stringify(sent).slice(0, -1)},"variables":${variables.text}}`;
}

/** One way to the gateway: the guard is the same behind each of them. */
export interface Transport {
  readonly name: string;
  /** @param credentials as headers or as `connectionParams`; the demo tenant's staff when missing */
  send(
    gateway: TestGateway,
    sent: Sent,
    credentials?: Record<string, string>,
  ): Promise<Pick<Answer, 'data' | 'errors'>>;
}

export const transports: readonly Transport[] = [
  {
    name: 'HTTP',
    send: async ({ url, demo }, sent, credentials = { 'x-api-key': demo.adminApiKey }) => {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...credentials },
        body: toText(sent),
      });
      const { data = null, errors = [] } = (await response.json()) as Partial<Answer>;
      return { data, errors };
    },
  },
  {
    name: 'WebSocket',
    send: (gateway, sent, credentials) => askOverSocket(gateway, toText(sent), credentials),
  },
  {
    name: 'server-sent events',
    send: async (gateway, sent, credentials) => {
      const stream = await openEventStream(gateway, toText(sent), credentials);
      const answer = stream.status === 200 ? (await stream.next())?.data : JSON.parse(await stream.rest());
      stream.close();
      const { data = null, errors = [] } = answer as Partial<Answer>;
      return { data, errors };
    },
  },
];
