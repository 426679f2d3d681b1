import type { CallMode, FieldContext, PartContext, Plugin, PluginSql } from '../../extension/index.ts';
import { RequestFault } from '../../kernel/errors.ts';
import type { Database } from '../../persistence/index.ts';
import { configure, type Enter, guarded, type Watchdog } from '../runtimes/in-process/index.ts';
import { tablesSchema } from './part-names.ts';

const FIELD_DEADLINE_MS = 500;
/** Modes in which nothing is written. */
const DRY: readonly CallMode[] = ['DRY_RUN', 'SHADOW', 'TEST'];

/** What a part of a plugin came to. */
export interface PartRun {
  readonly plugin: string;
  readonly what: string;
  readonly outcome: 'ok' | 'threw' | 'late';
  readonly seconds: number;
}

export interface PluginPartsOptions {
  readonly plugins: readonly Plugin[];
  readonly database: Database;
  readonly watchdog: Watchdog;
  readonly tenantCode: (tenantKey: string) => Promise<string>;
  /** What a tenant configured, as it was given; undefined for a plugin's defaults. */
  readonly configurationOf: (tenantKey: string, plugin: string) => Promise<unknown>;
  /** Hears of fields that answered nothing. */
  readonly onError: (plugin: string, what: string, error: unknown) => void;
  /** Hears of whatever ran. */
  readonly onRun: (run: PartRun) => void;
}

/** For whom a part of a plugin runs. */
export interface PartCall {
  readonly tenantKey: string;
  /** What runs, as the log and the metrics name it. */
  readonly what: string;
  readonly deadlineMs: number;
  /** Ends it earlier. */
  readonly signal?: AbortSignal | undefined;
}

/** Runs what plugins bring beside answers: as guests, within a deadline, on their own tables alone. */
export class PluginParts {
  readonly #options: PluginPartsOptions;
  constructor(options: PluginPartsOptions) {
    this.#options = options;
  }

  get plugins(): readonly Plugin[] {
    return this.#options.plugins;
  }

  /**
   * What a field answers.
   * @throws RequestFault PLUGIN_THREW, PLUGIN_TIMEOUT
   */
  async field<T>(
    plugin: Plugin,
    what: string,
    { tenantKey, caller }: { readonly tenantKey: string; readonly caller: FieldContext['caller'] },
    work: (context: FieldContext) => Promise<T> | T,
  ): Promise<T> {
    const { id: name, deadlineMs = FIELD_DEADLINE_MS } = plugin;
    try {
      return await this.run(plugin, { tenantKey, what, deadlineMs }, (context, enter) =>
        enter(() => work({ ...context, caller })),
      );
    } catch (error) {
      this.#options.onError(name, what, error);
      if (error instanceof RequestFault) throw error;
      throw new RequestFault('PLUGIN_THREW', { details: { plugin: name } });
    }
  }

  /**
   * @param work enters the plugin's own code by its second argument
   * @throws RequestFault PLUGIN_TIMEOUT, and what the plugin throws
   */
  async run<T>(
    plugin: Plugin,
    { tenantKey, what, deadlineMs, signal: stop }: PartCall,
    work: (context: PartContext, enter: Enter) => Promise<T> | T,
  ): Promise<T> {
    const tenant = await this.#options.tenantCode(tenantKey);
    const isConfigurable = plugin.configuration !== undefined;
    const given = isConfigurable ? await this.#options.configurationOf(tenantKey, plugin.id) : undefined;
    const startedAt = performance.now();
    let enteredAt: number | null = null;
    const told = (outcome: PartRun['outcome']): void => {
      if (enteredAt === null && outcome === 'ok') return;
      const seconds = (performance.now() - (enteredAt ?? startedAt)) / 1_000;
      this.#options.onRun({ plugin: plugin.id, what, outcome, seconds });
    };
    const guest = { plugin: plugin.id, point: what };
    const ended = await guarded(this.#options.watchdog, guest, deadlineMs, (signal, enter) => {
      const either = stop === undefined ? signal : AbortSignal.any([signal, stop]);
      const context: PartContext = {
        ...{ tenant, configuration: configurationFor(plugin, given), signal: either },
        transaction: (inside) => this.transaction(plugin, tenantKey, inside),
      };
      return work(context, (code) => {
        enteredAt ??= performance.now();
        return enter(code);
      });
    });
    if (ended.kind === 'answered') {
      told('ok');
      return ended.answer;
    }
    told(ended.kind === 'late' ? 'late' : 'threw');
    if (ended.kind === 'threw') throw ended.error;
    throw new RequestFault('PLUGIN_TIMEOUT', { details: { plugin: plugin.id, deadlineMs } });
  }

  /** @throws Error for a plugin without tables */
  transaction<T>(
    { id, tables }: Plugin,
    tenantKey: string,
    work: (sql: PluginSql) => Promise<T>,
    mode: CallMode = 'LIVE',
  ): Promise<T> {
    if (tables === undefined) {
      return Promise.reject(
        new Error(`The plugin "${id}" has no tables: give it "tables" to keep anything.`),
      );
    }
    const scope = { tenantKey, schema: tablesSchema(id) };
    const sql = this.#options.database;
    return sql.inPluginTables(scope, ({ now, run }) => work({ now, run, tenantKey }), {
      dryRun: DRY.includes(mode),
    });
  }
}

/** @throws Error where what the tenant configured doesn't fit, as it may with a newer version of the plugin */
function configurationFor(plugin: Plugin, given: unknown): unknown {
  const configured = configure(plugin, given);
  if (configured.fault === null) return configured.configuration;
  const { code, details, message } = configured.fault;
  throw new Error(`${code}: ${message ?? JSON.stringify(details)}`);
}
