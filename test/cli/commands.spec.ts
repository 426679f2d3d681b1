import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { texts } from '../../src/cli/texts.ts';
import { projectPath } from '../../src/persistence/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { runInProcess } from '../support/in-process.ts';
import type { Ended } from '../support/process.ts';

const DEMO = projectPath('docs/examples/programs/demo.yaml');

let database: TestDatabase;
let folder: string;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'membergraph-cli-'));
});

afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

function cli(args: string[], environment: Record<string, string> = {}): Promise<Ended> {
  return runInProcess(args, { DATABASE_URL: database.appUrl, DATA_DIR: folder, ...environment });
}

it('makes tenants, keys and tokens', async () => {
  expect(await cli(['tenant', 'create', 'shop', '--program', DEMO])).toMatchObject({ code: 0 });
  const again = await cli(['tenant', 'create', 'shop']);
  expect(again).toMatchObject({ code: 1 });
  expect(again.stderr).toContain('There is a tenant with the code "shop" already');
  expect((await cli(['tenant', 'create', 'Not A Code'])).code).toBe(1);
  expect((await cli(['key', 'create', '--tenant', 'shop'])).stdout).toMatch(/^mgk_\S{43}\n$/);
  expect((await cli(['token', 'create', '--tenant', 'shop', '--staff', 'ann'])).stdout).toMatch(/^ey\S+\n$/);
  expect((await cli(['token', 'create', '--tenant', 'shop', '--member', 'nonsense'])).code).toBe(1);
});

it('applies and exports programs: what is exported, applied and exported again is the same', async () => {
  await cli(['tenant', 'create', 'tea', '--program', DEMO]);
  const exported = (await cli(['program', 'export', '--tenant', 'tea'])).stdout;
  const file = join(folder, 'tea.yaml');
  await writeFile(file, exported);
  expect((await cli(['program', 'apply', file, '--tenant', 'tea'])).stdout).toContain(
    'version 1 says the same',
  );
  expect((await cli(['program', 'export', '--tenant', 'tea'])).stdout).toBe(exported);
});

it('refuses a bad program file whole, with line and path', async () => {
  const file = join(folder, 'bad.yaml');
  await writeFile(
    file,
    (await readFile(DEMO, 'utf8')).replace('asset: points, amount: 100', 'asset: pionts, amount: 100'),
  );
  await cli(['tenant', 'create', 'bad']);
  const refused = await cli(['program', 'apply', file, '--tenant', 'bad']);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(
    /bad\.yaml:\d+ rules\.0\.postings\.0\.asset: no asset of this program is called "pionts"/,
  );
  expect((await cli(['program', 'export', '--tenant', 'bad'])).stderr).toContain('has no program yet');
});

it('explains itself, in the reader’s language', async () => {
  expect((await cli(['--help'])).stdout).toContain('Bring in what happened before.');
  expect((await cli(['--help'], { LANG: 'zh_CN.UTF-8' })).stdout).toContain('导入历史数据。');
  expect((await cli(['tenant', 'list'], { LANG: 'zh_CN.UTF-8' })).code).toBe(0);
});

it('has every text in every language', () => {
  for (const [key, languages] of Object.entries(texts)) {
    expect([key, languages.en, languages['zh-CN']]).not.toContain('');
  }
});
