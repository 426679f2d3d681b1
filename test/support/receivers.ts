import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server as NetServer,
  Socket,
} from 'node:net';
import { Webhook } from 'standardwebhooks';

/** A server of a test, on a port of its own; it counts the connections made to it. */
export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly connections: () => number;
  /** Those that are open now. */
  readonly open: () => number;
  readonly cutAll: () => void;
  readonly close: () => Promise<void>;
}

export async function listen(server: NetServer | Server, host = '127.0.0.1', port = 0): Promise<Receiver> {
  const sockets = new Set<Socket>();
  let made = 0;
  server.on('connection', (socket: Socket) => {
    made += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  });
  server.listen(port, host);
  await once(server, 'listening');
  const { port: given } = server.address() as AddressInfo;
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://${host}:${given}/hook`,
    port: given,
    connections: () => made,
    open: () => sockets.size,
    cutAll,
    close: async () => {
      cutAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const serve = (handler: RequestListener): Promise<Receiver> => listen(createServer(handler));

/** A server that speaks bytes, and need not speak HTTP. */
export const serveBytes = (onSocket: (socket: Socket) => void): Promise<Receiver> =>
  listen(createTcpServer(onSocket));

export async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

/** Verifies a request as the reference implementation does. @throws when it is not signed by the secret */
export function verify(secret: string, body: string, headers: IncomingMessage['headers']): void {
  new Webhook(secret).verify(body, headers as Record<string, string>);
}
