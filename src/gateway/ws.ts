import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ExecutionArgs, ExecutionResult, FormattedExecutionResult, GraphQLError } from 'graphql';
import { CloseCode, type Context, handleProtocols, makeServer, type Server as Protocol } from 'graphql-ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { pickLanguage, RequestFault } from '../kernel/errors.ts';
import type { RequestContext } from '../kernel/request-context.ts';
import { createContext, type GatewayContext } from './context.ts';
import { type Admitted, callerId } from './guard/index.ts';
import {
  FORBIDDEN,
  HeldOpen,
  type HeldParts,
  LiveSocket,
  Quota,
  RETRY_ELSEWHERE,
  SocketSink,
} from './live/index.ts';
import { maskError, type Reader } from './mask.ts';
import { isAllowedOrigin } from './origin.ts';
import type { GatewayParts } from './parts.ts';
import { refusalErrors, ToldError } from './refuse.ts';

const LARGEST_FRAME = 256 * 1_024;
const MOST_OPERATIONS_A_SOCKET = 100;
const INIT_WITHIN_MS = 5_000;

interface SocketExtra {
  [key: PropertyKey]: unknown;
  readonly live: LiveSocket;
}

type SocketContext = Context<Record<string, unknown> | undefined, SocketExtra>;

/** An operation as the guard admitted it, for the one who asked. */
interface SocketOperation {
  readonly admitted: Admitted;
  readonly request: RequestContext;
  readonly id: string;
  readonly live: LiveSocket;
  readonly held: HeldOpen;
}

/** What sockets stand on. */
interface SocketParts extends HeldParts {
  readonly quota: Quota;
}

/** Accepts GraphQL over WebSocket (graphql-transport-ws), through the same guard and executor as HTTP. */
export function acceptSockets(server: Server, held: HeldParts): void {
  const { gateway, sweep } = held;
  const parts: SocketParts = { ...held, quota: new Quota() };
  const sockets = new WebSocketServer({
    noServer: true,
    // They are counted by the sweep.
    clientTracking: false,
    maxPayload: LARGEST_FRAME,
    perMessageDeflate: false,
    handleProtocols,
  });
  const protocol = protocolOf(parts);
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if ((request.url ?? '').split('?', 1)[0] !== '/graphql') return refuseUpgrade(socket, 404, 'Not Found');
    if (sweep.isDraining) return refuseUpgrade(socket, 503, 'Service Unavailable');
    if (!isAllowedOrigin(request, gateway.guardOptions.allowedOrigins))
      return refuseUpgrade(socket, 403, 'Forbidden');
    sockets.handleUpgrade(request, socket, head, (ready: WebSocket) =>
      accept(parts, protocol, ready, socket),
    );
  });
}

/** Hands a socket's messages to the protocol. */
function accept(
  { gateway, sweep }: SocketParts,
  protocol: Protocol<SocketExtra>,
  socket: WebSocket,
  wire: Duplex,
): void {
  const live = new LiveSocket(socket, wire);
  sweep.add(live);
  const closed = protocol.opened(
    {
      protocol: socket.protocol,
      send: (data) => {
        if (live.isOpen) socket.send(data);
      },
      close: (code = CloseCode.InternalServerError, reason = '') => live.close(code, reason),
      onMessage: (heard) => {
        socket.on('message', (data) => {
          live.isAlive = true;
          heard(String(data)).catch((error: unknown) => {
            gateway.logger.error({ err: error }, 'a message of a socket could not be answered');
            live.close(CloseCode.InternalServerError, 'Internal server error');
          });
        });
      },
      onPing: async (payload) => {
        await refresh(gateway, live, payload);
        if (live.isOpen) socket.send('{"type":"pong"}');
      },
    },
    { live },
  );
  socket.on('pong', () => {
    live.isAlive = true;
  });
  // Giant frames and junk break a socket, which is nobody's fault here.
  socket.on('error', (error) => gateway.logger.debug({ err: error }, 'a socket broke'));
  socket.once('close', (code, reason) => {
    sweep.remove(live);
    live.onLeft?.();
    void closed(code, String(reason));
  });
}

function protocolOf(parts: SocketParts): Protocol<SocketExtra> {
  const { gateway, executor } = parts;
  return makeServer<Record<string, unknown> | undefined, SocketExtra>({
    schema: gateway.schema,
    connectionInitWaitTimeout: INIT_WITHIN_MS,
    onConnect: (ctx) => connect(parts, ctx),
    onSubscribe: (ctx, id, payload) => admit(gateway, ctx, id, payload),
    execute: ({ contextValue }: ExecutionArgs) => {
      const { admitted, request } = contextValue as SocketOperation;
      const context: GatewayContext = createContext(request, gateway.services, gateway.database);
      return executor.run(admitted, context) as Promise<ExecutionResult>;
    },
    subscribe: ({ contextValue }: ExecutionArgs) => openStream(parts, contextValue as SocketOperation),
    // What the executor answered is masked already.
    onNext: (_ctx, _id, _payload, { contextValue }, result) =>
      (contextValue as SocketOperation).admitted.operation.operation === 'subscription'
        ? undefined
        : (result as FormattedExecutionResult),
    onError: ({ extra }, _id, _payload, errors) => errors.map((error) => tell(gateway, extra.live, error)),
  });
}

