import { type DestinationStream, type Logger, pino } from 'pino';
import { evaluationOf, trackingOf } from './composition/evaluation.ts';
import {
  expiriesOf,
  extensionServices,
  extensionsOf,
  keepersOf,
  pluginWorkOf,
} from './composition/extensions.ts';
import type { Foundation } from './composition/foundation.ts';
import { recordsOf } from './composition/ledgers.ts';
import { reconcilerOf } from './composition/reconciliation.ts';
import { Activity, ActivityService, RefundedPart } from './domain/activities/index.ts';
import { AuditService, LegDay, LegRollUp, ProofKeeper, SealedRun } from './domain/audit/index.ts';
import {
  BenefitService,
  BenefitUse,
  Grant,
  GrantWriter,
  TierGrants,
  TierGrantUpkeep,
} from './domain/benefits/index.ts';
import { type Endpoints, endpointEntities, endpointsOf } from './domain/endpoints/index.ts';
import type { ExpressionFacts } from './domain/expressions/index.ts';
import { type CallLog, type ExtensionRegistry, extensionEntities } from './domain/extensions/index.ts';
import {
  Entry,
  Hold,
  HoldService,
  Ledger,
  LedgerOperation,
  LedgerService,
  Lot,
  MirrorService,
  RecordChange,
  RecordLane,
  RecordReading,
  ReversalService,
  StoredValueService,
  ToldPlace,
  TransferService,
} from './domain/ledgers/index.ts';
import { FeedEventService, LiveFeed, LiveService } from './domain/live/index.ts';
import {
  Enrolment,
  Member,
  MemberCodeService,
  MemberMergeService,
  MemberProfiles,
  MemberService,
} from './domain/members/index.ts';
import { ProgramService, ProgramVersion, UseCaseRunner } from './domain/programs/index.ts';
import {
  MirrorCheck,
  MirrorDifference,
  MirrorPlace,
  ReconciliationService,
} from './domain/reconciliation/index.ts';
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
  MemberTier,
  MetricDay,
  TierChange,
  TierDue,
  TierLists,
  TierPreparation,
  TierService,
  tierFinder,
} from './domain/tiers/index.ts';
import { EventUpkeep, FeedTails, FeedWatcher, openBus, StoredFeedEvent } from './events/index.ts';
import type { Workbench } from './extension/index.ts';
import { errorCatalogue } from './gateway/catalogue.ts';
import type { Services } from './gateway/context.ts';
import { Metrics } from './gateway/metrics.ts';
import { catchUp, type JobParts } from './jobs/index.ts';
import { Database, Sealer } from './persistence/index.ts';
import { PluginHost, Runtimes, WebhookEventLine } from './plugin-host/index.ts';

export type { Foundation } from './composition/foundation.ts';

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
  RecordChange,
  RecordLane,
  LegDay,
  LegRollUp,
  SealedRun,
  Activity,
  RefundedPart,
  Grant,
  BenefitUse,
  MemberTier,
  MetricDay,
  TierChange,
  TierDue,
  ...extensionEntities,
  StoredFeedEvent,
  ToldPlace,
  MirrorPlace,
  MirrorCheck,
  MirrorDifference,
  ...endpointEntities,
];

/** The application without its doors: what the gateway and the CLI share. */
export interface Application {
  readonly database: Database;
  readonly services: Services;
  readonly watcher: FeedWatcher;
  readonly tails: FeedTails;
  readonly metrics: Metrics;
  readonly jobs: JobParts;
  readonly proof: ProofKeeper;
  readonly calls: CallLog;
  readonly sealer: Sealer;
  readonly registry: ExtensionRegistry;
  readonly logger: Logger;
  readonly host: PluginHost<ExpressionFacts>;
  readonly workbench: Workbench<ExpressionFacts>;
  readonly relay: Endpoints['relay'];
  close(): Promise<void>;
}

