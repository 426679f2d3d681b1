import type { ServerResponse } from 'node:http';
import type { GraphQLFormattedError } from 'graphql';
import type { MaskedResult } from '../execute.ts';
import type { Authenticated, Credentials } from '../guard/index.ts';
import type { LiveStream, Sink } from './live-stream.ts';
import { Rendered } from './rendered.ts';
import { GOODBYE_MS, READ_REST_MS } from './socket.ts';
import { type HeldConnection, nextNumber } from './sweep.ts';

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Proxies that gather answers would hold events back.
  'x-accel-buffering': 'no',
};
const NEXT = Buffer.from('event: next\ndata: ');
const END = Buffer.from('\n\n');
const COMPLETE = 'event: complete\ndata:\n\n';
/** Says nothing to clients, and keeps proxies from taking the connection for idle. */
const COMMENT = ':\n\n';

/** One operation's results, as server-sent events on a response of their own. */
export class EventStream implements Sink, HeldConnection {
  readonly number = nextNumber();
  readonly authenticated: Authenticated;
  readonly credentials: Credentials | null;
  readonly #response: ServerResponse;
  #stream: LiveStream | null = null;

  constructor(response: ServerResponse, authenticated: Authenticated, credentials: Credentials) {
    this.#response = response;
    this.authenticated = authenticated;
    // A token says by itself until when it is good; an API key is looked up again.
    this.credentials = credentials.apiKey === undefined ? null : credentials;
    // Whoever breaks off in the middle is no fault of ours.
    response.on('error', () => response.destroy());
    response.once('close', () => this.#stream?.close());
  }

  get isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed;
  }

  get waiting(): number {
    return this.#response.writableLength;
  }

  /** The stream that tells it events, for as long as it is read. */
  follows(stream: LiveStream): void {
    this.#stream = stream;
    if (this.isOpen) this.#write(COMMENT);
    else stream.close();
  }

  next({ bytes }: Rendered): void {
    // JSON has no line breaks of its own.
    this.#write(Buffer.concat([NEXT, bytes, END]));
  }

  together(send: () => void): void {
    send();
  }

  taken(): Promise<void> {
    return new Promise((resolve) => {
      if (!this.isOpen) return resolve();
      this.#response.once('close', resolve);
      this.#response.write(COMMENT, () => {
        this.#response.off('close', resolve);
        resolve();
      });
    });
  }

  end(error: GraphQLFormattedError): void {
    this.complete({ errors: [error] });
  }

  tooSlow(): void {
    // Its end is told already, and this stream has nothing else to close.
  }

  /** Its last result. */
  complete(result: MaskedResult): void {
    this.next(new Rendered(result));
    this.#write(COMPLETE);
    this.#end(READ_REST_MS);
  }

  askForLife(): void {
    this.#write(COMMENT);
  }

  /** Ends it without a word that it is complete, so that its client comes again. */
  close(): void {
    this.#end(GOODBYE_MS);
  }

  /** Ends it, and cuts it off when the rest isn't read in time. */
  #end(withinMs: number): void {
    this.#response.end();
    this.#stream?.close();
    setTimeout(() => this.#response.destroy(), withinMs).unref();
  }

  #write(text: string | Buffer): void {
    if (!this.isOpen) return;
    if (!this.#response.headersSent) this.#response.writeHead(200, HEADERS);
    this.#response.write(text);
  }
}
