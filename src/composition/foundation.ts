import type { Logger } from 'pino';
import type { Config } from '../config/index.ts';
import type { Plugin } from '../extension/index.ts';
import type { Quarantined, RuntimesOptions } from '../plugin-host/index.ts';

/** What an application stands on that is not ours: configuration, a database, plugins. */
export interface Foundation {
  readonly config: Config;
  /** The app role's. */
  readonly databaseUrl: string;
  readonly plugins: readonly Plugin[];
  /** Optional plugins that could not be loaded. */
  readonly quarantined?: readonly Quarantined[];
  /** Whether the database is the embedded one: webhooks may then be on this machine too. */
  readonly embedded?: boolean;
  readonly logger: Logger;
  /** For imports: see `DatabaseOptions`. */
  readonly relaxedCommits?: boolean;
  /** How extensions are asked, where that isn't the product's own way: names and breakers of a test. */
  readonly asking?: Pick<RuntimesOptions, 'breaker' | 'resolve'>;
}
