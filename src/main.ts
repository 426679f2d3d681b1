import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import closeWithGrace from 'close-with-grace';
import { type DemoCredentials, ensureDemoTenant, openDatabase } from './boot/index.ts';
import { openGateway } from './boot/open-gateway.ts';
import { composeApplication, createLogger } from './compose.ts';
import { type Config, loadConfig } from './config/index.ts';
import type { Gateway } from './gateway/gateway.ts';
import { buildGraphQLSchema } from './gateway/schema.ts';
import { startJobs } from './jobs/index.ts';
import { loadPlugins } from './plugin-host/index.ts';

const DRAIN_WITHIN_MS = 20_000;

/** Undoes, in reverse order, what was begun. */
type Undo = () => Promise<void>;

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** What happened, in one sentence. */
function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function listen({ server }: Gateway, { host, port }: Config): Promise<number> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(`The port ${port} is in use already: stop what uses it, or set PORT to another.`);
  }
  return (server.address() as AddressInfo).port;
}

function welcome(config: Config, port: number, demo: DemoCredentials | null): void {
  const host = ['127.0.0.1', '0.0.0.0', '::'].includes(config.host) ? 'localhost' : config.host;
  tell('');
  tell(`Membergraph is ready: http://${host}:${port}/graphql`);
  if (config.introspection) tell(`  GraphiQL      http://${host}:${port}/graphiql`);
  if (demo === null) return;
  tell(`  tenant        ${demo.tenant} (sandbox)`);
  tell(`  staff key     x-api-key: ${demo.adminApiKey}`);
  tell(`  member token  authorization: Bearer ${demo.memberToken}`);
  tell(`  all of it     ${config.dataDir}/credentials.json`);
  tell('');
}

async function start(undo: Undo[]): Promise<void> {
  const config = loadConfig();
  const logger = createLogger(config.logLevel);
  const opened = await openDatabase(config, tell);
  undo.push(() => opened.release());
  const plugins = await loadPlugins(config.plugins);
  const application = await composeApplication({ config, databaseUrl: opened.appUrl, plugins, logger });
  undo.push(() => application.close());
  const unready = await application.database.unreadiness();
  if (unready !== null)
    throw new Error(`${unready} Run "membergraph migrate" with DATABASE_ADMIN_URL first.`);
  const demo = opened.embedded ? await ensureDemoTenant(application, config) : null;
  const gateway = await openGateway(application, buildGraphQLSchema(), config);
  const port = await listen(gateway, config);
  undo.push(() => gateway.drain());
  if (config.jobsEverySeconds > 0) {
    const jobs = await startJobs(application.jobs, { everyMs: config.jobsEverySeconds * 1_000 });
    undo.push(() => jobs.stop());
  }
  welcome(config, port, demo);
}

async function stop(undo: Undo[]): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}

const undo: Undo[] = [];
try {
  await start(undo);
  closeWithGrace({ delay: DRAIN_WITHIN_MS, logger: false }, async ({ err }) => {
    if (err !== undefined) process.stderr.write(`${err.stack ?? err.message}\n`);
    await stop(undo);
  });
} catch (error) {
  process.stderr.write(`${sentence(error)}\n`);
  await stop(undo).catch(() => undefined);
  process.exit(1);
}
