import { createServer, type Server } from 'node:http';
import { ApolloServer, type ApolloServerPlugin, HeaderMap } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import { Executor, type MaskedResult } from './execute.ts';
import { answerType, graphqlListener, type HttpContext, JSON_TYPE, RETRY_AFTER } from './http.ts';
import { LiveStreams, Sweep } from './live/index.ts';
import { isUnavailable } from './mask.ts';
import { shareWithOrigins } from './origin.ts';
import type { GatewayParts } from './parts.ts';
import { createRoutes } from './routes.ts';
import { eventStreamListener } from './sse.ts';
import { acceptSockets } from './ws.ts';

export interface Gateway {
  readonly server: Server;
  /** Stops taking work, finishes what runs, and closes every socket and stream. */
  drain(): Promise<void>;
}

/** Apollo hands every operation to the one executor, which masks what it answers. */
function executeWith(executor: Executor): ApolloServerPlugin<HttpContext> {
  return {
    requestDidStart: async () => ({
      responseForOperation: async ({ contextValue, request }) => {
        const { data, errors }: MaskedResult = await executor.run(contextValue.admitted, contextValue);
        const singleResult = {
          ...(errors === undefined ? {} : { errors }),
          ...(data === undefined ? {} : { data }),
        };
        const headers = new HeaderMap();
        // Proxies and clients that know nothing of GraphQL see by the status that they have to come again.
        const isAway = (data ?? null) === null && errors?.some(isUnavailable) === true;
        if (isAway) headers.set('retry-after', RETRY_AFTER);
        // Without data, nothing was executed: the variables were wrong after all.
        const isOld = answerType(request.http?.headers.get('accept')) === JSON_TYPE;
        const unfit = data === undefined && !isOld ? 400 : undefined;
        return {
          http: { headers, status: isAway ? 503 : unfit },
          body: { kind: 'single', singleResult },
        };
      },
    }),
  };
}

/** Builds the gateway; it listens when its caller says so. */
export async function createGateway(parts: GatewayParts): Promise<Gateway> {
  const executor = new Executor(parts.schema, parts.logger, !parts.guardOptions.introspection);
  const apollo = new ApolloServer<HttpContext>({
    schema: parts.schema,
    introspection: parts.guardOptions.introspection,
    includeStacktraceInErrorResponses: false,
    hideSchemaDetailsFromClientErrors: !parts.guardOptions.introspection,
    stopOnTerminationSignals: false,
    csrfPrevention: { requestHeaders: ['x-api-key', 'authorization', 'apollo-require-preflight'] },
    logger: parts.logger,
    plugins: [
      executeWith(executor),
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
  await apollo.start();
  const graphql = graphqlListener(parts, apollo);
  const routes = createRoutes(parts);
  const sweep = new Sweep(parts.authenticator);
  const held = { gateway: parts, executor, streams: new LiveStreams(parts, executor), sweep };
  const doors = new Map([
    ['/graphql', graphql],
    ['/graphql/stream', eventStreamListener(held)],
  ]);
  const server = createServer((request, response) => {
    // Whoever asks on one connection again and again would keep it from ever closing.
    if (sweep.isDraining) response.setHeader('connection', 'close');
    const door = doors.get((request.url ?? '/').split('?', 1)[0] ?? '');
    if (door === undefined) routes(request, response);
    else if (!shareWithOrigins(request, response, parts.guardOptions.allowedOrigins)) door(request, response);
  });
  acceptSockets(server, held);
  return {
    server,
    drain: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await sweep.drain();
      server.closeIdleConnections();
      await closed;
      await apollo.stop();
    },
  };
}
