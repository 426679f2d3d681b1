import type { GraphQLSchema } from 'graphql';
import type { Application } from '../compose.ts';
import type { Config } from '../config/index.ts';
import { createGateway, type Gateway } from '../gateway/gateway.ts';
import { Authenticator, Guard, tokenKeys } from '../gateway/guard/index.ts';
import { ensureJwksFile } from './signing-key.ts';

/**
 * Opens the doors: HTTP and WebSocket over an application. Tokens are checked with the issuer's keys, or
 * with ours.
 */
export async function openGateway(
  application: Application,
  schema: GraphQLSchema,
  config: Config,
): Promise<Gateway> {
  const { database, services, tails, metrics, logger } = application;
  const { issuer, audience, jwksUrl } = config.jwt;
  const source = jwksUrl === undefined ? { file: await ensureJwksFile(config.dataDir) } : { url: jwksUrl };
  const keys = await tokenKeys(source);
  const { introspection, allowedOrigins, live } = config;
  return await createGateway({
    schema,
    database,
    services,
    authenticator: new Authenticator(services.tenants, { issuer, audience, keys }),
    guard: new Guard(schema, { introspection }),
    guardOptions: { introspection, allowedOrigins, live },
    tails,
    metrics,
    logger,
  });
}
