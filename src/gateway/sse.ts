import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { GraphQLFormattedError } from 'graphql';
import { pickLanguage } from '../kernel/errors.ts';
import type { RequestContext } from '../kernel/request-context.ts';
import { createContext } from './context.ts';
import type { Authenticated } from './guard/index.ts';
import {
  badRequest,
  credentialsOf,
  type GraphQLRequest,
  JSON_TYPE,
  RETRY_AFTER,
  readRequest,
  refuseRequest,
} from './http.ts';
import { EventStream, type HeldParts } from './live/index.ts';
import { isUnavailable, type Reader } from './mask.ts';
import { isAllowedOrigin } from './origin.ts';
import type { GatewayParts } from './parts.ts';
import { refusalErrors } from './refuse.ts';

const TOO_MANY = ['CALLER_STREAM_LIMIT', 'TENANT_STREAM_LIMIT'];

/**
 * Answers GraphQL over server-sent events (graphql-sse, one connection an operation), through the same guard,
 * executor and streams as sockets. Its mode of one connection for all operations isn't offered: what that
 * remembers between requests would tie a client to one gateway.
 */
export function eventStreamListener(parts: HeldParts): RequestListener {
  return (request, response) => {
    const requestId = randomUUID();
    response.setHeader('x-request-id', requestId);
    answer(parts, requestId, request, response).catch((error: unknown) => {
      parts.gateway.logger.error({ err: error, requestId }, 'a request failed');
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  };
}

async function answer(
  parts: HeldParts,
  requestId: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { gateway, sweep } = parts;
  const asked = pickLanguage(request.headers['accept-language']);
  let reader: Reader = { requestId, language: asked ?? 'en' };
  let incoming: GraphQLRequest;
  let authenticated: Authenticated;
  const credentials = credentialsOf(request);
  try {
    refuseUnfit(gateway, request);
    incoming = await readRequest(request);
    authenticated = await gateway.authenticator.authenticate(credentials);
    const language = asked ?? (await gateway.services.tenants.language(authenticated.tenantKey));
    reader = { requestId, language };
  } catch (error) {
    return refuseRequest(gateway, reader, request, response, error);
  }
  if (sweep.isDraining) return refuseForNow(response, 503, []);
  // Whoever left meanwhile would never be seen to leave.
  if (response.destroyed) return;
  const stream = new EventStream(response, authenticated, credentials);
  sweep.add(stream);
  response.once('close', () => sweep.remove(stream));
  const errors = await run(
    parts,
    stream,
    { ...reader, ...authenticated },
    incoming,
    request.method === 'GET',
  );
  if (errors.length === 0) return;
  const status = statusOf(errors);
  // What is final is told as the only event: clients read no other answer, and come again after one.
  if (status === 200) stream.complete({ errors });
  else refuseForNow(response, status, errors);
}

/** Runs one operation. @returns why it can't be run */
async function run(
  { gateway, executor, streams }: HeldParts,
  stream: EventStream,
  request: RequestContext,
  incoming: GraphQLRequest,
  isGet: boolean,
): Promise<readonly GraphQLFormattedError[]> {
  try {
    const admitted = gateway.guard.admit(incoming, request.caller);
    const { operation } = admitted.operation;
    if (operation === 'subscription') {
      const opened = await streams.open({ admitted, request }, stream, () => !stream.isOpen);
      if (!('run' in opened)) return opened;
      stream.follows(opened);
      return [];
    }
    if (operation === 'mutation' && isGet) throw badRequest('send mutations by POST');
    const context = createContext(request, gateway.services, gateway.database);
    stream.complete(await executor.run(admitted, context));
    return [];
  } catch (error) {
    return refusalErrors(gateway, error, request);
  }
}

/** What passes by itself is told by the status: clients come again after that. */
function statusOf([first]: readonly GraphQLFormattedError[]): number {
  if (first !== undefined && isUnavailable(first)) return 503;
  return TOO_MANY.includes(String(first?.extensions?.code)) ? 429 : 200;
}

function refuseForNow(
  response: ServerResponse,
  status: number,
  errors: readonly GraphQLFormattedError[],
): void {
  // Once something was sent there is no status to tell it by; a cut says the same.
  if (response.headersSent) return void response.end();
  response
    .writeHead(status, { 'content-type': JSON_TYPE, 'retry-after': RETRY_AFTER })
    .end(JSON.stringify({ errors }));
}

function refuseUnfit({ guardOptions }: GatewayParts, request: IncomingMessage): void {
  if (!isAllowedOrigin(request, guardOptions.allowedOrigins))
    throw badRequest('its origin is not among the allowed ones', 403);
  if (!(request.headers.accept ?? '').includes('text/event-stream'))
    throw badRequest('its "accept" is not text/event-stream', 406);
}
