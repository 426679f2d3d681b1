import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { type ApolloServer, HeaderMap } from '@apollo/server';
import type { GraphQLFormattedError } from 'graphql';
import { pickLanguage, RequestFault } from '../kernel/errors.ts';
import type { RequestContext } from '../kernel/request-context.ts';
import { createContext, type GatewayContext } from './context.ts';
import { type Admitted, type Credentials, InvalidDocument, InvalidVariables } from './guard/index.ts';
import { isUnavailable, type Reader } from './mask.ts';
import type { GatewayParts } from './parts.ts';
import { refusalErrors } from './refuse.ts';

const LARGEST_BODY = 1_000_000;
export const JSON_TYPE = 'application/json';
/** In seconds: how long a crashed PostgreSQL takes to come back. */
export const RETRY_AFTER = '2';
const GRAPHQL_RESPONSE_TYPE = 'application/graphql-response+json';

/** What Apollo's context carries: the operation as the guard admitted it. */
export interface HttpContext extends GatewayContext {
  readonly admitted: Admitted;
}

export interface GraphQLRequest {
  readonly query?: unknown;
  readonly operationName?: unknown;
  readonly variables?: unknown;
  readonly extensions?: unknown;
}

/** Answers GraphQL over HTTP: recognise the caller, admit the operation, hand it to Apollo. */
export function graphqlListener(parts: GatewayParts, apollo: ApolloServer<HttpContext>): RequestListener {
  return (request, response) => {
    const requestId = randomUUID();
    response.setHeader('x-request-id', requestId);
    answer(parts, apollo, requestId, request, response).catch((error: unknown) => {
      parts.logger.error({ err: error, requestId }, 'a request failed');
      if (!response.headersSent) response.writeHead(500).end();
    });
  };
}

async function answer(
  parts: GatewayParts,
  apollo: ApolloServer<HttpContext>,
  requestId: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const asked = pickLanguage(request.headers['accept-language']);
  let reader: Reader = { requestId, language: asked ?? 'en' };
  const startedAt = process.hrtime.bigint();
  try {
    const incoming = await readRequest(request);
    const { tenantKey, caller } = await parts.authenticator.authenticate(credentialsOf(request));
    const language = asked ?? (await parts.services.tenants.language(tenantKey));
    const ctx: RequestContext = { requestId, tenantKey, caller, language };
    reader = ctx;
    const admitted = parts.guard.admit(incoming, caller);
    refuseUnfit(request, admitted);
    const context = { ...createContext(ctx, parts.services, parts.database), admitted };
    await respond(apollo, request, response, incoming, context);
    parts.metrics.operation(admitted, Number(process.hrtime.bigint() - startedAt) / 1e9);
    parts.logger.debug({ requestId, tenant: tenantKey, operation: admitted.operationName }, 'operation');
  } catch (error) {
    refuseRequest(parts, reader, request, response, error);
  }
}

async function respond(
  apollo: ApolloServer<HttpContext>,
  request: IncomingMessage,
  response: ServerResponse,
  incoming: GraphQLRequest,
  context: HttpContext,
): Promise<void> {
  const headers = new HeaderMap();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  const {
    status,
    headers: answered,
    body,
  } = await apollo.executeHTTPGraphQLRequest({
    httpGraphQLRequest: {
      method: request.method ?? 'POST',
      headers,
      search: request.method === 'GET' ? new URL(request.url ?? '/', 'http://localhost').search : '',
      body: request.method === 'GET' ? undefined : incoming,
    },
    context: async () => context,
  });
  for (const [name, value] of answered) response.setHeader(name, value);
  response.statusCode = status ?? 200;
  if (body.kind === 'complete') response.end(body.string);
  else response.end();
}

