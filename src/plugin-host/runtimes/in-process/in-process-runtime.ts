import type {
  Answerer,
  CallContext,
  CallMode,
  CallOutcome,
  Fault,
  Plugin,
  PluginSql,
  RevisionCode,
} from '../../../extension/index.ts';
import { writeJson } from '../../json.ts';
import { checkedAnswer, failedAnswer, type RuntimeAnswer, type RuntimeCall } from '../runtime.types.ts';
import type { WebhookRuntime } from '../webhook/index.ts';
import { type Configured, configure, messageOf } from './configure.ts';
import { guarded } from './guarded.ts';
import type { Watchdog } from './watchdog.ts';

type InProcessCode = Extract<RevisionCode, { runtime: 'IN_PROCESS' }>;

/** As many as the sandbox keeps. */
const LOG_LINES = 100;
const LOG_LINE_CHARACTERS = 1_000;

/** Where plugins keep what is theirs. */
export interface OwnTables {
  /** In modes in which nothing is written all is rolled back. */
  transaction<T>(
    plugin: Plugin,
    tenantKey: string,
    work: (sql: PluginSql) => Promise<T>,
    mode: CallMode,
  ): Promise<T>;
}

/** What plugins reach beside what they are asked. */
export interface PluginWays {
  /** The way of what plugins post: with one guard for all addresses. */
  readonly webhooks: Pick<WebhookRuntime, 'post'>;
  readonly ownTables?: OwnTables | undefined;
}

interface Seated {
  readonly plugin: Plugin;
  readonly answerer: Answerer;
}

/** What a plugin posted brought nothing: as long as the plugin lets it through, it is how the call ended. */
class PostFailed extends Error {
  readonly outcome: CallOutcome;
  readonly fault: Fault;

  constructor(outcome: CallOutcome, fault: Fault) {
    super(fault.code);
    this.name = 'PostFailed';
    this.outcome = outcome;
    this.fault = fault;
  }
}

/** Asks the operator's plugins, in this process. They are trusted, but not to be free of mistakes. */
export class InProcessRuntime {
  readonly #plugins: ReadonlyMap<string, Plugin>;
  readonly #seats: readonly Seated[];
  readonly #watchdog: Watchdog;
  readonly #webhooks: Pick<WebhookRuntime, 'post'>;
  readonly #configured = new WeakMap<InProcessCode, Configured>();

  readonly #ownTables: OwnTables | undefined;

  constructor(plugins: readonly Plugin[], watchdog: Watchdog, { webhooks, ownTables }: PluginWays) {
    this.#webhooks = webhooks;
    this.#ownTables = ownTables;
    this.#watchdog = watchdog;
    this.#plugins = new Map(plugins.map((plugin) => [plugin.id, plugin]));
    this.#seats = plugins.flatMap((plugin) => plugin.answers.map((answerer) => ({ plugin, answerer })));
  }

  /** Why a plugin can't be registered for a point like this; null when it can. */
  check(code: InProcessCode, point: string): Fault | null {
    const plugin = this.#plugins.get(code.plugin);
    if (plugin === undefined) return notLoaded(code);
    if (!plugin.answers.some((answerer) => answerer.point.name === point)) return withoutAnswer(code, point);
    return configure(plugin, code.configuration).fault;
  }

  /** Why a plugin can't take a configuration; null when it can. */
  checkConfiguration(plugin: string, configuration: unknown): Fault | null {
    const found = this.#plugins.get(plugin);
    return found === undefined ? notLoaded({ plugin }) : configure(found, configuration).fault;
  }

