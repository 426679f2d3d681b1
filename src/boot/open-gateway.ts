import type { GraphQLSchema } from 'graphql';
import type { Application } from '../compose.ts';
import type { Config } from '../config/index.ts';
import { createGateway, type Gateway } from '../gateway/gateway.ts';
import { Authenticator, Guard, tokenKeys } from '../gateway/guard/index.ts';

/** Opens the doors: HTTP and WebSocket over an application. */
export async function openGateway(
  application: Application,
  schema: GraphQLSchema,
  config: Config,
  jwksFile: string,
): Promise<Gateway> {
  const { database, services, metrics, logger } = application;
  const { issuer, audience, jwksUrl } = config.jwt;
  const keys = await tokenKeys(jwksUrl === undefined ? { file: jwksFile } : { url: jwksUrl });
  const { introspection, allowedOrigins } = config;
  return await createGateway({
    schema,
    database,
    services,
    authenticator: new Authenticator(services.tenants, { issuer, audience, keys }),
    guard: new Guard(schema, { introspection }),
    guardOptions: { introspection, allowedOrigins },
    metrics,
    logger,
  });
}
