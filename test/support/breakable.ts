import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A network between a client and a server, which can break in two ways. */
export class Breakable {
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #state: 'WELL' | 'CUT' | 'SILENT' = 'WELL';

  private constructor(server: Server, target: URL) {
    this.#server = server;
    this.#target = target;
  }

  static async to(url: string): Promise<Breakable> {
    const server = createServer();
    const network = new Breakable(server, new URL(url));
    server.on('connection', (client) => network.#serve(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return network;
  }

  /** Where the server is, for who goes through here. */
  get url(): string {
    const through = new URL(this.#target.href);
    through.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return through.href;
  }

  /** Every connection ends, and there are no new ones. */
  cut(): void {
    this.#state = 'CUT';
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Connections stay, and nothing comes through any of them, ever. */
  silence(): void {
    this.#state = 'SILENT';
    for (const socket of this.#sockets) socket.removeAllListeners('data').resume();
  }

  /** New connections are well. */
  mend(): void {
    this.#state = 'WELL';
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(client: Socket): void {
    if (this.#state === 'CUT') {
      client.destroy();
      return;
    }
    const server = connect(Number(this.#target.port), this.#target.hostname);
    const pairs: [Socket, Socket][] = [
      [client, server],
      [server, client],
    ];
    for (const [from, to] of pairs) {
      this.#sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      if (this.#state === 'SILENT') from.resume();
      else from.on('data', (chunk: Buffer) => to.write(chunk));
    }
  }
}
