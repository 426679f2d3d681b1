import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDemoTenant } from '../boot/index.ts';
import { openGateway } from '../boot/open-gateway.ts';
import { composeApplication, createLogger } from '../compose.ts';
import { loadConfig } from '../config/index.ts';
import type { Plugin } from '../extension/index.ts';
import { withPluginFields } from '../gateway/plugin-fields.ts';
import { buildGraphQLSchema } from '../gateway/schema.ts';
import { startJobs } from '../jobs/index.ts';
import { acquireEmbeddedPostgres, removeEmbeddedPostgres } from '../persistence/embedded/index.ts';
import { migrate } from '../persistence/index.ts';
import { preparePlugins, takePlugins } from '../plugin-host/index.ts';

/** Tests wait for what plugins hear and for their jobs. */
const JOBS_EVERY_MS = 200;

/** What an operation came to; its data are of whatever shape the test asked for. */
export interface TestAnswer {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly errors: readonly { readonly message: string; readonly extensions?: unknown }[];
}

/** The whole product, with a database of its own and the demo tenant. */
export interface TestGateway {
  /** Where it listens, e.g. `http://127.0.0.1:41234`. */
  readonly url: string;
  /** The code of the demo tenant, a sandbox. */
  readonly tenant: string;
  /** Its staff key: `x-api-key`. */
  readonly apiKey: string;
  /** One operation over HTTP, as staff of the demo tenant. */
  ask(query: string, variables?: Readonly<Record<string, unknown>>): Promise<TestAnswer>;
  /**
   * Moves the demo tenant's clock on, and does what each day on the way brings; jobs of plugins that are due
   * then run right after.
   * @param by ISO 8601, e.g. `P1D`
   */
  advanceClock(by: string): Promise<void>;
  /** Stops everything, and leaves nothing behind. */
  close(): Promise<void>;
}

export interface TestGatewayOptions {
  /** What is tested; checked as at the start of the product. */
  readonly plugins?: readonly Plugin[];
  /** Settings of the product, as in its environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Hears what is logged from warnings on, line by line. */
  readonly log?: (line: string) => void;
}

/**
 * Starts the product for a test of plugins: it takes a few seconds, so once for a file of tests.
 * @throws Error, one sentence that names what is wrong with a plugin
 */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const core = buildGraphQLSchema();
  const taken = takePlugins(options.plugins ?? []);
  const dataDir = await mkdtemp(join(tmpdir(), 'membergraph-plugin-'));
  const undo: (() => Promise<void>)[] = [() => rm(dataDir, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const database = await acquireEmbeddedPostgres({ dataDir, durable: false });
    undo.push(async () => {
      await database.release();
      await removeEmbeddedPostgres(dataDir);
    });
    const { appUrl: databaseUrl, adminUrl } = database;
    await migrate(adminUrl, databaseUrl);
    const { plugins } = await preparePlugins(taken, { adminUrl, appUrl: databaseUrl });
    const config = loadConfig({ DATA_DIR: dataDir, PORT: '0', ...options.environment }, '');
    const logger = options.log ? createLogger('warn', { write: options.log }) : createLogger('silent');
    const application = await composeApplication({ config, databaseUrl, embedded: true, plugins, logger });
    undo.push(() => application.close());
    const { tenant, adminApiKey: apiKey } = await ensureDemoTenant(application, config);
    const gateway = await openGateway(application, withPluginFields(core, plugins), config);
    undo.push(() => gateway.drain());
    gateway.server.listen(0, '127.0.0.1');
    await once(gateway.server, 'listening');
    if (plugins.some(({ listeners = [], jobs = [] }) => listeners.length + jobs.length > 0)) {
      const jobs = await startJobs(application.jobs, { everyMs: JOBS_EVERY_MS });
      undo.push(() => jobs.stop());
    }
    const url = `http://127.0.0.1:${(gateway.server.address() as AddressInfo).port}`;
    const ask: TestGateway['ask'] = (query, variables = {}) => askOver(url, apiKey, { query, variables });
    return { url, tenant, apiKey, ask, advanceClock: (by) => advanceClock(ask, by), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function askOver(url: string, apiKey: string, operation: unknown): Promise<TestAnswer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
    body: JSON.stringify(operation),
  });
  const { data = null, errors = [] } = (await response.json()) as Partial<TestAnswer>;
  return { data, errors };
}

const ADVANCE = `mutation($input: AdvanceTestClockInput!) {
  advanceTestClock(input: $input) { userErrors { message } }
}`;

/** @throws Error when the clock can't be moved so */
async function advanceClock(ask: TestGateway['ask'], by: string): Promise<void> {
  const { data, errors } = await ask(ADVANCE, { input: { idempotencyKey: randomUUID(), by } });
  const { userErrors = [] } = (data?.advanceTestClock ?? {}) as { userErrors?: TestAnswer['errors'] };
  const [why] = [...errors, ...userErrors];
  if (why !== undefined) throw new Error(why.message);
}