/** Personal data are kept out of the log: only ids and codes are logged, and credentials are cut. */
export function createLogger(level: string, destination?: DestinationStream): Logger {
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
  return pino({ level, redact: { paths, remove: true } }, destination);
}

/** What tells endpoints of events, as webhooks are called. */
function endpointsFor(
  { config, logger }: Foundation,
  parts: Pick<
    Parameters<typeof endpointsOf>[0],
    'database' | 'tenants' | 'programs' | 'sealer' | 'watcher'
  > & {
    readonly runtimes: Runtimes;
    readonly metrics: Metrics;
  },
): Endpoints {
  const { database, tenants, programs, sealer, watcher, runtimes, metrics } = parts;
  const endpoints = endpointsOf({
    ...{ database, tenants, programs, sealer, watcher },
    ...{ line: new WebhookEventLine(runtimes), eventDays: config.eventDays },
    onOutcome: (outcome) => metrics.eventTold(outcome),
    onError: (error) => logger.error({ err: error }, 'endpoints could not be told; that is tried again'),
  });
  metrics.watchBacklog(() => endpoints.relay.backlog());
  return endpoints;
}

/** What is done with points by hand, beside earning and spending. */
function servicesByHand(
  parts: ConstructorParameters<typeof HoldService>[0] & { readonly programs: ProgramService },
): Pick<
  Services,
  'holds' | 'mirrors' | 'reconciliation' | 'records' | 'reversals' | 'transfers' | 'storedValue'
> {
  return {
    holds: new HoldService(parts),
    mirrors: new MirrorService(parts),
    reconciliation: new ReconciliationService(parts.database, parts.programs),
    records: new RecordReading(parts.asking),
    reversals: new ReversalService(parts),
    transfers: new TransferService(parts),
    storedValue: new StoredValueService(parts),
  };
}

/** What is done with members, and shown of them. */
function servicesOfMembers(
  parts: ConstructorParameters<typeof MemberService>[0] &
    ConstructorParameters<typeof MemberMergeService>[0] &
    ConstructorParameters<typeof MemberCodeService>[0],
): Pick<Services, 'members' | 'memberCodes' | 'memberProfiles' | 'memberMerges'> {
  return {
    members: new MemberService(parts),
    memberCodes: new MemberCodeService(parts),
    memberProfiles: new MemberProfiles(parts),
    memberMerges: new MemberMergeService(parts),
  };
}

/** What is done with tiers, and shown of them. */
function servicesOfTiers(
  parts: ConstructorParameters<typeof TierService>[0] & ConstructorParameters<typeof TierLists>[0],
): Pick<Services, 'tiers' | 'tierLists'> {
  return { tiers: new TierService(parts), tierLists: new TierLists(parts) };
}

/** What tells listeners what happens. */
function followersOf({ config, logger }: Foundation, database: Database, metrics: Metrics) {
  const { bus } = config;
  const feed = new LiveFeed(database);
  const watcher = new FeedWatcher((tenantKey) => feed.position(tenantKey), {
    openBus: (listener) => openBus(bus, database, listener),
    onBus: (error) => {
      metrics.busIsThere(bus.over, error === null);
      const said = { bus: bus.over, err: error ?? undefined };
      if (error === null) logger.info(said, 'the bus is there');
      else logger.warn(said, 'the bus is away: what others commit is heard a second later');
    },
  });
  return { watcher, tails: new FeedTails(feed, watcher) };
}

function databaseOf({ config, databaseUrl, logger, relaxedCommits = false }: Foundation): Promise<Database> {
  return Database.open({
    appUrl: databaseUrl,
    entities,
    readConnections: config.readConnections,
    writeConnections: config.writeConnections,
    relaxedCommits,
    onError: (error) => logger.warn({ err: error }, 'a database connection broke'),
  });
}

