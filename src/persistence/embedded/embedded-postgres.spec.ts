import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { untilHolds } from '../../../test/support/until-holds.ts';
import {
  acquireEmbeddedPostgres,
  type EmbeddedDatabase,
  type EmbeddedOptions,
  removeEmbeddedPostgres,
} from './index.ts';
import { birthOf } from './process-identity.ts';

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
const indexUrl = new URL('./index.ts', import.meta.url).href;

/** A user in a process of its own: prints its progress, then its URL, and releases on a line of input. */
const USER_CODE = `
  const [index, dataDir, stay] = process.argv.slice(1);
  const { acquireEmbeddedPostgres } = await import(index);
  const log = (m) => console.log('log ' + m);
  try {
    const db = await acquireEmbeddedPostgres({ dataDir, durable: false, log });
    console.log('url ' + db.adminUrl);
    if (stay === 'stay') process.stdin.once('data', () => db.release().then(() => process.exit(0)));
  } catch (error) {
    console.log('error ' + error.message);
  }
`;

interface UserProcess {
  readonly child: ChildProcess;
  readonly exited: Promise<void>;
  /** What follows that word in the first line that begins with it. */
  line(word: 'log creating' | 'url' | 'error'): Promise<string>;
}

const children: ChildProcess[] = [];
const acquired: EmbeddedDatabase[] = [];
const dataDirs = new Set<string>();
let base = '';

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'embedded-postgres-'));
  await chmod(base, 0o755);
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(acquired.map((database) => database.release()));
  await Promise.all([...dataDirs].map((dataDir) => removeEmbeddedPostgres(dataDir)));
  await rm(base, { recursive: true, force: true });
});

function newDataDir(name: string): string {
  const dataDir = join(base, name);
  dataDirs.add(dataDir);
  return dataDir;
}

/** Acquires, and releases at the end of the file whatever a failing test has left. */
async function acquire(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const database = await acquireEmbeddedPostgres(options);
  acquired.push(database);
  return database;
}

