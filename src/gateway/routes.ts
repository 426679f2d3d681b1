import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import express, { type ErrorRequestHandler, type Express } from 'express';
import { serveExamplePage } from './example-page.ts';
import type { GatewayParts } from './parts.ts';

const FIRST_QUERY = `# Put your staff key into the headers below: { "x-api-key": "…" }
query Program {
  program {
    name
    version
    timeZone
    assets { code kind name }
  }
}
`;

/** Everything that is not GraphQL: health, metrics, and the IDE and an example where the schema is open. */
export function createRoutes({ database, metrics, logger, guardOptions }: GatewayParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.get('/healthz', (_, response) => {
    response.json({ status: 'ok' });
  });
  app.get('/readyz', async (_, response) => {
    const reason = await database.unreadiness();
    response
      .status(reason === null ? 200 : 503)
      .json(reason === null ? { status: 'ready' } : { status: 'not ready', reason });
  });
  app.get('/metrics', async (_, response) => {
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
  if (guardOptions.introspection) {
    const page = renderGraphiQL({
      title: 'Membergraph',
      endpoint: '/graphql',
      defaultQuery: FIRST_QUERY,
      headers: '{ "x-api-key": "" }',
      subscriptionsProtocol: 'WS',
    });
    app.get('/graphiql', (_, response) => {
      response.type('html').send(page);
    });
    app.get('/', (_, response) => {
      response.redirect('/graphiql');
    });
    serveExamplePage(app);
  }
  app.use((_, response) => {
    response.status(404).json({ error: 'There is nothing here. GraphQL is at /graphql.' });
  });
  const onError: ErrorRequestHandler = (error, _request, response, _next) => {
    logger.error({ err: error }, 'a route failed');
    response.status(500).json({ error: 'Something went wrong here.' });
  };
  app.use(onError);
  return app;
}
