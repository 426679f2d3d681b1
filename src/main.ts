import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import closeWithGrace from 'close-with-grace';
import { type DemoCredentials, ensureDemoTenant, openDatabase } from './boot/index.ts';
import { openGateway } from './boot/open-gateway.ts';
import { composeApplication, createLogger } from './compose.ts';
import { type Config, loadConfig } from './config/index.ts';
import { LIVE_TAPE } from './gateway/example-page.ts';
import type { Gateway } from './gateway/gateway.ts';
import { withPluginFields } from './gateway/plugin-fields.ts';
import { buildGraphQLSchema } from './gateway/schema.ts';
import { startJobs } from './jobs/index.ts';
import { hearStrayErrors, loadPlugins, preparePlugins } from './plugin-host/index.ts';

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
  // Browsers send no server what stands behind the #.
  const tape = `http://${host}:${port}${LIVE_TAPE}#key=${encodeURIComponent(demo.adminApiKey)}`;
  if (config.introspection) tell(`  live tape     ${tape}`);
  tell(`  tenant        ${demo.tenant} (sandbox)`);
  tell(`  staff key     x-api-key: ${demo.adminApiKey}`);
  tell(`  member token  authorization: Bearer ${demo.memberToken}`);
  tell(`  all of it     ${config.dataDir}/credentials.json`);
  tell('  webhooks      may be on this machine too (127.0.0.0/8, ::1), as the database is the embedded one');
  tell('');
}

async function start(undo: Undo[]): Promise<void> {
  const config = loadConfig();
  const logger = createLogger(config.logLevel);
  const opened = await openDatabase(config, tell);
  undo.push(() => opened.release());
  hearStrayErrors({
    onGuest: (guest, error) =>
      logger.error({ ...guest, err: error }, 'a plugin left an error that nobody caught'),
    onOurs: fail,
  });
  const { appUrl: databaseUrl, embedded } = opened;
  const core = buildGraphQLSchema();
  const loaded = await preparePlugins(await loadPlugins(config.plugins, { schema: core }), opened);
  const application = await composeApplication({ config, databaseUrl, embedded, ...loaded, logger });
  undo.push(() => application.close());
  await application.sealer.ready();
  const unready = await application.database.unreadiness();
  if (unready !== null)
    throw new Error(`${unready} Run "membergraph migrate" with DATABASE_ADMIN_URL first.`);
  const demo = opened.embedded ? await ensureDemoTenant(application, config) : null;
  const gateway = await openGateway(application, withPluginFields(core, loaded.plugins), config);
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

/** An error of ours that nobody caught: what is under way is ended in order; a second one ends it at once. */
function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  if (hasFailed || endGracefully === null) process.exit(1);
  hasFailed = true;
  endGracefully();
}

let hasFailed = false;
let endGracefully: (() => void) | null = null;
const undo: Undo[] = [];
try {
  await start(undo);
  // Stray errors are told apart first: a plugin's don't end the process.
  const skip: ('uncaughtException' | 'unhandledRejection')[] = ['uncaughtException', 'unhandledRejection'];
  const { close } = closeWithGrace({ delay: DRAIN_WITHIN_MS, logger: false, skip }, async () => {
    await stop(undo);
    if (hasFailed) throw new Error('It ended by an error.');
  });
  endGracefully = close;
} catch (error) {
  process.stderr.write(`${sentence(error)}\n`);
  await stop(undo).catch(() => undefined);
  process.exit(1);
}