/** Builds the application on a database that is there and migrated. */
export async function composeApplication(foundation: Foundation): Promise<Application> {
  const { config, logger } = foundation;
  useErrorCatalogue(errorCatalogue);
  const metrics = new Metrics();
  const database = await databaseOf(foundation);
  const { watcher, tails } = followersOf(foundation, database, metrics);
  const tierGrants = new TierGrants();
  const { marks, tiers, writer } = trackingOf(tierGrants);
  const tenants = new TenantService(database);
  const keepers = keepersOf(foundation, database, tenants, metrics, watcher);
  const { host, runtimes, workbench, pluginParts } = extensionsOf(foundation, keepers, metrics);
  const programs = new ProgramService(database, tenants, (error) =>
    logger.error({ err: error }, 'what follows a new program failed; the daily work does it again'),
  );
  const asking = { database, asker: host, tiersOf: tierFinder(database) };
  const tiering = { ...asking, programs, marks, tierListener: tierGrants, feed: watcher };
  const { evaluation, review, reviewer } = evaluationOf(foundation, tiering);
  const useCases = new UseCaseRunner(database, programs, evaluation);
  const preparation = new TierPreparation(database, programs, review);
  programs.listen(preparation);
  const upkeep = new TierGrantUpkeep(database, programs, tierGrants, watcher);
  programs.listen(upkeep);
  const grants = new GrantWriter();
  const enrolment = new Enrolment({ asker: host, database, tiers });
  const records = recordsOf(foundation, { ...asking, programs, writer, listener: watcher });
  const { listener } = records;
  const hand = { database, programs, useCases, writer, asking, records, listener };
  const ledgers = new LedgerService(hand);
  const base = { ...hand, ledgers, enrolment };
  const parts = { ...base, ...asking, effects: new RuleEffects(grants), tiers, grants };
  const byHand = servicesByHand(base);
  const activities = new ActivityService(parts);
  const proof = new ProofKeeper(database);
  const endpoints = endpointsFor(foundation, { ...keepers, tenants, programs, watcher, runtimes, metrics });
  const jobs: JobParts = {
    ...{ database, tenants, programs, writer, listener, logger, activities, proof, records },
    ...{ tiers: reviewer, preparation, evaluation },
    ...{ tierGrants: upkeep, extensions: keepers.upkeep, endpoints: endpoints.upkeep },
    events: new EventUpkeep({ database, eventDays: config.eventDays }),
    expiries: expiriesOf(foundation, { ...asking, programs }),
    ...pluginWorkOf(foundation, { database, tenants, watcher, pluginParts }),
    reconciliation: reconcilerOf(foundation, { ...base, ...byHand }, metrics),
  };
  const testClock = new TestClockService(database, tenants, {
    timeZone: async (tenantKey) => (await programs.inForce(tenantKey)).definition.timeZone,
    catchUp: async (tenantKey) => void (await catchUp(jobs, tenantKey)),
  });
  const ofExtensions = extensionServices(keepers, workbench, programs);
  const services: Services = {
    ...{ ...ofExtensions, ...endpoints.services, ...byHand, tenants, testClock, programs, ledgers },
    apiKeys: new ApiKeyService(database, tenants),
    ...servicesOfMembers({ ...parts, sealer: keepers.sealer }),
    activities,
    benefits: new BenefitService({ ...base, ...asking, grants }),
    ...servicesOfTiers({ ...base, ...asking, tierListener: tierGrants }),
    audit: new AuditService(database),
    ...{ live: new LiveService(database), pluginParts },
    feedEvents: new FeedEventService({ database, extensionReads: ofExtensions.extensionReads }),
  };
  return {
    ...{ database, services, watcher, tails, metrics, jobs, proof, logger, host, workbench },
    ...{ calls: keepers.calls, sealer: keepers.sealer, registry: keepers.registry, relay: endpoints.relay },
    close: async () => {
      await Promise.all([endpoints.relay.stop(), records.close()]);
      tails.close();
      await watcher.close();
      // Together: shadows that are under way end with what runs them.
      await Promise.all([host.close(), runtimes.close()]);
      await keepers.calls.close();
      await database.close();
    },
  };
}
