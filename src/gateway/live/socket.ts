import type { Duplex } from 'node:stream';
import type { GraphQLFormattedError } from 'graphql';
import type { WebSocket } from 'ws';
import type { Language } from '../../kernel/errors.ts';
import type { Authenticated, Credentials } from '../guard/index.ts';
import { ToldError } from '../refuse.ts';
import { frameOf } from './frame.ts';
import type { LiveStream, Sink } from './live-stream.ts';
import type { Rendered } from './rendered.ts';
import { type HeldConnection, nextNumber, RETRY_ELSEWHERE } from './sweep.ts';

/** How long a connection may take to say goodbye. */
export const GOODBYE_MS = 2_000;
/** How long one that was too slow may take to read the rest, and why it ends. */
export const READ_REST_MS = 10_000;

/** What the gateway remembers of one open socket. */
export class LiveSocket implements HeldConnection {
  readonly socket: WebSocket;
  readonly number = nextNumber();
  authenticated: Authenticated | null = null;
  credentials: Credentials | null = null;
  language: Language = 'en';
  /** Whether it has answered since it was asked last. */
  isAlive = true;
  /** Once it is closed, if it was ever acknowledged. */
  onLeft: (() => void) | null = null;

  readonly #wire: Duplex;

  /** @param wire what the socket writes to */
  constructor(socket: WebSocket, wire: Duplex) {
    this.socket = socket;
    this.#wire = wire;
  }

  /** @param frame a whole one: nothing else is being written, since messages are never compressed */
  write(frame: Buffer): void {
    if (this.isOpen) this.#wire.write(frame);
  }

  together(send: () => void): void {
    this.#wire.cork();
    send();
    this.#wire.uncork();
  }

  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }

  askForLife(): void {
    if (this.isAlive) {
      this.isAlive = false;
      this.socket.ping();
    } else this.socket.terminate();
  }

  /** Closes it, and cuts it off when the other side doesn't answer. */
  close(code: number, reason: string, withinMs = GOODBYE_MS): void {
    this.socket.close(code, reason);
    setTimeout(() => this.socket.terminate(), withinMs).unref();
  }
}

/** One operation's events, as messages of a socket. */
export class SocketSink implements Sink {
  readonly #socket: LiveSocket;
  /** What each message begins with. */
  readonly #prefix: Buffer;
  readonly #onEnd: (error: Error) => void;

  constructor(socket: LiveSocket, id: string, onEnd: (error: Error) => void) {
    this.#socket = socket;
    this.#prefix = Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`);
    this.#onEnd = onEnd;
  }

  get waiting(): number {
    return this.#socket.socket.bufferedAmount;
  }

  next(rendered: Rendered): void {
    this.#socket.write(frameOf(rendered, this.#prefix));
  }

  together(send: () => void): void {
    this.#socket.together(send);
  }

  taken(): Promise<void> {
    const { socket } = this.#socket;
    // A ping is written behind all that waits.
    return new Promise((resolve) => {
      if (!this.#socket.isOpen) return resolve();
      socket.ping('', false, () => {
        // Whoever reads, though slowly, is there.
        this.#socket.isAlive = true;
        resolve();
      });
    });
  }

  end(error: GraphQLFormattedError): void {
    this.#onEnd(new ToldError(error));
  }

  tooSlow(): void {
    // What was sent is let through for a moment, so that the client learns why.
    setImmediate(() => this.#socket.close(RETRY_ELSEWHERE.later, 'Too slow', READ_REST_MS));
  }
}

/**
 * What a subscription's protocol handler goes through: it yields nothing, since events are sent past it, and
 * ends with its stream.
 */
export class HeldOpen implements AsyncIterableIterator<never> {
  stream: LiveStream | null = null;
  readonly #ended: Promise<IteratorResult<never>>;
  #reject: (error: Error) => void = () => undefined;
  isGone = false;

  constructor() {
    this.#ended = new Promise((_, reject) => {
      this.#reject = reject;
    });
    // It may fail before anybody asks.
    this.#ended.catch(() => undefined);
  }

  next(): Promise<IteratorResult<never>> {
    return this.#ended;
  }

  fail(error: Error): void {
    this.#reject(error);
  }

  /** The client has completed it, or has gone: nobody is told of an end, and another may have its id. */
  async return(): Promise<IteratorResult<never>> {
    this.isGone = true;
    this.stream?.close();
    return { done: true, value: undefined };
  }

  async throw(error: Error): Promise<IteratorResult<never>> {
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
