import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type CallRecord,
  type ExtensionPoint,
  extensionPoints,
  type RevisionCode,
} from '../extension/index.ts';
import { newKey } from '../kernel/ids.ts';
import { loadPluginFile } from './load.ts';
import { watchPlugins } from './runtimes/in-process/index.ts';
import { Runtimes } from './runtimes/runtimes.ts';
import { HostWorkbench } from './workbench.ts';

/** A module that exports a plugin; any other one is code to upload. */
const EXPORTS_PLUGIN = /^\s*export\s+(const|let|var)\s+plugin\b|^\s*export\s*\{[^}]*\bplugin\b/m;
const TENANT = 'dev';

/** What a file is asked. */
export interface TriedFile {
  readonly file: string;
  /** The first that a plugin answers when missing. */
  readonly point?: ExtensionPoint;
  /** An input of the point that is asked. */
  inputFor(point: ExtensionPoint): unknown;
  /** As a tenant would write it. */
  readonly configuration?: unknown;
  readonly deadlineMs: number;
  /** Another number loads the file anew. */
  readonly time: number;
}

export type Tried = Pick<CallRecord, 'outcome' | 'output' | 'fault' | 'logs' | 'durationMs'> & {
  readonly point: string;
};

/**
 * Asks a plugin, or code to upload, by the runtime that it is for, as TEST.
 * @throws Error, one sentence that says what is wrong with the file
 */
export async function tryFile(tried: TriedFile): Promise<Tried> {
  const source = await readFile(tried.file, 'utf8');
  const plugin = EXPORTS_PLUGIN.test(source) ? await loadPluginFile(tried.file, tried.time) : null;
  const answered = plugin?.answers.map(({ point }) => point.name);
  const point =
    tried.point ?? extensionPoints.find(({ name }) => answered === undefined || answered[0] === name);
  if (point === undefined || answered?.includes(point.name) === false)
    throw new Error(`The plugin in ${tried.file} doesn't answer ${point?.name}: it answers ${answered}.`);
  const plugins = plugin === null ? [] : [plugin];
  const runtimes = new Runtimes({
    ...{ plugins, sandboxWorkers: 2, allowedNetworks: [] },
    watchdog: watchPlugins(plugins, { level: 'warn', onBlocked: () => undefined }),
  });
  const workbench = new HostWorkbench({ runtimes, tenantCode: async () => TENANT });
  try {
    const language = /\.[cm]?ts$/.test(basename(tried.file)) ? 'TYPESCRIPT' : 'JAVASCRIPT';
    const { configuration, deadlineMs } = tried;
    const draft =
      plugin === null
        ? ({ runtime: 'SANDBOX', source, language } as const)
        : ({ runtime: 'IN_PROCESS', plugin: plugin.id, configuration } as const);
    const checked = await workbench.check(TENANT, point.name, draft);
    if ('faults' in checked) {
      const [fault = null] = checked.faults;
      return { point: point.name, outcome: 'ERROR', output: null, fault, logs: [], durationMs: 0 };
    }
    const revision = {
      ...{ version: 1, pointVersion: point.version, code: checked.code as RevisionCode, deadlineMs },
      ...{ onFailure: point.onThrow, defaultOutput: null, postingLimits: null, filter: null },
    };
    const registration = { tenantKey: TENANT, extensionKey: newKey(), point: point.name };
    const asked = { input: tried.inputFor(point), idempotencyKey: `dev-${newKey()}`, now: new Date() };
    const record = await workbench.test(registration, revision, asked);
    const { outcome, output, fault, logs, durationMs } = record;
    return { point: point.name, outcome, output, fault, logs, durationMs };
  } finally {
    await runtimes.close();
  }
}
