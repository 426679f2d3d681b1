import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  await cli(['tenant', 'create', 'sandbox', '--sandbox', '--program', DEMO]);
  await cli(['tenant', 'create', 'live', '--program', DEMO]);
  await cli(['tenant', 'create', 'empty', '--sandbox']);
});

afterAll(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

function cli(args: string[], environment: Record<string, string> = {}): Promise<Ended> {
  return runInProcess(args, { DATABASE_URL: database.appUrl, DATA_DIR: folder, ...environment });
}

it('moves a sandbox’s clock, and no other', async () => {
  const dayAhead = () => new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  const before = dayAhead();
  const moved = await cli(['clock', 'advance', '--tenant', 'sandbox', '--by', 'PT24H']);
  expect(moved).toMatchObject({ code: 0, stderr: '' });
  // Midnight may have passed meanwhile.
  const shown = /^The clock of "sandbox" shows ([\d-]+)T/m.exec(moved.stdout)?.[1];
  expect([before, dayAhead()]).toContain(shown);
  const live = await cli(['clock', 'advance', '--tenant', 'live', '--by', 'P1D']);
  expect(live).toMatchObject({ code: 1, stdout: '' });
  expect(live.stderr).toContain('Only a sandbox’s clock can be moved');
  const empty = await cli(['clock', 'advance', '--tenant', 'empty', '--by', 'P1D']);
  expect(empty.stderr).toContain('has no program yet');
  const bad = await cli(['clock', 'advance', '--tenant', 'sandbox', '--by', 'tomorrow'], {
    LANG: 'zh_CN.UTF-8',
  });
  expect(bad).toMatchObject({
    code: 1,
    stderr: '“tomorrow”不是有效时长，请使用 ISO 8601 格式，例如 P30D。\n',
  });
  expect((await cli(['clock', 'advance', '--tenant', 'nobody', '--by', 'P1D'])).code).toBe(1);
});

it('does what the gateway does by itself', async () => {
  expect(await cli(['daily'])).toMatchObject({ code: 0, stdout: '2 tenants are up to date.\n' });
  expect(await cli(['daily'])).toMatchObject({ code: 0, stdout: '2 tenants are up to date.\n' });
  expect(await cli(['settle'])).toMatchObject({ code: 0, stdout: '0 operations were made.\n' });
  expect(await cli(['review', '--tenant', 'live'])).toMatchObject({
    code: 0,
    stdout: 'Members reviewed: 0; tiers changed: 0.\n',
  });
  expect((await cli(['review', '--tenant', 'empty'])).stderr).toContain('has no program yet');
});