/** A request that isn't executed is answered here, in the words of its reader. */
export function refuseRequest(
  parts: GatewayParts,
  reader: Reader,
  request: IncomingMessage,
  response: ServerResponse,
  error: unknown,
): void {
  const errors = refusalErrors(parts, error, reader);
  const type = answerType(request.headers.accept);
  const status = statusOf(error, errors);
  // Clients of the older type read what is wrong with an operation from an answer that arrived well.
  const isOperational = status === 400 && !isMalformed(error) && type === JSON_TYPE;
  if (status === 405) response.setHeader('allow', request.method === 'GET' ? 'POST' : 'GET, POST');
  if (status === 503) response.setHeader('retry-after', RETRY_AFTER);
  send(response, isOperational ? 200 : status, type, { errors });
}

/** The newer type where the client asks for it: there the status tells whether the operation was executed. */
export function answerType(accept: string | undefined): string {
  return (accept ?? '').includes(GRAPHQL_RESPONSE_TYPE) ? GRAPHQL_RESPONSE_TYPE : JSON_TYPE;
}

/** True for what is no GraphQL request at all. */
function isMalformed(error: unknown): boolean {
  return error instanceof RequestFault && error.code === 'BAD_REQUEST';
}

function statusOf(error: unknown, [first]: readonly GraphQLFormattedError[]): number {
  if (error instanceof RequestFault) return error.httpStatus;
  if (error instanceof InvalidDocument || error instanceof InvalidVariables) return 400;
  return first !== undefined && isUnavailable(first) ? 503 : 500;
}

function send(response: ServerResponse, status: number, type: string, body: unknown): void {
  if (response.headersSent) return;
  const text = JSON.stringify(body);
  response
    .writeHead(status, {
      'content-type': `${type}; charset=utf-8`,
      'content-length': Buffer.byteLength(text),
    })
    .end(text);
}

export function credentialsOf({ headers }: IncomingMessage): Credentials {
  const single = (value: string | string[] | undefined): string | undefined =>
    Array.isArray(value) ? value.join(', ') : value;
  return {
    apiKey: single(headers['x-api-key']),
    authorization: headers.authorization,
    tenant: single(headers['x-tenant']),
  };
}

/**
 * What changes something is never done by GET, which other sites' pages can send; and a stream wants a
 * socket.
 */
function refuseUnfit(request: IncomingMessage, { operation }: Admitted): void {
  if (operation.operation === 'subscription')
    throw badRequest('subscribe over WebSocket, or at /graphql/stream');
  if (request.method !== 'GET' || operation.operation === 'query') return;
  throw new RequestFault('BAD_REQUEST', { details: { why: 'send mutations by POST' }, httpStatus: 405 });
}

export async function readRequest(request: IncomingMessage): Promise<GraphQLRequest> {
  if (request.method === 'GET') return readSearch(request);
  if (request.method !== 'POST') throw badRequest('send it by POST', 405);
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw badRequest('its content type is not application/json', 415);
  if (request.headers['content-encoding'] !== undefined) throw badRequest('its body is compressed', 415);
  if (Number(request.headers['content-length']) > LARGEST_BODY) throw tooLarge();
  const body = parseJson(await readBody(request), 'its body');
  if (Array.isArray(body)) throw badRequest('batches are not accepted: send one operation a request');
  if (typeof body !== 'object' || body === null) throw badRequest('its body is no JSON object');
  return body;
}

function readSearch(request: IncomingMessage): GraphQLRequest {
  const search = new URL(request.url ?? '/', 'http://localhost').searchParams;
  const variables = search.get('variables');
  return {
    query: search.get('query') ?? undefined,
    operationName: search.get('operationName') ?? undefined,
    variables: variables === null ? undefined : parseJson(variables, '"variables"'),
  };
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > LARGEST_BODY) {
        // The rest is let in and forgotten: whoever still writes reads no answer on a closed connection.
        chunks.length = 0;
        reject(tooLarge());
        return;
      }
      chunks.push(chunk);
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
    request.on('error', reject);
  });
}

function parseJson(text: string, what: string): object {
  try {
    return JSON.parse(text) as object;
  } catch {
    throw badRequest(`${what} is no JSON`);
  }
}

function tooLarge(): RequestFault {
  return badRequest('its body is larger than 1 MB', 413);
}

export function badRequest(why: string, httpStatus = 400): RequestFault {
  return new RequestFault('BAD_REQUEST', { details: { why }, httpStatus });
}