function startUser(dataDir: string, stay: 'stay' | 'go' = 'stay', uid?: number): UserProcess {
  const args = ['--input-type=module', '--disable-warning=ExperimentalWarning', '-e', USER_CODE];
  const ids = uid === undefined ? {} : { uid, gid: uid };
  const child = spawn(process.execPath, [...args, indexUrl, dataDir, stay], {
    ...ids,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  let hasEnded = false;
  // Its output has come, too: it may end before what it said last is read.
  const exited = once(child, 'close').then(() => {
    hasEnded = true;
  });
  const line: UserProcess['line'] = async (word) => {
    let found: string | undefined;
    const seen = (): boolean => {
      found = lines.find((l) => l.startsWith(`${word} `));
      return found !== undefined || hasEnded;
    };
    await untilHolds(seen, `the user process says "${word}"`);
    if (found === undefined) throw new Error(`the user process said ${JSON.stringify(lines)}, not "${word}"`);
    return found.slice(word.length + 1);
  };
  return { child, exited, line };
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const accepts = (url: string): Promise<boolean> =>
  query(url, 'select 1').then(
    () => true,
    () => false,
  );

/** The pid and pid file of the server, which may have been placed outside of the data folder. */
async function postmaster(dataDir: string): Promise<{ pid: number; file: string; home: string }> {
  const root = join(dataDir, 'postgres');
  const { home } = JSON.parse(await readFile(join(root, 'control/placement.json'), 'utf8'));
  const path = home === 'server' ? join(root, 'server') : String(home);
  const file = join(path, 'cluster/postmaster.pid');
  const pid = Number((await readFile(file, 'utf8').catch(() => '0')).split('\n')[0]);
  return { pid, file, home: path };
}

const runs = (pid: number): boolean => birthOf(pid) !== null;

describe('embedded PostgreSQL', () => {
  it('creates a cluster once, and finds its data again', async () => {
    const dataDir = newDataDir('reused');
    const log: string[] = [];
    const first = await acquire({ dataDir, log: (message) => log.push(message) });
    const roles = await query(
      first.adminUrl,
      `select rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole from pg_roles
       where rolname ~ '^membergraph' order by 1`,
    );
    const none = { rolsuper: false, rolbypassrls: false, rolcreatedb: false, rolcreaterole: false };
    expect(roles).toEqual([
      { rolname: 'membergraph_app', ...none },
      { rolname: 'membergraph_owner', ...none, rolcreatedb: true },
    ]);
    await query(first.adminUrl, 'create table kept (n int); insert into kept values (7)');
    await expect(query(first.appUrl, 'select * from kept')).rejects.toThrow('permission denied');
    await expect(query(first.appUrl, 'create table mine ()')).rejects.toThrow('permission denied');
    await Promise.all([first.release(), first.release()]);
    expect(await accepts(first.adminUrl)).toBe(false);

    const settings = { work_mem: '7MB', application_name: `it's "quoted" $HOME` };
    const second = await acquire({ dataDir, settings });
    expect(await query(second.adminUrl, 'select n from kept')).toEqual([{ n: 7 }]);
    expect(await query(second.adminUrl, 'show work_mem')).toEqual([{ work_mem: '7MB' }]);
    expect(await query(second.adminUrl, 'show fsync')).toEqual([{ fsync: 'on' }]);
    await second.release();
    expect(log.filter((message) => message.startsWith('creating the database cluster'))).toHaveLength(1);
  });

  it('is listening on the loopback address alone, and asks for a password', async () => {
    const dataDir = newDataDir('reused');
    const db = await acquire({ dataDir, durable: false });
    const url = new URL(db.adminUrl);
    expect(url.hostname).toBe('127.0.0.1');
    const shown = await query(
      db.adminUrl,
      `select current_setting('listen_addresses') as tcp, current_setting('fsync') as fsync,
         current_setting('server_encoding') as encoding, upper('ä') as upper`,
    );
    expect(shown).toEqual([{ tcp: '127.0.0.1', fsync: 'off', encoding: 'UTF8', upper: 'Ä' }]);
    url.password = 'wrong';
    await expect(query(url.href, 'select 1')).rejects.toThrow('password authentication failed');
    expect((await stat(join(dataDir, 'postgres/control/credentials.json'))).mode & 0o777).toBe(0o600);
    await db.release();
  });

  it('is shared by processes that create it at once, and the last one stops it', async () => {
    const dataDir = newDataDir('shared');
    const users = [startUser(dataDir), startUser(dataDir)];
    const urls = await Promise.all(users.map((user) => user.line('url')));
    expect(urls[0]).toBe(urls[1]);
    const own = await acquire({ dataDir });
    const again = await acquire({ dataDir });
    expect(own.adminUrl).toBe(urls[0]);
    const { pid } = await postmaster(dataDir);
    await Promise.all([own.release(), own.release()]);
    users[0]?.child.stdin?.write('release\n');
    await users[0]?.exited;
    expect(await accepts(own.adminUrl)).toBe(true);
    await again.release();
    expect(await accepts(own.adminUrl)).toBe(true);
    users[1]?.child.stdin?.write('release\n');
    await users[1]?.exited;
    expect(await accepts(own.adminUrl)).toBe(false);
    expect(runs(pid)).toBe(false);
  });

  it('is not kept for ever by users that ended or were killed, nor keeps their process', async () => {
    const dataDir = newDataDir('shared');
    const killed = startUser(dataDir);
    const url = await killed.line('url');
    const forgetful = startUser(dataDir, 'go');
    await forgetful.exited;
    expect(await forgetful.line('url')).toBe(url);
    killed.child.kill('SIGKILL');
    await killed.exited;
    expect(await accepts(url)).toBe(true);
    expect(await readdir(join(dataDir, 'postgres/control/leases'))).toHaveLength(2);
    const own = await acquire({ dataDir });
    expect(own.adminUrl).toBe(url);
    await own.release();
    expect(await accepts(url)).toBe(false);
  });

  it('recovers what was committed when the server was killed', async () => {
    const dataDir = newDataDir('shared');
    const before = await acquire({ dataDir });
    await query(before.adminUrl, 'create table committed (n int); insert into committed values (1)');
    const { pid } = await postmaster(dataDir);
    process.kill(pid, 'SIGKILL');
    await untilHolds(() => !runs(pid));
    const after = await acquire({ dataDir });
    // The address is the old one, so that users who were connected find the new server.
    expect(after.adminUrl).toBe(before.adminUrl);
    expect(await query(after.adminUrl, 'select n from committed')).toEqual([{ n: 1 }]);
    await after.release();
    expect(await accepts(after.adminUrl)).toBe(true);
    await before.release();
    expect(await accepts(after.adminUrl)).toBe(false);
  });

  it('is brought back where it was by who keeps it running, until they leave', async () => {
    const dataDir = newDataDir('shared');
    const keeper = await acquire({ dataDir, keepRunning: true });
    for (const _ of [1, 2]) {
      const { pid } = await postmaster(dataDir);
      process.kill(pid, 'SIGKILL');
      await untilHolds(() => !runs(pid));
      await untilHolds(() => accepts(keeper.adminUrl));
    }
    await keeper.release();
    expect(await accepts(keeper.adminUrl)).toBe(false);
    expect(runs((await postmaster(dataDir)).pid)).toBe(false);
  });

  it('is not fooled by a postmaster.pid whose pid is another process by now', async () => {
    const dataDir = newDataDir('shared');
    const before = await acquire({ dataDir });
    const { pid, file } = await postmaster(dataDir);
    const text = await readFile(file, 'utf8');
    process.kill(pid, 'SIGKILL');
    await untilHolds(() => !runs(pid));
    const { uid, gid } = await stat(file);
    const stranger = spawn('sleep', ['600'], isRoot ? { uid, gid } : {});
    children.push(stranger);
    await writeFile(file, text.replace(/^\d+/, String(stranger.pid)));
    const after = await acquire({ dataDir });
    expect(await accepts(after.adminUrl)).toBe(true);
    await after.release();
    await before.release();
    expect(stranger.exitCode).toBeNull();
    expect(await accepts(after.adminUrl)).toBe(false);
  });

  it('begins again when it was killed in the middle of its creation', async () => {
    const dataDir = newDataDir('interrupted');
    const killed = startUser(dataDir);
    await killed.line('log creating');
    await sleep(300);
    killed.child.kill('SIGKILL');
    const db = await acquire({ dataDir, durable: false });
    expect(await query(db.adminUrl, 'select current_user::text as name')).toEqual([
      { name: 'membergraph_owner' },
    ]);
    expect(await accepts(db.appUrl)).toBe(true);
    await killed.exited;
    await db.release();
  });

  it('says that its files are gone, and does not begin with an empty database', async () => {
    const dataDir = newDataDir('interrupted');
    await rm((await postmaster(dataDir)).home, { recursive: true });
    await expect(acquire({ dataDir })).rejects.toThrow(/which is gone; restore it/);
  });

  it('says why the server does not start', async () => {
    const settings = { shared_buffers: 'plenty' };
    await expect(acquire({ dataDir: newDataDir('reused'), settings })).rejects.toThrow(
      /^PostgreSQL did not start \(invalid value for parameter "shared_buffers": "plenty"\).*server\.log/,
    );
  });
});

const whenRoot = isRoot ? it : it.skip;
const rootOnly = isRoot ? '' : ' (skipped: only root can play this)';

describe('embedded PostgreSQL and operating system users', () => {
  whenRoot(`keeps the files where the server's user can reach them${rootOnly}`, async () => {
    const closed = join(base, 'closed');
    await mkdir(closed, { mode: 0o700 });
    const dataDir = newDataDir('closed/data');
    const log: string[] = [];
    const first = await acquire({ dataDir, log: (message) => log.push(message) });
    await query(first.adminUrl, 'create table kept ()');
    await first.release();
    const { home } = await postmaster(dataDir);
    expect(home.startsWith(base)).toBe(false);
    expect(log.join()).toContain(`the database's files are kept in ${home}`);
    const second = await acquire({ dataDir });
    expect(await query(second.adminUrl, 'select * from kept')).toEqual([]);
    await expect(removeEmbeddedPostgres(dataDir)).rejects.toThrow('is in use (1 times)');
    await second.release();
    await removeEmbeddedPostgres(dataDir);
    await expect(stat(home)).rejects.toThrow('ENOENT');
  });

  whenRoot(`runs as an ordinary user, but not on what root created${rootOnly}`, async () => {
    const probe = spawn(process.execPath, ['-e', `import(${JSON.stringify(indexUrl)})`], {
      uid: NOBODY,
      gid: NOBODY,
      stdio: 'ignore',
    });
    const code = await new Promise((resolve) => {
      probe.once('error', () => resolve(null)).once('exit', resolve);
    });
    if (code !== 0) {
      console.warn('skipped: an ordinary user cannot read this checkout or its Node.js');
      return;
    }
    const dataDir = newDataDir('of-nobody');
    await mkdir(dataDir);
    await chown(dataDir, NOBODY, NOBODY);
    const user = startUser(dataDir, 'stay', NOBODY);
    expect(await accepts(await user.line('url'))).toBe(true);
    expect((await stat((await postmaster(dataDir)).file)).uid).toBe(NOBODY);
    const asRoot = acquire({ dataDir });
    await expect(asRoot).rejects.toThrow(/created by the user with uid 65534 and cannot be run by root/);
    user.child.stdin?.write('release\n');
    await user.exited;
    await expect(readFile((await postmaster(dataDir)).file)).rejects.toThrow('ENOENT');
    // Root may not join it, so there is nothing for the others' clean-up to do.
    dataDirs.delete(dataDir);

    const intruder = startUser(newDataDir('shared'), 'go', NOBODY);
    expect(await intruder.line('error')).toMatch(/created by root and cannot be run by the user with uid/);
  });
});
