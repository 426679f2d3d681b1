import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeEmbeddedPostgres } from '../../src/persistence/embedded/index.ts';
import { projectPath } from '../../src/persistence/index.ts';
import { createTestDatabase } from '../support/database.ts';
import { freePort, run } from '../support/process.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const READY = /Membergraph is ready: (http:\S+)\/graphql/;

interface Credentials {
  readonly tenant: string;
  readonly adminApiKey: string;
  readonly memberId: string;
  readonly memberToken: string;
}

let dataDir: string;
let environment: Record<string, string>;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'membergraph-start-'));
  environment = { DATA_DIR: dataDir, PORT: String(await freePort()) };
});

afterEach(async () => {
  await removeEmbeddedPostgres(dataDir);
  await rm(dataDir, { recursive: true, force: true });
});

async function credentials(): Promise<Credentials> {
  return JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8'));
}

async function ask(url: string, headers: Record<string, string>, query: string) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  return (await response.json()) as { data: { member: { ledger: { balance: { available: string } } } } };
}

function earn(memberId: string, key: string): string {
  return `mutation { earnPoints(input: { idempotencyKey: "${key}", memberId: "${memberId}", asset: "points",
    amount: "5" }) { userErrors { code } } }`;
}

const available = (memberId: string): string =>
  `{ member(id: "${memberId}") { ledger(asset: "points") { balance { available } } } }`;

it('makes the demo tenant on first boot, and finds all of it again, also after kill -9', async () => {
  const own = { ...environment, ADMIN_API_KEY: 'a-key-of-my-own-choice' };
  const first = run('main', [], own);
  const [, url = ''] = await first.until(READY);
  const made = await credentials();
  expect(Object.keys(made)).toEqual(['tenant', 'adminApiKey', 'memberId', 'memberToken']);
  expect(made.adminApiKey).toBe('a-key-of-my-own-choice');
  expect((await stat(join(dataDir, 'credentials.json'))).mode & 0o777).toBe(0o600);
  await ask(url, { 'x-api-key': made.adminApiKey }, earn(made.memberId, 'before'));
  first.child.kill('SIGKILL');
  await first.ended;

  const second = run('main', [], environment);
  await second.until(READY);
  expect(await credentials()).toEqual(made);
  const { data } = await ask(url, { authorization: `Bearer ${made.memberToken}` }, available(made.memberId));
  expect(data.member.ledger.balance.available).toBe('105');

  // The CLI joins the running database, and leaves it running.
  const listed = await run('cli', ['tenant', 'list'], environment).ended;
  expect(listed).toMatchObject({ code: 0, stdout: 'demo\n' });
  expect((await fetch(`${url}/readyz`)).status).toBe(200);

  second.child.kill('SIGTERM');
  expect((await second.ended).code).toBe(0);
  await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  expect(await serverIsGone()).toBe(true);
});

/** The embedded server leaves no postmaster.pid behind when it was stopped. */
async function serverIsGone(): Promise<boolean> {
  const found = execFileSync('find', [dataDir, '-name', 'postmaster.pid']).toString();
  return found === '';
}

it('says in one sentence that the port is in use', async () => {
  const other = createServer().listen(Number(environment.PORT), '127.0.0.1');
  await once(other, 'listening');
  const { code, stderr } = await run('main', [], environment).ended;
  expect(code).toBe(1);
  expect(stderr).toBe(
    `The port ${environment.PORT} is in use already: stop what uses it, or set PORT to another.\n`,
  );
  other.close();
  await once(other, 'close');
});

it('says in one sentence that a setting is wrong', async () => {
  const { code, stderr } = await run('main', [], { ...environment, PORT: 'http' }).ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^PORT is wrong: .+\n$/);
});

it('serves from a PostgreSQL of one’s own, and refuses a role that owns it', async () => {
  const database = await createTestDatabase();
  const started = run('main', [], { ...environment, DATABASE_URL: database.appUrl });
  const [, url = ''] = await started.until(READY);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  started.child.kill('SIGTERM');
  expect((await started.ended).code).toBe(0);

  const refused = await run('main', [], { ...environment, DATABASE_URL: database.adminUrl }).ended;
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/^The database role "\w+" owns tables: .+\n$/);
  await database.drop();
});

(isRoot ? it : it.skip)(
  'runs as another user than root (skipped where the tests are not run by root)',
  async () => {
    const copy = await mkdtemp(join(tmpdir(), 'membergraph-copy-'));
    await chmod(copy, 0o755);
    for (const part of ['dist', 'node_modules', 'migrations', 'docs', 'package.json']) {
      execFileSync('cp', ['-a', '--reflink=auto', '--link', projectPath(part), copy]);
    }
    // Its folder is removed by us, who may; the product refuses to touch another user's database.
    const theirs = join(copy, 'data');
    await mkdir(theirs);
    await chown(theirs, NOBODY, NOBODY);
    const started = run(
      'main',
      [],
      { ...environment, DATA_DIR: theirs },
      { cwd: copy, uid: NOBODY, gid: NOBODY },
    );
    const [, url = ''] = await started.until(READY);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect((await stat(join(theirs, 'credentials.json'))).uid).toBe(NOBODY);
    started.child.kill('SIGTERM');
    expect((await started.ended).code).toBe(0);
    await rm(copy, { recursive: true, force: true });
  },
);
