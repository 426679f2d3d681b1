import { createHash } from 'node:crypto';
import { z } from 'zod';
import {
  answers,
  type CallContext,
  type CallRecord,
  type CallRecorder,
  defineExtensionPoint,
  definePlugin,
  type ExtensionPoint,
  type Plugin,
  type Registration,
  type Registrations,
  type Revision,
  type RevisionCode,
} from '../../src/extension/index.ts';
import { derivedKey, newKey } from '../../src/kernel/ids.ts';
import { type Failure, PluginHost, Runtimes, watchPlugins } from '../../src/plugin-host/index.ts';
import { newWebhookSecret } from '../../src/plugin-host/runtimes/webhook/index.ts';
import { longestMs } from './registered.ts';

/** What filters of these tests look at. */
export interface Facts {
  readonly color: string;
}

/** A question of the tests alone. */
export const greet = defineExtensionPoint({
  name: 'test.greet',
  version: 1,
  description: 'A question of the tests alone.',
  kind: 'ASKED',
  onThrow: 'FAIL_CLOSED',
  input: z.object({ name: z.string().meta({ pii: true }) }),
  output: z.strictObject({ text: z.string(), times: z.int().default(1) }),
  neutral: { text: '', times: 1 },
  example: { input: { name: 'Xiao Man' }, output: { text: 'Hello' } },
});

export type Greeter = (input: { name: string }, context: CallContext) => unknown;

export const QUESTION = {
  ...{
    mode: 'LIVE' as const,
    idempotencyKey: 'k-1',
    subject: 'mem_1',
    now: new Date('2026-11-20T08:30:00Z'),
  },
  facts: (): Facts => ({ color: 'green' }),
};

/** What a test says otherwise of a question. */
type Given = Partial<typeof QUESTION> & Record<string, unknown>;

export function newGreeter(id: string, greeter: Greeter, given: Partial<Plugin> = {}): Plugin {
  const answerer = answers(greet, greeter as never);
  return definePlugin({
    ...{ id, version: 2, description: 'A plugin of the tests.', answers: [answerer] },
    ...given,
  });
}

export const inProcess = (plugin: string, configuration?: unknown): RevisionCode => ({
  ...{ runtime: 'IN_PROCESS', plugin, configuration },
});

export const webhook = (url: string): RevisionCode => ({
  runtime: 'WEBHOOK',
  url,
  secrets: [newWebhookSecret()],
});

export const sandbox = (code: string): RevisionCode => ({
  ...{ runtime: 'SANDBOX', code, digest: createHash('sha256').update(code).digest('hex') },
});

export function revision(code: RevisionCode, given: Partial<Revision<Facts>> = {}): Revision<Facts> {
  return {
    ...{ version: 1, pointVersion: 1, code, onFailure: 'FAIL_CLOSED', defaultOutput: null },
    ...{ deadlineMs: longestMs(code.runtime), postingLimits: null, filter: null },
    ...given,
  };
}

/** An extension of the tests' tenant; LIVE with this revision unless something else is said. */
export function registration(
  name: string,
  newest: Revision<Facts> | null,
  given: Partial<Registration<Facts>> = {},
): Registration<Facts> {
  const tenantKey = given.tenantKey ?? TENANT;
  return {
    ...{ tenantKey, extensionKey: derivedKey(tenantKey, name), name, point: greet.name, priority: 100 },
    ...{ stage: 'LIVE', canaryPercent: 0, newest, live: null },
    ...given,
  };
}

const TENANT = newKey();

/** Registrations as they stand now; tests change them. */
export class MemoryRegistrations implements Registrations<Facts> {
  all: readonly Registration<Facts>[] = [];

  async of(tenantKey: string, point: string): Promise<readonly Registration<Facts>[]> {
    return this.all.filter((registered) => registered.tenantKey === tenantKey && registered.point === point);
  }

  async tenantCode(): Promise<string> {
    return 'tea';
  }
}

export class MemoryRecorder implements CallRecorder {
  calls: CallRecord[] = [];

  record(call: CallRecord): void {
    this.calls.push(call);
  }
}

export interface HostOptions {
  readonly plugins?: readonly Plugin[];
  readonly registered?: readonly Registration<Facts>[];
  readonly sandboxWorkers?: number;
  readonly breakMs?: number;
}

/** No test here asks by a name that there is; the network's own server may be away, and then takes long. */
async function nobodyHasIt(host: string): Promise<never> {
  throw Object.assign(new Error(`There is no ${host}.`), { code: 'ENOTFOUND' });
}

/** A host with real runtimes, that asks what a test registers. */
export function startHost({
  plugins = [],
  registered,
  sandboxWorkers = 1,
  breakMs = 10_000,
}: HostOptions = {}) {
  const registrations = new MemoryRegistrations();
  registrations.all =
    registered ??
    plugins.map(({ id, version, deadlineMs, onFailure = 'FAIL_CLOSED', priority }) =>
      registration(id, revision(inProcess(id), { version, deadlineMs: deadlineMs ?? 10_000, onFailure }), {
        priority: priority ?? 100,
      }),
    );
  const recorder = new MemoryRecorder();
  const failures: Failure[] = [];
  let dropped = 0;
  const runtimes = new Runtimes({
    plugins,
    watchdog: watchPlugins(plugins, { level: 'silent', onBlocked: () => undefined }),
    sandboxWorkers,
    allowedNetworks: ['127.0.0.0/8'],
    breaker: { failures: 5, breakMs },
    resolve: nobodyHasIt,
  });
  const host = new PluginHost<Facts>({
    registrations,
    recorder,
    runtimes,
    listener: {
      onFailure: (failure) => failures.push(failure),
      onShadowDropped: () => {
        dropped += 1;
      },
    },
  });
  const askAt = async <Input extends z.ZodType, Output extends z.ZodType>(
    point: ExtensionPoint<Input, Output>,
    input: z.input<Input>,
    question: Given = {},
    tenantKey = TENANT,
  ) => (await (await host.find(tenantKey, point))?.ask(input, { ...QUESTION, ...question })) ?? [];
  return {
    ...{ host, runtimes, registrations, recorder, failures, askAt },
    askFor: (tenantKey: string, question?: Given) => askAt(greet, { name: 'Xiao Man' }, question, tenantKey),
    dropped: () => dropped,
    ask: (question?: Given) => askAt(greet, { name: 'Xiao Man' }, question),
    close: async () => {
      await host.close();
      await runtimes.close();
    },
  };
}

export type TestHost = ReturnType<typeof startHost>;
