import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
  type GraphQLError,
  subscribe,
} from 'graphql';
import { CloseCode, type Context } from 'graphql-ws';
import { type Extra, useServer } from 'graphql-ws/use/ws';
import { WebSocket, WebSocketServer } from 'ws';
import { type Language, pickLanguage, RequestFault } from '../kernel/errors.ts';
import type { RequestContext } from '../kernel/request-context.ts';
import { createContext, type GatewayContext } from './context.ts';
import type { Executor } from './execute.ts';
import type { Admitted, Authenticated, Credentials } from './guard/index.ts';
import { maskError, type Reader } from './mask.ts';
import type { GatewayParts } from './parts.ts';
import { refusalErrors, ToldError } from './refuse.ts';

const LARGEST_FRAME = 256 * 1_024;
const MOST_OPERATIONS_A_SOCKET = 100;
const INIT_WITHIN_MS = 5_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const RECHECK_KEY_MS = 1_000;

/** What a socket remembers of its caller, from its `connection_init`. */
interface SocketExtra extends Extra {
  [key: PropertyKey]: unknown;
  authenticated?: Authenticated;
  language?: Language;
  expiry?: NodeJS.Timeout;
  recheck?: NodeJS.Timeout;
}

type SocketContext = Context<Record<string, unknown> | undefined, SocketExtra>;
type SocketOperation = GatewayContext & { readonly admitted: Admitted };

/** Accepts GraphQL over WebSocket (graphql-transport-ws), through the same guard and executor as HTTP. */
export function acceptSockets(
  server: Server,
  parts: GatewayParts,
  executor: Executor,
): { dispose(): Promise<void> | void } {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: LARGEST_FRAME,
    perMessageDeflate: false,
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if ((request.url ?? '').split('?', 1)[0] !== '/graphql') return refuseUpgrade(socket, 404, 'Not Found');
    if (!isAllowedOrigin(request, parts.guardOptions.allowedOrigins))
      return refuseUpgrade(socket, 403, 'Forbidden');
    sockets.handleUpgrade(request, socket, head, (ready: WebSocket) =>
      sockets.emit('connection', ready, request),
    );
  });
  const serving = useServer<Record<string, unknown> | undefined, SocketExtra>(
    {
      schema: parts.schema,
      // What went wrong inside is not told as the reason of a close.
      isProd: true,
      connectionInitWaitTimeout: INIT_WITHIN_MS,
      onConnect: (ctx) => connect(parts, ctx),
      onDisconnect: (ctx) => disconnect(parts, ctx),
      onSubscribe: (ctx, _id, payload) => admit(parts, ctx, payload),
      execute: (args: ExecutionArgs) => {
        const context = args.contextValue as SocketOperation;
        return executor.run(context.admitted, context) as Promise<ExecutionResult>;
      },
      subscribe: (args: ExecutionArgs) => subscribe(args),
      onNext: (_ctx, _id, _payload, args, result) => {
        const context = args.contextValue as SocketOperation;
        // What the executor answered is masked already; graphql-js answers subscriptions.
        const isMasked = context.admitted.operation.operation !== 'subscription';
        const masked = isMasked ? result : executor.mask(result, context.admitted, context);
        return masked as FormattedExecutionResult;
      },
      onError: (ctx, _id, _payload, errors) => errors.map((error) => tell(parts, ctx, error)),
    },
    sockets,
  );
  sockets.on('connection', (socket: WebSocket) => {
    // The library writes what breaks a socket to the console, which giant frames and junk could fill.
    socket.removeAllListeners('error');
    socket.on('error', (error) => parts.logger.debug({ err: error }, 'a socket broke'));
  });
  return serving;
}

