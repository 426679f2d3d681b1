import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { type WebSocket, WebSocketServer } from 'ws';
import { listen } from '../contenders/server.ts';

/**
 * The floor of a fan-out: `ws` alone, without GraphQL, rights, cursors or a database. Whoever subscribes is
 * in; what is posted here, a JSON list of messages, is sent to all of them byte by byte as it came: each by
 * itself, or those of one socket together.
 */
const listeners = new Map<WebSocket, Duplex>();
const GATHERED = '/gathered';
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });

sockets.on('connection', (socket: WebSocket, _request: IncomingMessage, wire: Duplex) => {
  socket.on('message', (data: Buffer) => {
    const text = data.toString();
    if (text.includes('"connection_init"')) socket.send('{"type":"connection_ack"}');
    else if (text.includes('"subscribe"')) listeners.set(socket, wire);
  });
  socket.on('close', () => listeners.delete(socket));
});

async function broadcast(request: IncomingMessage): Promise<void> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
  // Made into bytes once: a string would be encoded for each socket.
  const messages = (JSON.parse(body) as string[]).map((text) => Buffer.from(text));
  if (request.url === GATHERED) sendTogether(messages);
  else await sendEach(messages);
}

async function sendEach(messages: readonly Buffer[]): Promise<void> {
  for (const message of messages) {
    for (const socket of listeners.keys()) socket.send(message, { binary: false });
    await setImmediate();
  }
}

/** What goes to one socket leaves in one write. */
function sendTogether(messages: readonly Buffer[]): void {
  for (const [socket, wire] of listeners) {
    wire.cork();
    for (const message of messages) socket.send(message, { binary: false });
    wire.uncork();
  }
}

const server = createServer((request, response) => {
  broadcast(request).then(
    () => response.end('{}'),
    () => response.destroy(),
  );
});
server.on('upgrade', (request, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (ready) => sockets.emit('connection', ready, request, socket));
});
await listen(server);
