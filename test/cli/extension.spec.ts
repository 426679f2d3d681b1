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
  await failed('no JSON', 'test', 'crm', '--sample', '{');
  await failed('can’t be read', 'register', join(folder, 'none.js'));
  await writeFile(join(folder, 'bad.js'), 'export default (');
  await failed('(1:', 'register', join(folder, 'bad.js'), '--point', 'points.rule');
  expect((await cli('extension', '--help')).stdout).toContain('from a file to LIVE');
});
