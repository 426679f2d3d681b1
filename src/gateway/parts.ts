import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { FeedTails } from '../events/index.ts';
import type { Database } from '../persistence/index.ts';
import type { Services } from './context.ts';
import type { Authenticator, Guard } from './guard/index.ts';
import type { Metrics } from './metrics.ts';

export interface GatewayOptions {
  /** Whether the schema can be asked for, and the IDE is served. */
  readonly introspection: boolean;
  /** Web origins, other than the gateway's own, whose pages may ask, and open WebSockets. */
  readonly allowedOrigins: readonly string[];
  /** How many sockets and streams may be open at once. */
  readonly live: { readonly perCaller: number; readonly perTenant: number };
}

/** What the gateway stands on; chosen in the composition root. */
export interface GatewayParts {
  readonly schema: GraphQLSchema;
  readonly database: Database;
  readonly services: Services;
  readonly authenticator: Authenticator;
  readonly guard: Guard;
  readonly guardOptions: GatewayOptions;
  readonly tails: FeedTails;
  readonly metrics: Metrics;
  readonly logger: Logger;
}