  /** Never throws: what went wrong is told. */
  async call(code: InProcessCode, call: RuntimeCall): Promise<RuntimeAnswer> {
    const { point } = call;
    const seated = this.#seats.find(
      ({ plugin, answerer }) =>
        plugin.id === code.plugin &&
        answerer.point.name === point.name &&
        answerer.point.version === point.version,
    );
    if (seated === undefined) {
      const isLoaded = this.#plugins.has(code.plugin);
      return failedAnswer('UNREACHABLE', isLoaded ? withoutAnswer(code, point.name) : notLoaded(code));
    }
    const configured = this.#configurationOf(seated.plugin, code);
    if (configured.fault !== null) return failedAnswer('ERROR', configured.fault);
    return await this.#ask(seated, configured.configuration, call);
  }

  async close(): Promise<void> {
    await this.#watchdog.close();
  }

  async #ask(seated: Seated, configuration: unknown, call: RuntimeCall): Promise<RuntimeAnswer> {
    const { plugin } = seated;
    const logs: string[] = [];
    const startedAt = performance.now();
    const guest = { plugin: plugin.id, point: call.point.name };
    const ended = await guarded(this.#watchdog, guest, call.deadlineMs, (signal, enter) => {
      const context = this.#contextOf(seated, call, { configuration, logs, signal });
      return enter(() => seated.answerer.answer(JSON.parse(call.json) as never, context as never));
    });
    const told = { durationMs: performance.now() - startedAt, logs: [...logs] };
    const { id } = plugin;
    if (ended.kind === 'late') {
      const details = { plugin: id, deadlineMs: call.deadlineMs };
      return failedAnswer('TIMEOUT', { code: 'PLUGIN_TIMEOUT', details }, told);
    }
    if (ended.kind === 'threw') {
      if (ended.error instanceof PostFailed)
        return failedAnswer(ended.error.outcome, ended.error.fault, told);
      const fault = { code: 'PLUGIN_THREW', details: { plugin: id }, message: messageOf(ended.error) };
      return { ...failedAnswer('ERROR', fault, told), error: ended.error };
    }
    // A copy, since the plugin may go on changing what it gave.
    const written = writeJson('OUTPUT_INVALID', ended.answer);
    if (written.fault !== null) return failedAnswer('INVALID_OUTPUT', written.fault, told);
    const output: unknown = JSON.parse(written.json);
    return checkedAnswer(output, await call.check(output), told);
  }

  #contextOf(
    { plugin }: Seated,
    call: RuntimeCall,
    { configuration, logs, signal }: { configuration: unknown; logs: string[]; signal: AbortSignal },
  ): CallContext {
    const { tenant, mode, attempt, idempotencyKey, now, extensionKey, deadlineMs } = call;
    const startedAt = performance.now();
    const log = (line: string): void => {
      if (logs.length < LOG_LINES) logs.push(String(line).slice(0, LOG_LINE_CHARACTERS));
    };
    const post: CallContext['post'] = async (url, { body, headers = {} }) => {
      const options = {
        deadlineMs: Math.max(1, Math.floor(deadlineMs - (performance.now() - startedAt))),
        anyway: mode === 'TEST',
      };
      const told = await this.#webhooks.post({ id: extensionKey, url, body, headers }, options);
      const { outcome, output, why } = told;
      if (outcome === 'OK') return output;
      throw new PostFailed(outcome, why ?? { code: 'WEBHOOK_UNREACHABLE', details: {} });
    };
    const transaction: CallContext['transaction'] = async (work) => {
      if (this.#ownTables === undefined) throw new Error('There is no database here.');
      return await this.#ownTables.transaction(plugin, call.tenantKey, work, mode);
    };
    return {
      ...{ tenant, mode, attempt, idempotencyKey, now: new Date(now), configuration, signal, log, post },
      transaction,
    };
  }

  #configurationOf(plugin: Plugin, code: InProcessCode): Configured {
    const known = this.#configured.get(code);
    if (known !== undefined) return known;
    const configured = configure(plugin, code.configuration);
    this.#configured.set(code, configured);
    return configured;
  }
}

function notLoaded({ plugin }: Pick<InProcessCode, 'plugin'>): Fault {
  return { code: 'PLUGIN_NOT_LOADED', details: { plugin } };
}

function withoutAnswer({ plugin }: InProcessCode, point: string): Fault {
  return { code: 'PLUGIN_WITHOUT_ANSWER', details: { plugin, point } };
}
