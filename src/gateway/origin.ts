import type { IncomingMessage, ServerResponse } from 'node:http';

const ASKED_AGAIN_AFTER_SECONDS = '600';

/** What a page may send along, and what it may read of an answer. */
const HEADERS = 'accept-language, apollo-require-preflight, authorization, content-type, x-api-key, x-tenant';
const READABLE = 'retry-after, x-request-id';

/** Other sites' pages may not ask with a visitor's network position; programs send no origin. */
export function isAllowedOrigin({ headers }: IncomingMessage, allowed: readonly string[]): boolean {
  const { origin, host } = headers;
  if (origin === undefined || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

/**
 * Lets the pages of origins that are allowed read the answer, and answers what their browsers ask beforehand.
 * @returns whether the request is answered
 */
export function shareWithOrigins(
  request: IncomingMessage,
  response: ServerResponse,
  allowed: readonly string[],
): boolean {
  const { origin } = request.headers;
  if (allowed.length > 0) response.setHeader('vary', 'origin');
  if (origin === undefined || !allowed.includes(origin)) return false;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', READABLE);
  if (request.method !== 'OPTIONS') return false;
  response
    .writeHead(204, {
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': HEADERS,
      'access-control-max-age': ASKED_AGAIN_AFTER_SECONDS,
    })
    .end();
  return true;
}
