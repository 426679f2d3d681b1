import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** What happens to the next COMMIT on its way to PostgreSQL. */
export type Fate =
  /** It never arrives: the connection is cut before it. */
  | 'LOST'
  /** PostgreSQL commits, but its answer never arrives. */
  | 'UNANSWERED'
  /** The connection is cut at once, and PostgreSQL gets the COMMIT when `deliver` is called. */
  | 'LATE';

/** What belongs together up to Sync: Parse, Bind, Describe, Execute and Close. */
const GATHERED = 'PBDEC';

/** Stands between the gateway and PostgreSQL, and cuts the connection exactly at a COMMIT. */
export class CommitProxy {
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #fate: Fate | null = null;
  #late: (() => void) | null = null;
  #met = 0;

  private constructor(server: Server, target: URL) {
    this.#server = server;
    this.#target = target;
  }

  static async to(url: string): Promise<CommitProxy> {
    const server = createServer();
    const proxy = new CommitProxy(server, new URL(url));
    server.on('connection', (client) => proxy.#serve(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  /** Where PostgreSQL is, for who goes through here. */
  get url(): string {
    const through = new URL(this.#target.href);
    through.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return through.href;
  }

  /** The next COMMIT meets this fate, and only that one. */
  arm(fate: Fate): void {
    this.#fate = fate;
  }

  /** How many COMMITs have met their fate. */
  get met(): number {
    return this.#met;
  }

  /** PostgreSQL gets the COMMIT that was held back. */
  deliver(): void {
    this.#late?.();
    this.#late = null;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #serve(client: Socket): void {
    const server = connect(Number(this.#target.port || 5432), this.#target.hostname);
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    }
    const reader = new MessageReader((messages, commits) => {
      const fate = commits ? this.#fate : null;
      if (fate === null) server.write(messages);
      else this.#cut(fate, messages, client, server);
    });
    client.on('data', (chunk: Buffer) => reader.read(chunk));
    server.on('data', (chunk: Buffer) => {
      if (!client.destroyed) client.write(chunk);
    });
    server.on('close', () => client.destroy());
    client.on('close', () => {
      // A server's connection whose client was cut off lives until its COMMIT is answered.
      if (this.#fateOf.get(server) === undefined) server.destroy();
    });
  }

  readonly #fateOf = new WeakMap<Socket, Fate>();

  #cut(fate: Fate, messages: Buffer, client: Socket, server: Socket): void {
    this.#fate = null;
    this.#met += 1;
    if (fate === 'LOST') {
      client.destroy();
      return;
    }
    this.#fateOf.set(server, fate);
    server.removeAllListeners('data');
    // Its answer to the COMMIT is the last that is wanted of it.
    server.on('data', () => {
      client.destroy();
      server.destroy();
    });
    if (fate === 'UNANSWERED') {
      server.write(messages);
      return;
    }
    this.#late = () => server.write(messages);
    client.destroy();
  }
}

/** Splits what a client sends into messages, and hands on together what ends with one Sync. */
class MessageReader {
  readonly #onMessages: (messages: Buffer, commits: boolean) => void;
  #unread: Buffer = Buffer.alloc(0);
  #gathered: Buffer[] = [];
  #commits = false;
  #isStarted = false;

  constructor(onMessages: (messages: Buffer, commits: boolean) => void) {
    this.#onMessages = onMessages;
  }

  read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (;;) {
      // The first message has no type before its length.
      const head = this.#isStarted ? 1 : 0;
      if (this.#unread.length < head + 4) return;
      const length = head + this.#unread.readUInt32BE(head);
      if (this.#unread.length < length) return;
      this.#take(this.#unread.subarray(0, length));
      this.#unread = this.#unread.subarray(length);
      this.#isStarted = true;
    }
  }

  #take(message: Buffer): void {
    const type = this.#isStarted ? String.fromCharCode(message[0] ?? 0) : '';
    this.#gathered.push(message);
    // A Bind names its portal, which is empty here, and its statement.
    if (type === 'B' && message.subarray(5).toString('latin1').startsWith('\0tx.commit\0'))
      this.#commits = true;
    if (type !== '' && GATHERED.includes(type)) return;
    this.#onMessages(Buffer.concat(this.#gathered), this.#commits);
    this.#gathered = [];
    this.#commits = false;
  }
}
