import { readFile, rename, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Binaries } from './binaries.ts';
import { type Credentials, databaseUrl, OWNER_ROLE } from './credentials.ts';
import { readIfExists, writePrivateFile } from './durable-file.ts';
import { codeOf, EmbeddedPostgresError, messageOf } from './errors.ts';
import { birthOf, commandLineOf } from './process-identity.ts';
import { type OsUser, runTool } from './run-tool.ts';
import type { Site } from './site.ts';

export interface Server {
  readonly site: Site;
  readonly binaries: Binaries;
  readonly user: OsUser | undefined;
  readonly log: (message: string) => void;
}

/** Crash recovery of a large database takes minutes. */
const READY_MS = 300_000;
/** How long the children of a killed postmaster may keep its shared memory. */
const ORPHANS_MS = 20_000;
const STOP_SECONDS = 60;
const LARGE_LOG_BYTES = 4_000_000;

/** Whether the cluster's server is there, if only to recover. */
export async function isRunning(site: Site): Promise<boolean> {
  return (await findServer(site)) !== null;
}

/**
 * Joins the running server or starts it, waits until it accepts connections, and answers its port.
 * @param onlyPort where its users know it: it is started there or not at all
 */
export async function ensureRunning(
  server: Server,
  credentials: Credentials,
  settings: Readonly<Record<string, string>>,
  onlyPort?: number,
): Promise<number> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    const running = await findServer(server.site);
    if (running === null) await start(server, settings, onlyPort);
    else if (await accepts(databaseUrl(OWNER_ROLE, credentials.owner, running.port), server.site)) {
      return running.port;
    } else await sleep(30);
  }
  throw new EmbeddedPostgresError(
    `PostgreSQL in ${server.site.cluster} does not accept connections after ${READY_MS / 1000} s; ` +
      `look in its log ${server.site.logFile}.`,
  );
}

/** Stops the server if it runs, and returns when its process is gone. */
export async function stop(server: Server): Promise<void> {
  const { site, binaries, user, log } = server;
  const running = await findServer(site);
  if (running === null) return;
  log(`stopping PostgreSQL (process ${running.pid})`);
  const args = ['stop', '-D', site.cluster, '-w', '-t', String(STOP_SECONDS), '-m'];
  const options = { runAs: user, cwd: site.home };
  const fast = await runTool(binaries.pgCtl, [...args, 'fast'], options);
  // What hangs in a fast shutdown is ended; nothing committed is lost, the next start recovers.
  if (fast.code !== 0) await runTool(binaries.pgCtl, [...args, 'immediate'], options);
  for (let waited = 0; waited < 2_000 && birthOf(running.pid) !== null; waited += 10) await sleep(10);
  if ((await findServer(site)) === null) return;
  throw new EmbeddedPostgresError(
    `PostgreSQL (process ${running.pid}) could not be stopped (${fast.output}); its log is ${site.logFile}.`,
  );
}

/**
 * The server of this cluster, if one runs. postmaster.pid outlives a killed server, and its pid may by now
 * belong to anything, so the process must have been started on our folder.
 */
async function findServer(site: Site): Promise<{ pid: number; port: number } | null> {
  const text = await readIfExists(pidFile(site));
  const lines = (text ?? '').split('\n');
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!(pid > 0) || birthOf(pid) === null) return null;
  const commandLine = await commandLineOf(pid);
  const ours = commandLine === null || commandLine.some((part) => part.includes(site.cluster));
  // A file without its port is still being written; the caller will look again.
  return ours ? { pid, port: port > 0 ? port : 0 } : null;
}

async function accepts(url: string, site: Site): Promise<boolean> {
  const client = new Client({ connectionString: url, ssl: false, connectionTimeoutMillis: 5_000 });
  // A server that stops while we ask would otherwise be an unhandled 'error' event.
  client.on('error', () => {});
  try {
    await client.connect();
    return true;
  } catch (error) {
    // 28xxx: refused to let us in; 3D000: no such database. Waiting mends neither.
    if (!/^(28|3D)/.test(codeOf(error))) return false;
    throw new EmbeddedPostgresError(
      `PostgreSQL in ${site.cluster} refuses the passwords kept in ${site.control} (${messageOf(error)}); ` +
        `restore both from the same backup.`,
      { cause: error },
    );
  } finally {
    await client.end().catch(() => {});
  }
}

