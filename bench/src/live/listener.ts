import { randomBytes, randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { ListenerOptions } from './orders.ts';

const TEXT = 0x1;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;
const LARGEST_READ = 64 * 1_024;
/** As much of a message as names its type and shows whether it has data. */
const HEAD_BYTES = 160;
/** Client addresses, so that there are ports enough for whoever comes back. */
const LOOPBACKS = 8;

/** One for all sockets: what is read is looked at before the next read begins. */
const READ_INTO = Buffer.alloc(LARGEST_READ);

/** Where a listener is, and what it wants. */
export interface Place {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly query: string;
  /** It reads nothing once it has subscribed. */
  readonly stalls: boolean;
}

/** What a listener tells its crowd. */
export interface Hearer {
  /** It is connected, and has sent its subscription. */
  subscribed(listener: Listener): void;
  /** An event: the message is between these two places; the buffer is used again afterwards. */
  heard(listener: Listener, buffer: Buffer, start: number, end: number): void;
  /** The socket or the stream ended, though nobody here ended it. */
  failed(listener: Listener, why: string): void;
}

/**
 * A subscriber over graphql-transport-ws on a bare TCP socket, with as much of WebSocket as is sent here. A
 * real client would take longer over a message than a gateway that sends it, and would be what is measured.
 */
export class Listener {
  readonly index: number;
  /** The last cursor that it heard. */
  cursor: string | null;
  messages = 0;
  readonly texts: string[] = [];
  readonly #options: ListenerOptions;
  readonly #hearer: Hearer;
  readonly #place: Place;
  /** As long as those of real clients. */
  readonly #id = randomUUID();
  #socket: Socket | null = null;
  #upgraded = false;
  #rest: Buffer | null = null;

  constructor(index: number, place: Place, options: ListenerOptions, after: string | null, hearer: Hearer) {
    this.index = index;
    this.cursor = after;
    this.#place = place;
    this.#options = options;
    this.#hearer = hearer;
  }

  open(): void {
    const { host, port, path } = this.#place;
    this.#upgraded = false;
    this.#rest = null;
    const socket = connect({
      ...{ host, port, noDelay: true, localAddress: `127.0.0.${1 + (this.index % LOOPBACKS)}` },
      onread: {
        buffer: READ_INTO,
        callback: (length) => {
          if (this.#socket === socket) this.#read(length);
          return true;
        },
      },
    });
    this.#socket = socket;
    socket.on('error', (error) => this.#fail(socket, error.message));
    socket.on('close', () => this.#fail(socket, 'the socket was closed'));
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n` +
        'Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n',
    );
  }

  /** Hangs up, without a word. */
  cut(): void {
    const socket = this.#socket;
    this.#socket = null;
    socket?.destroy();
  }

  #fail(socket: Socket, why: string): void {
    if (this.#socket !== socket) return;
    this.cut();
    this.#hearer.failed(this, why);
  }

  #read(length: number): void {
    const rest = this.#rest;
    this.#rest = null;
    const data = rest === null ? READ_INTO : Buffer.concat([rest, READ_INTO.subarray(0, length)]);
    const end = rest === null ? length : data.length;
    let at = 0;
    if (!this.#upgraded) {
      const head = data.toString('latin1', 0, end);
      const headEnd = head.indexOf('\r\n\r\n');
      if (headEnd === -1) {
        this.#keep(data, 0, end);
        return;
      }
      if (!head.startsWith('HTTP/1.1 101 ')) {
        this.#failNow(head.split('\r\n', 1)[0] ?? head);
        return;
      }
      this.#upgraded = true;
      at = headEnd + 4;
      this.#send({ type: 'connection_init', payload: this.#options.credentials });
    }
    while (at < end) {
      const next = this.#frame(data, at, end);
      if (next === null) {
        this.#keep(data, at, end);
        return;
      }
      at = next;
    }
  }

  #keep(data: Buffer, from: number, end: number): void {
    this.#rest = Buffer.from(data.subarray(from, end));
  }

  /** Takes the frame that begins here; answers where the next one does, or null when it isn't all there. */
  #frame(data: Buffer, at: number, end: number): number | null {
    if (end - at < 2) return null;
    const opcode = data.readUInt8(at) & 0x0f;
    let size = data.readUInt8(at + 1);
    let start = at + 2;
    if (size === 126) {
      if (end - at < 4) return null;
      size = data.readUInt16BE(at + 2);
      start = at + 4;
    } else if (size === 127) {
      this.#failNow('a frame was larger than 64 kB');
      return end;
    }
    if (start + size > end) return null;
    if (opcode === TEXT) this.#message(data, start, start + size);
    else if (opcode === PING) this.#write(PONG, data.subarray(start, start + size));
    else if (opcode === CLOSE) this.#failNow(closing(data, start, size));
    return start + size;
  }

  #message(data: Buffer, start: number, end: number): void {
    const head = data.toString('latin1', start, Math.min(end, start + HEAD_BYTES));
    if (head.includes('"type":"next"') && head.includes('"payload":{"data":{')) {
      this.messages += 1;
      this.#hearer.heard(this, data, start, end);
    } else if (head.includes('"type":"connection_ack"')) {
      const variables = { ...this.#options.variables, ...(this.cursor && { after: this.cursor }) };
      this.#send({ id: this.#id, type: 'subscribe', payload: { query: this.#place.query, variables } });
      if (this.#place.stalls) this.#socket?.pause();
      this.#hearer.subscribed(this);
    } else if (head.includes('"type":"ping"')) this.#send({ type: 'pong' });
    else if (!head.includes('"type":"pong"'))
      this.#failNow(data.toString('utf8', start, Math.min(end, start + 500)));
  }

  #failNow(why: string): void {
    if (this.#socket !== null) this.#fail(this.#socket, why);
  }

  #send(message: object): void {
    this.#write(TEXT, Buffer.from(JSON.stringify(message)));
  }

  /** A client's frames are masked; by zeros, which change nothing. */
  #write(opcode: number, payload: Buffer): void {
    const isShort = payload.length < 126;
    const frame = Buffer.alloc((isShort ? 6 : 8) + payload.length);
    frame.writeUInt8(0x80 | opcode, 0);
    frame.writeUInt8(0x80 | (isShort ? payload.length : 126), 1);
    if (!isShort) frame.writeUInt16BE(payload.length, 2);
    payload.copy(frame, frame.length - payload.length);
    this.#socket?.write(frame);
  }
}

function closing(data: Buffer, start: number, size: number): string {
  if (size < 2) return 'closed without a code';
  return `closed with ${data.readUInt16BE(start)} ${data.toString('utf8', start + 2, start + size)}`;
}
