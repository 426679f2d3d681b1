import type { ExpressionFacts } from '../domain/expressions/index.ts';
import {
  CallLog,
  ExtensionReads,
  ExtensionRegistry,
  ExtensionService,
  type ExtensionServices,
  ExtensionTesting,
  ExtensionUpkeep,
  PluginConfigurations,
  type Tried,
} from '../domain/extensions/index.ts';
import { ExpiryTelling, judgeTried } from '../domain/ledgers/index.ts';
import { LiveFeed } from '../domain/live/index.ts';
import type { ProgramService } from '../domain/programs/index.ts';
import type { TenantService } from '../domain/tenants/index.ts';
import type { FeedListener } from '../events/index.ts';
import { pointsExpire, type Workbench } from '../extension/index.ts';
import type { Metrics } from '../gateway/metrics.ts';
import { PluginJobs, PluginListeners, type PluginListenersParts } from '../jobs/index.ts';
import { type Database, Sealer } from '../persistence/index.ts';
import {
  HostWorkbench,
  PluginHost,
  PluginParts,
  RUNTIME_LIMITS,
  Runtimes,
  watchPlugins,
} from '../plugin-host/index.ts';
import type { Foundation } from './foundation.ts';

/** The networks of this machine alone. */
const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** What keeps extensions: registrations, calls, and what time brings to them. */
export function keepersOf(
  { config, plugins, logger }: Foundation,
  database: Database,
  tenants: TenantService,
  metrics: Metrics,
  listener: FeedListener,
) {
  const sealer = Sealer.of(config.encryptionKeys, config.dataDir);
  const registry = new ExtensionRegistry({ database, tenants, sealer, plugins });
  const calls = new CallLog({
    database,
    sealer,
    onLost: (lost) => metrics.callsLost(lost),
    onError: (error) => logger.error({ err: error }, 'calls of extensions could not be kept'),
  });
  const upkeep = new ExtensionUpkeep({ database, registry, listener, callDays: config.extensionCallDays });
  calls.onFailures(async (tenantKey, keys) => void (await upkeep.review(tenantKey, keys)));
  return { database, sealer, registry, calls, upkeep, plugins, listener };
}

/** What is done with extensions from outside. */
export function extensionServices(
  keepers: ReturnType<typeof keepersOf>,
  workbench: Workbench<ExpressionFacts>,
  programs: ProgramService,
): ExtensionServices {
  const judge = (tenantKey: string, tried: Tried) => judgeTried(programs, tenantKey, tried);
  const parts = { ...keepers, workbench, programs, judge, limits: RUNTIME_LIMITS };
  const extensionReads = new ExtensionReads(parts);
  return {
    extensions: new ExtensionService(parts),
    extensionReads,
    pluginConfigurations: new PluginConfigurations(parts),
    extensionTesting: new ExtensionTesting({ ...parts, reads: extensionReads }),
    extensionLimits: RUNTIME_LIMITS,
  };
}

/** Faults that quote nothing of an extension's answer. */
const OF_RUNTIMES = /^(WEBHOOK|SANDBOX|PLUGIN|EXTENSION|POINT)_/;

/** What asks extensions, and what tries and checks them. */
interface ExtensionParts {
  readonly runtimes: Runtimes;
  readonly host: PluginHost<ExpressionFacts>;
  readonly workbench: Workbench<ExpressionFacts>;
  /** What plugins bring beside answers. */
  readonly pluginParts: PluginParts;
}

export function extensionsOf(
  { config, plugins, quarantined = [], embedded = false, logger, asking = {} }: Foundation,
  { database, registry, calls }: ReturnType<typeof keepersOf>,
  metrics: Metrics,
): ExtensionParts {
  const tenantCode = (tenantKey: string): Promise<string> => registry.tenantCode(tenantKey);
  const watchdog = watchPlugins(plugins, {
    level: logger.level,
    onBlocked: (by, ms) => {
      const names = new Set(by.map(({ plugin }) => plugin));
      metrics.eventLoopBlocked([...names], ms / 1_000);
    },
  });
  const pluginParts = new PluginParts({
    ...{ plugins, database, watchdog, tenantCode },
    configurationOf: (tenantKey, plugin) => registry.configurationOf(tenantKey, plugin),
    onError: (plugin, what, error) => logger.warn({ plugin, what, err: error }, 'a plugin failed'),
    onRun: (run) => metrics.pluginRan(run),
  });
  const runtimes = new Runtimes({
    ...{ plugins, watchdog },
    ownTables: pluginParts,
    sandboxWorkers: config.sandboxWorkers,
    allowedNetworks: [...config.extensionAllowedNetworks, ...(embedded ? LOOPBACK : [])],
    ...asking,
  });
  for (const { id, why } of quarantined) logger.error({ plugin: id }, `a plugin is not asked: ${why}`);
  metrics.pluginsQuarantined(quarantined.length);
  const host = new PluginHost<ExpressionFacts>({
    registrations: registry,
    recorder: calls,
    runtimes,
    quarantined,
    listener: {
      onFailure: ({ extension, point, mode, fault, error }) => {
        metrics.extensionFailed(point);
        const code = fault?.code;
        // What an extension says may hold what it was told about a member; what a runtime says of it doesn't.
        const details = OF_RUNTIMES.test(code ?? '') ? fault?.details : undefined;
        logger.warn({ extension, point, mode, code, details, err: error }, 'an extension failed');
      },
      onShadowDropped: () => metrics.shadowDropped(),
    },
  });
  return { runtimes, host, workbench: new HostWorkbench({ runtimes, tenantCode }), pluginParts };
}

/** What tells extensions what expired. */
export function expiriesOf(
  { plugins, logger }: Foundation,
  parts: Omit<ConstructorParameters<typeof ExpiryTelling>[0], 'isForAll' | 'onGivenUp'>,
): ExpiryTelling {
  return new ExpiryTelling({
    ...parts,
    isForAll: plugins.some(({ answers }) => answers.some(({ point }) => point.name === pointsExpire.name)),
    onGivenUp: (given) => logger.warn(given, 'an extension never heard what expired; it is told no more'),
  });
}

/** What tells plugins what happens, and what they do as time passes. */
export function pluginWorkOf(
  { logger }: Foundation,
  parts: Omit<PluginListenersParts, 'position' | 'onError'>,
): { readonly listeners: PluginListeners; readonly pluginJobs: PluginJobs } {
  const feed = new LiveFeed(parts.database);
  const listeners = new PluginListeners({
    ...parts,
    position: (tenantKey) => feed.position(tenantKey),
    onError: (at, error) =>
      logger.warn({ ...at, err: error }, 'a plugin could not be told of events; that is tried again'),
  });
  return { listeners, pluginJobs: new PluginJobs({ pluginParts: parts.pluginParts, logger }) };
}