async function openStream(
  { streams }: SocketParts,
  { admitted, request, id, live, held }: SocketOperation,
): Promise<HeldOpen | ExecutionResult> {
  const sink = new SocketSink(live, id, (error) => held.fail(error));
  const opened = await streams.open({ admitted, request }, sink, () => held.isGone);
  // Its id may be another one's by now, which an answer would go to.
  if (held.isGone) return await new Promise<never>(() => undefined);
  if ('run' in opened) {
    held.stream = opened;
    return held;
  }
  return { errors: opened.map((told) => new ToldError(told)) };
}

function refuseUpgrade(socket: Duplex, status: number, reason: string): void {
  // Nobody else listens, and whoever hangs up meanwhile must not end the process.
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

async function connect({ gateway, quota }: SocketParts, ctx: SocketContext): Promise<boolean> {
  const params = ctx.connectionParams ?? {};
  const { live } = ctx.extra;
  const text = (name: string): string | undefined =>
    typeof params[name] === 'string' ? params[name] : undefined;
  try {
    const credentials = {
      apiKey: text('x-api-key'),
      authorization: text('authorization'),
      tenant: text('x-tenant'),
    };
    const authenticated = await gateway.authenticator.authenticate(credentials);
    live.language =
      pickLanguage(text('acceptLanguage')) ??
      (await gateway.services.tenants.language(authenticated.tenantKey));
    // Whoever hung up meanwhile would never be seen to leave.
    if (!live.isOpen) return false;
    const holder = callerId(authenticated);
    if (!quota.take(holder, gateway.guardOptions.live.perCaller)) {
      live.close(RETRY_ELSEWHERE.later, 'Too many sockets');
      return false;
    }
    gateway.metrics.socketOpened();
    live.onLeft = () => {
      quota.giveBack(holder);
      gateway.metrics.socketClosed();
    };
    live.authenticated = authenticated;
    // A token says by itself until when it is good; an API key is looked up again.
    live.credentials = credentials.apiKey === undefined ? null : credentials;
    // They aren't needed any more, and there may be ten thousand.
    (ctx as { connectionParams?: unknown }).connectionParams = undefined;
    return true;
  } catch (error) {
    if (error instanceof RequestFault) return false;
    gateway.logger.error({ err: error }, 'a socket could not be opened');
    live.close(RETRY_ELSEWHERE.later, 'The service is away for the moment.');
    return false;
  }
}

/** A fresh token on the open socket: the same person goes on. */
async function refresh(gateway: GatewayParts, live: LiveSocket, payload: unknown): Promise<void> {
  const authorization = (payload as { authorization?: unknown } | null | undefined)?.authorization;
  if (typeof authorization !== 'string' || live.authenticated === null) return;
  try {
    const fresh = await gateway.authenticator.authenticate({ authorization });
    if (callerId(fresh) !== callerId(live.authenticated)) live.close(FORBIDDEN, 'Token of somebody else');
    else live.authenticated = fresh;
  } catch (error) {
    if (!(error instanceof RequestFault)) throw error;
    live.close(FORBIDDEN, 'Token refused');
  }
}

function admit(
  gateway: GatewayParts,
  ctx: SocketContext,
  id: string,
  payload: { query?: unknown; operationName?: unknown; variables?: unknown },
): ExecutionArgs | readonly GraphQLError[] {
  const { authenticated, language } = ctx.extra.live;
  const requestId = randomUUID();
  const reader: Reader = { requestId, language };
  try {
    if (authenticated === null) throw new RequestFault('UNAUTHENTICATED');
    if (Object.keys(ctx.subscriptions).length > MOST_OPERATIONS_A_SOCKET) {
      const details = { what: 'operations on one socket', most: MOST_OPERATIONS_A_SOCKET };
      throw new RequestFault('QUERY_TOO_LARGE', { details });
    }
    const { tenantKey, caller } = authenticated;
    const admitted = gateway.guard.admit(payload, caller);
    const request: RequestContext = { requestId, tenantKey, caller, language };
    const held = new HeldOpen();
    // Whoever completes it while it is being opened tells it so, and may use its id again at once.
    if (admitted.operation.operation === 'subscription') ctx.subscriptions[id] = held;
    const contextValue: SocketOperation = { admitted, request, id, live: ctx.extra.live, held };
    const { document, operationName, variables: variableValues } = admitted;
    return { schema: gateway.schema, document, operationName, variableValues, contextValue };
  } catch (error) {
    return refusalErrors(gateway, error, reader).map((told) => new ToldError(told));
  }
}

/** An error message of an operation: why it was refused, or why a stream broke off. */
function tell(gateway: GatewayParts, { language }: LiveSocket, error: GraphQLError) {
  for (const one of [error, error.originalError]) if (one instanceof ToldError) return one.toJSON();
  return maskError(error, { requestId: randomUUID(), language }, gateway.logger);
}
