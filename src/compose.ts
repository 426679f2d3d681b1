import { type Logger, pino } from 'pino';
import type { Config } from './config/index.ts';
import { Activity, ActivityService, RefundedPart } from './domain/activities/index.ts';
import { AuditService, ChainedOperation, LegDay, LegRollUp, ProofKeeper } from './domain/audit/index.ts';
import {
  BenefitService,
  BenefitUse,
  Grant,
  GrantWriter,
  TierGrants,
  TierGrantUpkeep,
} from './domain/benefits/index.ts';
import {
  Entry,
  Hold,
  HoldService,
  Ledger,
  LedgerOperation,
  LedgerReads,
  LedgerService,
  Leg,
  LimitingLedgerWriter,
  Lot,
  ReversalService,
  StoredValueService,
  TransactionalLedgerWriter,
  TransferService,
} from './domain/ledgers/index.ts';
import { Enrolment, Member, MemberMergeService, MemberService } from './domain/members/index.ts';
import { PointEventService } from './domain/point-events/index.ts';
import {
  type PinnedProgram,
  ProgramService,
  ProgramVersion,
  UseCaseRunner,
} from './domain/programs/index.ts';
import { RuleEffects } from './domain/rules/index.ts';
import { useErrorCatalogue } from './domain/shared/index.ts';
import {
  ApiKey,
  ApiKeyService,
  DailyRun,
  Tenant,
  TenantDirectory,
  TenantFeed,
  TenantService,
  TestClockService,
} from './domain/tenants/index.ts';
import {
  findTiers,
  MemberTier,
  MetricDay,
  TierChange,
  TierPreparation,
  TierReview,
  TierService,
  TierTracker,
  TrackingLedgerWriter,
} from './domain/tiers/index.ts';
import { FeedWatcher } from './events/index.ts';
import type { Plugin } from './extension/index.ts';
import { errorCatalogue } from './gateway/catalogue.ts';
import type { Services } from './gateway/context.ts';
import { Metrics } from './gateway/metrics.ts';
import { catchUp, type JobParts } from './jobs/index.ts';
import { Database } from './persistence/index.ts';
import { PluginHost } from './plugin-host/index.ts';

/** Every class that MikroORM maps. */
export const entities = [
  TenantDirectory,
  Tenant,
  TenantFeed,
  ApiKey,
  DailyRun,
  ProgramVersion,
  Member,
  Ledger,
  LedgerOperation,
  Entry,
  Lot,
  Hold,
  Leg,
  LegDay,
  LegRollUp,
  ChainedOperation,
  Activity,
  RefundedPart,
  Grant,
  BenefitUse,
  MemberTier,
  MetricDay,
  TierChange,
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
  readonly jobs: JobParts;
  readonly proof: ProofKeeper;
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

function hostOf(plugins: readonly Plugin[], metrics: Metrics, logger: Logger): PluginHost {
  return new PluginHost(plugins, ({ extension, point, error }) => {
    metrics.extensionFailed(point);
    logger.warn({ extension, point, err: error }, 'an extension failed');
  });
}

/** What is done with points by hand, beside earning and spending. */
function servicesByHand(
  parts: ConstructorParameters<typeof HoldService>[0],
): Pick<Services, 'holds' | 'reversals' | 'transfers' | 'storedValue'> {
  return {
    holds: new HoldService(parts),
    reversals: new ReversalService(parts),
    transfers: new TransferService(parts),
    storedValue: new StoredValueService(parts),
  };
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
  const host = hostOf(plugins, metrics, logger);
  const watcher = new FeedWatcher((tenantKey) =>
    new LedgerReads(database.read(tenantKey), tenantKey).feedPosition(),
  );
  const tierGrants = new TierGrants();
  const tiers = new TierTracker(tierGrants);
  const writer = new LimitingLedgerWriter(new TrackingLedgerWriter(new TransactionalLedgerWriter(), tiers));
  const tenants = new TenantService(database);
  const programs = new ProgramService(database, tenants, (error) =>
    logger.error({ err: error }, 'what follows a new program failed; the daily work does it again'),
  );
  const useCases = new UseCaseRunner(database, programs);
  const review = new TierReview(database, programs, tierGrants);
  const preparation = new TierPreparation(database, programs, review);
  programs.listen(preparation);
  const upkeep = new TierGrantUpkeep(database, programs, tierGrants);
  programs.listen(upkeep);
  const grants = new GrantWriter();
  const effects = new RuleEffects(grants);
  const enrolment = new Enrolment({ asker: host, tenants, database, tiers });
  const ledgers = new LedgerService({ database, programs, useCases, writer, listener: watcher });
  const base = { database, programs, useCases, ledgers, writer, enrolment, listener: watcher };
  const tiersOf = (tenantKey: string, program: PinnedProgram, memberKeys: readonly string[]) =>
    findTiers(database.read(tenantKey), tenantKey, program, memberKeys);
  const parts = { ...base, effects, tiers, grants, tiersOf };
  const activities = new ActivityService(parts);
  const proof = new ProofKeeper(database);
  const jobs: JobParts = {
    ...{ database, tenants, programs, writer, listener: watcher, logger, activities, proof },
    tiers: review,
    preparation,
    tierGrants: upkeep,
  };
  const testClock = new TestClockService(database, tenants, {
    timeZone: async (tenantKey) => (await programs.inForce(tenantKey)).definition.timeZone,
    catchUp: async (tenantKey) => void (await catchUp(jobs, tenantKey)),
  });
  const services: Services = {
    tenants,
    apiKeys: new ApiKeyService(database, tenants),
    testClock,
    programs,
    ledgers,
    ...servicesByHand(base),
    members: new MemberService(parts),
    memberMerges: new MemberMergeService(parts),
    activities,
    benefits: new BenefitService({ database, programs, useCases, grants }),
    tiers: new TierService(database, useCases, tierGrants),
    audit: new AuditService(database),
    pointEvents: new PointEventService(database, watcher),
  };
  return {
    database,
    services,
    watcher,
    metrics,
    jobs,
    proof,
    logger,
    close: async () => {
      watcher.close();
      await database.close();
    },
  };
}
