import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectPath } from '../../src/persistence/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { runInProcess } from '../support/in-process.ts';
import type { Ended } from '../support/process.ts';

const DEMO = projectPath('docs/examples/programs/demo.yaml');
/** As long as may be, so that a slow machine isn't taken for a slow extension. */
const LONGEST = ['--deadline', '1000'];
const RULE = `export default ({ member }: { member: { tier: { rank: number } } }) =>
  ({ postings: [{ asset: 'points', amount: String(member.tier.rank * 10), reason: 'rank' }] });`;

let database: TestDatabase;
let folder: string;
let file: string;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'membergraph-cli-'));
  file = join(folder, 'rank.ts');
  await writeFile(file, RULE);
  await cli('tenant', 'create', 'shop', '--program', DEMO);
});

afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

function cli(...args: string[]): Promise<Ended> {
  return runInProcess(args, { DATABASE_URL: database.appUrl, DATA_DIR: folder });
}

const extension = (...args: string[]): Promise<Ended> => cli('extension', ...args, '--tenant', 'shop');

it('takes an extension from a file to LIVE, and back', async () => {
  const registered = await extension(
    ...['register', file, '--point', 'points.rule', '--on-failure', 'FAIL_OPEN', ...LONGEST],
  );
  expect(registered).toEqual({ code: 0, stdout: 'rank: version 1 is DRAFT.\n', stderr: '' });
  const tested = await extension('test', 'rank', '--sample', '{"member":{"tier":{"rank":3}}}');
  expect(tested.code).toBe(0);
  expect(JSON.parse(tested.stdout)).toMatchObject({
    outcome: 'OK',
    output: { postings: [{ asset: 'points', amount: '30', reason: 'rank' }] },
  });
  expect((await extension('stage', 'rank', 'live')).stdout).toBe('rank: version 1 is LIVE.\n');
  await writeFile(file, RULE.replace('10', '20'));
  expect((await extension('register', file, '--stage', 'LIVE')).stdout).toBe('rank: version 2 is LIVE.\n');
  const replayed = await extension('replay', 'rank');
  expect(replayed).toMatchObject({ code: 1, stderr: expect.stringContaining('not the same') });
  expect(replayed.stdout).toMatch(/"path":"postings.0.amount","before":"30","now":"60"/);
  expect((await extension('rollback', 'rank')).stdout).toBe('rank: version 3 is LIVE.\n');
  expect((await extension('replay', 'rank', '--first', '2')).stdout).toContain('1 the same, 1 different');
  const calls = (await extension('calls', 'rank', '--mode', 'TEST')).stdout.trim().split('\n');
  expect(calls).toHaveLength(4);
  expect(JSON.parse(calls[0] ?? '')).toMatchObject({ mode: 'TEST', outcome: 'OK', version: 3 });
  expect((await extension('report', 'rank')).stdout).toBe('0 calls: 0 the same, 0 different, 0 failed\n');
  expect((await extension('list')).stdout).toMatch(/^rank\tpoints\.rule\tSANDBOX\tLIVE\t3\nwelcome-note\t/);
  expect(JSON.parse((await extension('show', 'rank')).stdout)).toMatchObject({
    ...{ name: 'rank', restores: 1, health: { state: 'IDLE' } },
    changes: [{ kind: 'ROLLED_BACK', madeBy: 'cli' }, { kind: 'UPDATED' }, { kind: 'STAGED' }, {}],
  });
});

it('shows a webhook’s secret once', async () => {
  const url = 'https://93.184.216.34/hook';
  const { stdout } = await extension('register', '--url', url, '--name', 'crm', '--point', 'member.create');
  expect(stdout).toMatch(/^crm: version 1 is DRAFT\.\nThe signing secret, shown this once: whsec_\S+\n$/);
  expect((await extension('show', 'crm')).stdout).not.toContain('whsec');
});

it('rotates a webhook’s secret, and only a webhook’s', async () => {
  const { stdout } = await extension('rotate', 'crm');
  expect(stdout).toMatch(/^The signing secret, shown this once: whsec_\S+\n$/);
  expect(JSON.parse((await extension('show', 'crm')).stdout)).toMatchObject({
    changes: [{ kind: 'SECRET_ROTATED', madeBy: 'cli' }, {}],
  });
  expect(await extension('rotate', 'rank')).toMatchObject({ code: 1, stdout: '' });
});

