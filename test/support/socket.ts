import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';
import type { Answer, Json, TestGateway } from './gateway.ts';

const PROTOCOL = 'graphql-transport-ws';

/** A message of graphql-transport-ws. */
export interface Frame {
  readonly type: string;
  readonly id?: string;
  readonly payload?: Json;
}

/** How a server ended a socket. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** A WebSocket as it is on the wire: it sends whatever it is told to, and hands out what comes, in order. */
export class TestSocket {
  readonly closed: Promise<Closing>;
  readonly #socket: WebSocket;
  readonly #frames: Frame[] = [];
  readonly #waiting: { resolve(frame: Frame): void; reject(error: Error): void }[] = [];
  #closing: Closing | null = null;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      const frame = JSON.parse(String(data)) as Frame;
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#frames.push(frame);
      else waiting.resolve(frame);
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.#closing = { code, reason: String(reason) };
        for (const { reject } of this.#waiting.splice(0)) reject(this.#isClosed());
        resolve(this.#closing);
      });
    });
    // What follows an error is a close, and that is what is waited for.
    socket.on('error', () => undefined);
  }

  send(message: object | string): void {
    this.#socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** @throws Error when the socket is closed before a message comes */
  async next(): Promise<Frame> {
    const known = this.#frames.shift();
    if (known !== undefined) return known;
    if (this.#closing !== null) throw this.#isClosed();
    return await new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Stops reading: what is sent stays with the server, once the kernel holds no more. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Hangs up without a word. */
  terminate(): void {
    this.#socket.terminate();
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.closed;
  }

  #isClosed(): Error {
    return new Error(`The socket was closed: ${this.#closing?.code} ${this.#closing?.reason}`);
  }
}

/** A socket that has said nothing yet. */
export async function openSocket(
  { url }: Pick<TestGateway, 'url'>,
  options: ClientOptions = {},
): Promise<TestSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, PROTOCOL, options);
  const opened = new TestSocket(socket);
  await once(socket, 'open');
  return opened;
}

/** A socket whose caller was recognised; the demo tenant's staff unless the parameters say otherwise. */
export async function connectSocket(
  gateway: Pick<TestGateway, 'url' | 'demo'>,
  payload: Record<string, unknown> = { 'x-api-key': gateway.demo.adminApiKey },
): Promise<TestSocket> {
  const socket = await openSocket(gateway);
  socket.send({ type: 'connection_init', payload });
  const { type } = await socket.next();
  if (type !== 'connection_ack') throw new Error(`Instead of an acknowledgement came ${type}.`);
  return socket;
}

/**
 * One operation over a socket of its own, in the shape that one over HTTP answers.
 * @param payload JSON
 */
export async function askOverSocket(
  gateway: Pick<TestGateway, 'url' | 'demo'>,
  payload: string,
  parameters?: Record<string, unknown>,
): Promise<Pick<Answer, 'data' | 'errors'>> {
  const socket = await connectSocket(gateway, parameters);
  try {
    socket.send(`{"type":"subscribe","id":"one","payload":${payload}}`);
    const frame = await socket.next();
    if (frame.type === 'error') return { data: null, errors: frame.payload };
    const { data = null, errors = [] } = frame.payload as { data?: Json; errors?: Answer['errors'] };
    return { data, errors };
  } finally {
    await socket.close();
  }
}