async function start(
  server: Server,
  settings: Readonly<Record<string, string>>,
  onlyPort: number | undefined,
): Promise<void> {
  const { site, log } = server;
  await removeForeignPidFile(site);
  await putLargeLogAside(site.logFile);
  const deadline = Date.now() + ORPHANS_MS;
  let port = onlyPort ?? (await choosePort(Number(await readIfExists(portFile(site)))));
  for (;;) {
    log(`starting PostgreSQL on 127.0.0.1:${port}`);
    const problem = await tryStart(server, port, settings);
    if (problem === null) break;
    const orphans = /pre-existing shared memory block|lock file "postmaster.pid"/.test(problem);
    const portTaken = /Address already in use|could not create any TCP\/IP sockets/.test(problem);
    if (Date.now() > deadline || !(orphans || portTaken)) throw startError(problem, site);
    if (portTaken && onlyPort === undefined) port = await choosePort(0);
    else await sleep(100);
  }
  await writePrivateFile(portFile(site), `${port}\n`);
}

/** Answers null when the server runs (though it may still be recovering), else what it wrote. */
async function tryStart(
  server: Server,
  port: number,
  settings: Readonly<Record<string, string>>,
): Promise<string | null> {
  const { site, binaries, user } = server;
  const all = { ...settings, listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: '' };
  const serverArgs = Object.entries(all).map(([name, value]) => `-c ${quoteForShell(`${name}=${value}`)}`);
  const logLength = await stat(site.logFile)
    .then((s) => s.size)
    .catch(() => 0);
  const args = [
    ...['start', '-D', site.cluster, '-l', site.logFile, '-w', '-t', String(READY_MS / 1000)],
    ...['-o', serverArgs.join(' ')],
  ];
  const run = await runTool(binaries.pgCtl, args, { runAs: user, cwd: site.home });
  if (run.code === 0 || (await findServer(site)) !== null) return null;
  const written = await readFile(site.logFile)
    .then((bytes) => bytes.subarray(logLength).toString('utf8'))
    .catch(() => '');
  return `${written}\n${run.output}`.trim();
}

function startError(problem: string, site: Site): EmbeddedPostgresError {
  const lines = problem.split('\n');
  const reason = lines.find((line) => /FATAL|PANIC/.test(line)) ?? lines.at(-1) ?? '';
  const words = reason.replace(/^.*(FATAL|PANIC):\s*/, '');
  return new EmbeddedPostgresError(
    `PostgreSQL did not start (${words}); mend this, its log is ${site.logFile}.`,
    { cause: new Error(problem) },
  );
}

/**
 * PostgreSQL believes any living process of its user that has the pid of its old postmaster.pid to be itself,
 * and refuses to start. Its check of the shared memory still guards the cluster without that file.
 */
async function removeForeignPidFile(site: Site): Promise<void> {
  const pid = Number(((await readIfExists(pidFile(site))) ?? '').split('\n')[0]);
  if (pid > 0 && processExists(pid)) await rm(pidFile(site), { force: true });
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** The port of last time if it is free, so that users of a server that crashed find the new one there. */
async function choosePort(last: number): Promise<number> {
  return (last > 0 ? await freePort(last) : null) ?? (await freePort(0)) ?? last;
}

function freePort(wanted: number): Promise<number | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(null));
    probe.listen({ host: '127.0.0.1', port: wanted, exclusive: true }, () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : null;
      probe.close(() => resolve(port));
    });
  });
}

async function putLargeLogAside(file: string): Promise<void> {
  const size = await stat(file)
    .then((s) => s.size)
    .catch(() => 0);
  if (size > LARGE_LOG_BYTES) await rename(file, `${file}.1`);
}

/** pg_ctl hands these options to a shell. */
function quoteForShell(text: string): string {
  if (process.platform === 'win32') return `"${text.replaceAll('"', '\\"')}"`;
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function pidFile(site: Site): string {
  return join(site.cluster, 'postmaster.pid');
}

function portFile(site: Site): string {
  return join(site.control, 'port');
}
