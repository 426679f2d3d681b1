import type { z } from 'zod';
import type { ExtensionPoint, FailurePolicy } from './extension-point.ts';
import type { PluginJob, PluginListener, PluginSchema, PluginSql, PluginTables } from './plugin-parts.ts';
import type { CallMode } from './registration.ts';

/** What an answerer is told about the call. */
export interface CallContext<Configuration = unknown> {
  /** The tenant's code. */
  readonly tenant: string;
  /** Only on LIVE and CANARY something is written. */
  readonly mode: CallMode;
  /** From 1; the same request may be asked again when its commit failed. */
  readonly attempt: number;
  /** The same for every attempt at the same request. */
  readonly idempotencyKey: string;
  /** Business time. */
  readonly now: Date;
  /**
   * As the plugin's schema made it: of the tenant's registration, or where it registered nothing of
   * `configurePlugin`, or else the defaults.
   */
  readonly configuration: Configuration;
  /** Fires when the answer is no longer waited for. */
  readonly signal: AbortSignal;
  /**
   * One transaction on the plugin's own tables; rolled back when it throws, and in modes in which nothing is
   * written.
   */
  transaction<T>(work: (sql: PluginSql) => Promise<T>): Promise<T>;
  /** Writes a line to the call's log. */
  log(line: string): void;
  /**
   * Posts JSON to a service elsewhere, and answers the JSON that comes back, within the call's own deadline.
   * Addresses are those of webhooks: public ones by https, and networks that the operator allowed; no
   * redirect is followed.
   * @throws when no JSON came with a good status; let it through, and the call's log says why
   */
  post(url: string, message: Message): Promise<unknown>;
}

/** What a plugin posts. */
export interface Message {
  /** JSON, as it is sent. */
  readonly body: string;
  /** Beside those that say that it is JSON. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One registered answerer of an extension point. Its types fit its point: `answers` saw to that. */
export interface Answerer {
  readonly point: ExtensionPoint;
  readonly answer: (input: never, context: never) => unknown;
}

/** A package that brings answerers, in the gateway's own process. */
export interface Plugin {
  /** The folder's name, or the package's: kebab-case. */
  readonly id: string;
  readonly version: number;
  readonly description: string;
  /** Ids of plugins that have to be loaded too. */
  readonly dependsOn?: readonly string[];
  /** What a tenant can configure. Every key has a default, since a tenant may configure nothing. */
  readonly configuration?: z.ZodType;
  /** How long an asynchronous answer may take; 500 when missing. */
  readonly deadlineMs?: number;
  /** As each extension point says when missing. */
  readonly onFailure?: Exclude<FailurePolicy, 'DEFAULT'>;
  /** Lower ones are asked first; 100 when missing. */
  readonly priority?: number;
  /** May be empty where it brings something else. */
  readonly answers: readonly Answerer[];
  /** What it adds to the GraphQL schema. */
  readonly schema?: PluginSchema;
  /** Tables of its own. */
  readonly tables?: PluginTables;
  /** Who hears what happens; it needs tables, where their places are kept. */
  readonly listeners?: readonly PluginListener[];
  /** What time brings; it needs tables, where what was done is kept. */
  readonly jobs?: readonly PluginJob[];
}

/** Answers an extension point by a function whose types follow from the point's schemas. */
export function answers<Input extends z.ZodType, Output extends z.ZodType, Configuration = unknown>(
  point: ExtensionPoint<Input, Output>,
  answer: (
    input: z.infer<Input>,
    context: CallContext<Configuration>,
  ) => z.input<Output> | Promise<z.input<Output>>,
): Answerer {
  return { point, answer };
}

export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}
