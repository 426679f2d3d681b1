import { type Logger, pino } from 'pino';
import type { Config } from './config/index.ts';
import { Activity, ActivityService } from './domain/activities/index.ts';
import { Grant } from './domain/benefits/index.ts';
import {
  Entry,
  Hold,
  Ledger,
  LedgerOperation,
  LedgerReads,
  LedgerService,
  Lot,
  TransactionalLedgerWriter,
} from './domain/ledgers/index.ts';
import { Enrolment, Member, MemberService } from './domain/members/index.ts';
import { PointEventService } from './domain/point-events/index.ts';
import { ProgramService, ProgramVersion, UseCaseRunner } from './domain/programs/index.ts';
import { useErrorCatalogue } from './domain/shared/index.ts';
import { ApiKey, Tenant, TenantDirectory, TenantFeed, TenantService } from './domain/tenants/index.ts';
import { FeedWatcher } from './events/index.ts';
import type { Plugin } from './extension/index.ts';
import { errorCatalogue } from './gateway/catalogue.ts';
import type { Services } from './gateway/context.ts';
import { Metrics } from './gateway/metrics.ts';
import type { SettleParts } from './jobs/index.ts';
import { Database } from './persistence/index.ts';
import { PluginHost } from './plugin-host/index.ts';

/** Every class that MikroORM maps. */
export const entities = [
  TenantDirectory,
  Tenant,
  TenantFeed,
  ApiKey,
  ProgramVersion,
  Member,
  Ledger,
  LedgerOperation,
  Entry,
  Lot,
  Hold,
  Activity,
  Grant,
];

/** What an application stands on that is not ours: configuration, a database, plugins. */
export interface Foundation {
  readonly config: Config;
  /** The app role's. */
  readonly databaseUrl: string;
  readonly plugins: readonly Plugin[];
  readonly logger: Logger;
  /** For imports: see `DatabaseOptions`. */
  readonly relaxedCommits?: boolean;
}

/** The application without its doors: what the gateway and the CLI share. */
export interface Application {
  readonly database: Database;
  readonly services: Services;
  readonly watcher: FeedWatcher;
  readonly metrics: Metrics;
  readonly settling: SettleParts;
  readonly logger: Logger;
  close(): Promise<void>;
}

/** Personal data are kept out of the log: only ids and codes are logged, and credentials are cut. */
export function createLogger(level: string): Logger {
  const paths = [
    'apiKey',
    'authorization',
    'headers',
    'variables',
    'err.query',
    'err.parameters',
    'err.detail',
    'err.where',
  ];
  return pino({ level, redact: { paths, remove: true } });
}

/** Builds the application on a database that is there and migrated. */
export async function composeApplication({
  config,
  databaseUrl,
  plugins,
  logger,
  relaxedCommits = false,
}: Foundation): Promise<Application> {
  useErrorCatalogue(errorCatalogue);
  const metrics = new Metrics();
  const database = await Database.open({
    appUrl: databaseUrl,
    entities,
    readConnections: config.readConnections,
    writeConnections: config.writeConnections,
    relaxedCommits,
    onError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  });
  const host = new PluginHost(plugins, ({ extension, point, error }) => {
    metrics.extensionFailed(point);
    logger.warn({ extension, point, err: error }, 'an extension failed');
  });
  const watcher = new FeedWatcher((tenantKey) =>
    new LedgerReads(database.read(tenantKey), tenantKey).feedPosition(),
  );
  const writer = new TransactionalLedgerWriter();
  const tenants = new TenantService(database);
  const programs = new ProgramService(database, tenants);
  const useCases = new UseCaseRunner(database, programs);
  const enrolment = new Enrolment(host, tenants);
  const ledgers = new LedgerService(database, useCases, writer, watcher);
  const parts = { database, programs, useCases, ledgers, writer, enrolment, listener: watcher };
  const services: Services = {
    tenants,
    programs,
    ledgers,
    members: new MemberService(parts),
    activities: new ActivityService(parts),
    pointEvents: new PointEventService(database, watcher),
  };
  return {
    database,
    services,
    watcher,
    metrics,
    settling: { database, tenants, programs, writer, listener: watcher },
    logger,
    close: async () => {
      watcher.close();
      await database.close();
    },
  };
}
