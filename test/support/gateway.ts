import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import supertest from 'supertest';
import { type DemoCredentials, ensureDemoTenant, signToken } from '../../src/boot/index.ts';
import { openGateway } from '../../src/boot/open-gateway.ts';
import { type Application, composeApplication, createLogger, type Foundation } from '../../src/compose.ts';
import { type Config, loadConfig } from '../../src/config/index.ts';
import type { Plugin } from '../../src/extension/index.ts';
import { withPluginFields } from '../../src/gateway/plugin-fields.ts';
import { buildGraphQLSchema } from '../../src/gateway/schema.ts';
import { loadPlugins, preparePlugins } from '../../src/plugin-host/index.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

/** JSON of a shape that only the test knows. */
// biome-ignore lint/suspicious/noExplicitAny: an answer to a query written in the test has no type of its own
export type Json = any;

export interface Answer<Data = Json> {
  readonly status: number;
  readonly data: Data;
  readonly errors: readonly {
    message: string;
    path?: unknown;
    extensions: { code: string; field?: string[] };
  }[];
}

/** A gateway of one test file, on a database of its own, with the demo tenant. */
export interface TestGateway {
  readonly url: string;
  readonly server: Server;
  readonly application: Application;
  readonly config: Config;
  readonly database: TestDatabase;
  readonly demo: DemoCredentials;
  readonly tenantKey: string;
  /** One operation over HTTP; as the demo tenant's staff unless headers say otherwise. */
  ask<Data = Json>(
    query: string,
    variables?: Record<string, unknown>,
    headers?: Record<string, string>,
  ): Promise<Answer<Data>>;
  /** Headers of a member of the demo tenant, by public id. */
  asMember(memberId: string): Promise<Record<string, string>>;
  /** The demo tenant's clock moves ahead; times are as PostgreSQL writes intervals, e.g. `1 day`. */
  advanceClock(interval: string): Promise<void>;
  /** The demo tenant's clock shows this moment, RFC 3339, and goes on from there. */
  setClock(moment: string): Promise<void>;
  /** SQL as the owner role, with the demo tenant set. */
  sql<Row = Json>(text: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export interface TestGatewayOptions {
  /** Instead of the built-in plugins. */
  readonly plugins?: readonly Plugin[];
  readonly environment?: NodeJS.ProcessEnv;
  /** On whose database it runs too; on one of its own when missing. Close it before that one. */
  readonly beside?: Pick<TestGateway, 'database'>;
  /** Hears what is logged from warnings on, line by line. */
  readonly log?: (line: string) => void;
  /** How extensions are asked. */
  readonly asking?: Foundation['asking'];
  /** Puts something between the gateway and its database; answers the address that leads through it. */
  readonly through?: (appUrl: string) => Promise<string>;
}

/** Starts a gateway: the real application, on a copy of the template database, or on another one's. */
export async function startTestGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const database = options.beside?.database ?? (await createTestDatabase());
  const dataDir = await mkdtemp(join(tmpdir(), 'membergraph-gateway-'));
  const environment = { LOG_LEVEL: 'silent', PORT: '0', DATA_DIR: dataDir, ...options.environment };
  const config = loadConfig(environment, '');
  const loaded = options.plugins ?? (await loadPlugins(config.plugins)).plugins;
  const set = { plugins: loaded, quarantined: [], optional: [] };
  const { plugins } = await preparePlugins(set, database);
  const { asking } = options;
  const logger = options.log ? createLogger('warn', { write: options.log }) : createLogger(config.logLevel);
  const databaseUrl = await (options.through?.(database.appUrl) ?? database.appUrl);
  const application = await composeApplication({ config, databaseUrl, plugins, logger, asking });
  const demo = await ensureDemoTenant(application, config);
  const tenantKey = (await application.services.tenants.findKeyByCode(demo.tenant)) ?? '';
  const gateway = await openGateway(application, withPluginFields(buildGraphQLSchema(), plugins), config);
  gateway.server.listen(0, '127.0.0.1');
  await once(gateway.server, 'listening');
  const url = `http://127.0.0.1:${(gateway.server.address() as AddressInfo).port}`;

  const owner = new pg.Client({ connectionString: database.adminUrl });
  await owner.connect();
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
  const sql = async (text: string, values: unknown[] = []): Promise<Json[]> =>
    (await owner.query(text, values)).rows;

  return {
    url,
    server: gateway.server,
    application,
    config,
    database,
    demo,
    tenantKey,
    sql,
    ask: async (query, variables = {}, headers = { 'x-api-key': demo.adminApiKey }) => {
      const response = await supertest(url).post('/graphql').set(headers).send({ query, variables });
      const { data = null, errors = [] } = response.body as { data?: Json; errors?: Answer['errors'] };
      return { status: response.status, data, errors };
    },
    asMember: async (memberId) => {
      const claims = { subject: memberId, tenant: demo.tenant, role: 'member', expiresIn: '1h' } as const;
      return { authorization: `Bearer ${await signToken(config, claims)}` };
    },
    advanceClock: async (interval) => {
      await sql('update tenant set clock_offset = clock_offset + $1::interval where tenant_id = $2', [
        interval,
        tenantKey,
      ]);
    },
    setClock: async (moment) => {
      await sql('update tenant set clock_offset = $1::timestamptz - now() where tenant_id = $2', [
        moment,
        tenantKey,
      ]);
    },
    close: async () => {
      await gateway.drain();
      await application.close();
      await owner.end();
      if (options.beside === undefined) await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