function refuseUpgrade(socket: Duplex, status: number, reason: string): void {
  // Nobody else listens, and whoever hangs up meanwhile must not end the process.
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

/** Other sites' pages may not open sockets with a visitor's network position; programs send no origin. */
function isAllowedOrigin({ headers }: IncomingMessage, allowed: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin === undefined || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

async function connect(parts: GatewayParts, ctx: SocketContext): Promise<boolean> {
  const params = ctx.connectionParams ?? {};
  const text = (name: string): string | undefined =>
    typeof params[name] === 'string' ? params[name] : undefined;
  try {
    const credentials = {
      apiKey: text('x-api-key'),
      authorization: text('authorization'),
      tenant: text('x-tenant'),
    };
    const authenticated = await parts.authenticator.authenticate(credentials);
    ctx.extra.language =
      pickLanguage(text('acceptLanguage')) ??
      (await parts.services.tenants.language(authenticated.tenantKey));
    ctx.extra.authenticated = authenticated;
    closeAtExpiry(ctx, authenticated);
    closeWhenRevoked(parts, ctx, credentials);
    parts.metrics.socketOpened();
    return true;
  } catch (error) {
    if (error instanceof RequestFault) return false;
    parts.logger.error({ err: error }, 'a socket could not be opened');
    ctx.extra.socket.close(CloseCode.InternalServerError, 'The service is away for the moment.');
    return false;
  }
}

function closeAtExpiry({ extra }: SocketContext, { caller }: Authenticated): void {
  if (caller.expiresAt === null) return;
  const inMs = Math.min(caller.expiresAt.getTime() - Date.now(), LONGEST_TIMER_MS);
  extra.expiry = setTimeout(() => extra.socket.close(CloseCode.Forbidden, 'Token expired'), inMs).unref();
}

/** An API key that is taken back takes the sockets along that were opened with it. */
function closeWhenRevoked(parts: GatewayParts, { extra }: SocketContext, credentials: Credentials): void {
  if (credentials.apiKey === undefined) return;
  extra.recheck = setInterval(() => {
    if (extra.socket.readyState !== WebSocket.OPEN) return clearInterval(extra.recheck);
    parts.authenticator.authenticate(credentials).catch((error: unknown) => {
      // Anything else is a fault of ours, which is no reason to hang up.
      if (error instanceof RequestFault) extra.socket.close(CloseCode.Forbidden, 'API key revoked');
    });
  }, RECHECK_KEY_MS).unref();
}

function disconnect(parts: GatewayParts, { extra }: SocketContext): void {
  clearTimeout(extra.expiry);
  clearInterval(extra.recheck);
  if (extra.authenticated !== undefined) parts.metrics.socketClosed();
}

function admit(
  parts: GatewayParts,
  ctx: SocketContext,
  payload: { query?: unknown; operationName?: unknown; variables?: unknown },
): ExecutionArgs | readonly GraphQLError[] {
  const { authenticated, language = 'en' } = ctx.extra;
  const requestId = randomUUID();
  const reader: Reader = { requestId, language };
  try {
    if (authenticated === undefined) throw new RequestFault('UNAUTHENTICATED');
    if (Object.keys(ctx.subscriptions).length > MOST_OPERATIONS_A_SOCKET) {
      const details = { what: 'operations on one socket', most: MOST_OPERATIONS_A_SOCKET };
      throw new RequestFault('QUERY_TOO_LARGE', { details });
    }
    const { tenantKey, caller } = authenticated;
    const admitted = parts.guard.admit(payload, caller);
    const request: RequestContext = { requestId, tenantKey, caller, language };
    const remember = admitted.operation.operation !== 'subscription';
    const contextValue = { ...createContext(request, parts.services, parts.database, remember), admitted };
    return {
      schema: parts.schema,
      document: admitted.document,
      operationName: admitted.operationName,
      variableValues: admitted.variables,
      contextValue,
    };
  } catch (error) {
    return refusalErrors(parts, error, reader).map((told) => new ToldError(told));
  }
}

/** An error message of an operation: why it was refused, or why a stream broke off. */
function tell(parts: GatewayParts, { extra }: SocketContext, error: GraphQLError) {
  if (error instanceof ToldError) return error.toJSON();
  return maskError(error, { requestId: randomUUID(), language: extra.language ?? 'en' }, parts.logger);
}
