import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Json, TestGateway } from './gateway.ts';

/** A stream of server-sent events as it is on the wire. */
export class TestEventStream {
  readonly response: IncomingMessage;
  readonly #request: ClientRequest;
  readonly #received: AsyncIterator<string>;
  #text = '';

  constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#request = sent;
    this.response = response;
    response.setEncoding('utf8');
    this.#received = response[Symbol.asyncIterator]() as AsyncIterator<string>;
  }

  get status(): number {
    return this.response.statusCode ?? 0;
  }

  /** All that comes until it ends, or is cut. */
  async rest(): Promise<string> {
    while (await this.#more());
    return this.#text;
  }

  /** The next event, but for comments; null where the stream ends without one. */
  async next(): Promise<{ event: string; data: Json } | null> {
    for (;;) {
      const end = this.#text.indexOf('\n\n');
      if (end !== -1) {
        const message = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        const [, event, data = ''] = /^event: (\w+)\ndata:(.*)$/.exec(message) ?? [];
        if (event !== undefined) return { event, data: data === '' ? null : JSON.parse(data) };
      } else if (!(await this.#more())) return null;
    }
  }

  close(): void {
    this.#request.destroy();
  }

  async #more(): Promise<boolean> {
    try {
      const { value, done } = await this.#received.next();
      if (done !== true) this.#text += value;
      return done !== true;
    } catch {
      return false;
    }
  }
}

/** Asks for a stream; as the demo tenant's staff unless headers say otherwise. */
export function openEventStream(
  { url, demo }: Pick<TestGateway, 'url' | 'demo'>,
  payload: object | string,
  headers: Record<string, string> = { 'x-api-key': demo.adminApiKey },
  method = 'POST',
): Promise<TestEventStream> {
  return new Promise((resolve, reject) => {
    const sent = request(`${url}/graphql/stream`, {
      method,
      agent: false,
      headers: { accept: 'text/event-stream', 'content-type': 'application/json', ...headers },
    });
    sent.once('response', (response) => resolve(new TestEventStream(sent, response)));
    sent.once('error', reject);
    if (method === 'POST') sent.end(typeof payload === 'string' ? payload : JSON.stringify(payload));
    else sent.end();
  });
}