it('keeps limits and when to step back, and writes nothing when it is only tried', async () => {
  const limits = [
    '--posting-limits',
    '{"points":"500"}',
    '--step-back',
    '{"errorPercent":20,"latencyMs":90}',
  ];
  const tried = await extension('register', file, ...limits, '--dry-run');
  expect(tried.stdout).toBe('rank: version 4 would be DRAFT; nothing was written.\n');
  expect(JSON.parse((await extension('show', 'rank')).stdout)).toMatchObject({
    version: 3,
    postingLimits: null,
  });
  expect((await extension('register', file, ...limits)).stdout).toBe('rank: version 4 is DRAFT.\n');
  expect(JSON.parse((await extension('show', 'rank')).stdout)).toMatchObject({
    ...{ version: 4, postingLimits: [{ asset: 'points', most: '500' }], errorPercent: 20, latencyMs: 90 },
  });
  const staged = await extension('stage', 'rank', 'SHADOW', '--dry-run');
  expect(staged.stdout).toBe('rank: version 4 would be SHADOW; nothing was written.\n');
  const rolled = await extension('rollback', 'rank', '--dry-run');
  expect(rolled.stdout).toBe('rank: version 5 would be LIVE; nothing was written.\n');
  expect((await extension('list')).stdout).toMatch(/^rank\tpoints\.rule\tSANDBOX\tDRAFT\t4$/m);
});

it('demands SHADOW before what is new counts', async () => {
  expect((await extension('require-shadow', 'yes')).stdout).toContain('has to be in SHADOW');
  expect(await extension('stage', 'rank', 'LIVE')).toMatchObject({
    ...{ code: 1, stderr: expect.stringContaining('SHADOW') },
  });
  expect((await extension('require-shadow', 'no')).stdout).toBe('New code may count at once.\n');
  expect((await extension('stage', 'rank', 'LIVE')).stdout).toBe('rank: version 4 is LIVE.\n');
});

it('replays the calls of a while', async () => {
  const none = await extension('replay', 'rank', '--until', '2020-01-01');
  expect(none).toMatchObject({ code: 0, stdout: '0 the same, 0 different, 0 failed, 0 not asked\n' });
  const all = await extension('replay', 'rank', '--since', '2020-01-01T00:00:00+08:00', '--first', '1');
  expect(all.stdout.trim().split('\n')).toHaveLength(2);
});

it('says what is wrong, and exits 1', async () => {
  const failed = async (says: string, ...args: string[]): Promise<void> => {
    const { code, stderr } = await extension(...args);
    expect([code, stderr]).toEqual([1, expect.stringContaining(says)]);
  };
  await failed('There is no extension "none"', 'show', 'none');
  await failed('a file, --url or --plugin', 'register', '--name', 'nothing');
  await failed('--point', 'register', file, '--name', 'pointless');
  await failed(
    'answers member.create, and keeps to it',
    ...['register', file, '--name', 'crm', '--point', 'points.rule'],
  );
  await failed('Give a whole number.', 'calls', 'crm', '--first', 'ten');
  await failed('Name one of DRAFT, SHADOW, CANARY, LIVE, RETIRED.', 'stage', 'crm', 'LIFE');
  await failed('is no moment', 'replay', 'rank', '--since', 'yesterday');
  await failed('whole amounts', 'register', file, '--posting-limits', '{"points":500}');
  await failed('whole numbers', 'register', file, '--step-back', '{"errors":1}');
  await failed('yes, no', 'require-shadow', 'maybe');
  await failed('no JSON', 'test', 'crm', '--sample', '{');
  await failed('can’t be read', 'register', join(folder, 'none.js'));
  await writeFile(join(folder, 'bad.js'), 'export default (');
  await failed('(1:', 'register', join(folder, 'bad.js'), '--point', 'points.rule');
  expect((await cli('extension', '--help')).stdout).toContain('from a file to LIVE');
});
