import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A network between a client and a gateway, which goes away and comes back. */
export class Tunnel {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #target: URL;
  #state: 'open' | 'cut' | 'silent' = 'open';

  private constructor(server: Server, target: string) {
    this.#server = server;
    this.#target = new URL(target);
  }

  static async to(target: string): Promise<Tunnel> {
    const server = createServer();
    const tunnel = new Tunnel(server, target);
    server.on('connection', (client) => tunnel.#carry(client));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return tunnel;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Connections end, and new ones too. */
  cut(): void {
    this.#state = 'cut';
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Nothing arrives any more, and nobody is told. */
  silence(): void {
    this.#state = 'silent';
  }

  /** New connections are carried again; old ones stay as they are. */
  open(): void {
    this.#state = 'open';
  }

  async close(): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  #carry(client: Socket): void {
    const server = connect(Number(this.#target.port), this.#target.hostname);
    const ends = [client, server];
    let isLost = false;
    for (const [index, socket] of ends.entries()) {
      const other = ends[1 - index];
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('data', (chunk: Buffer) => {
        isLost ||= this.#state === 'silent';
        if (!isLost) other?.write(chunk);
      });
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other?.destroy();
      });
    }
    if (this.#state === 'cut') client.destroy();
  }
}
