import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectPath } from '../../src/persistence/index.ts';
import { connect } from '../persistence/furnished.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { runInProcess } from '../support/in-process.ts';
import { WAITING_SESSIONS } from '../support/open-transactions.ts';
import { type Ended, run } from '../support/process.ts';
import { untilHolds } from '../support/until-holds.ts';

const CDNOW = projectPath('..', 'shared', 'data', 'CDNOW_master.txt');
const HEADER = ' customer_id  date number_of_cds  dollar_value';

let database: TestDatabase;
let folder: string;

beforeEach(async () => {
  database = await createTestDatabase();
  folder = await mkdtemp(join(tmpdir(), 'membergraph-import-'));
});

afterEach(async () => {
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

function cli(...args: string[]): Promise<Ended> {
  return runInProcess(args, { DATABASE_URL: database.appUrl, DATA_DIR: folder });
}

function importCdnow(file: string): Promise<Ended> {
  const refusedFile = join(folder, 'refused.txt');
  return cli(
    'import',
    'activities',
    file,
    '--format',
    'cdnow',
    '--tenant',
    'cdnow',
    '--refused-file',
    refusedFile,
  );
}

function totals({ stdout }: Ended): Record<string, number> {
  const { seconds: _, ...rest } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<
    string,
    number
  >;
  return rest;
}

async function cdnowFile(lines: readonly string[]): Promise<string> {
  const file = join(folder, 'lines.txt');
  await writeFile(file, [HEADER, ...lines, ''].join('\n'));
  return file;
}

it('counts equal lines as orders of their own, zero dollars as an order, and nothing twice', async () => {
  const file = await cdnowFile([
    ' 00001 19970101  1   11.77',
    ' 00001 19970101  1   11.77',
    ' 00002 19970112  1    0.00',
    ' 00002 19970112  5   77.00',
  ]);
  const first = await importCdnow(file);
  expect(first.code).toBe(0);
  expect(totals(first)).toEqual({ members: 2, activities: 4, points: 99, refused: 0 });
  expect(totals(await importCdnow(file))).toEqual({ members: 2, activities: 4, points: 99, refused: 0 });
});

it('writes refused lines with their numbers to a file, and takes the rest', async () => {
  const file = await cdnowFile([
    ' 00001 19970101  1   11.77',
    'nonsense',
    ' 00002 19971301  1    5.00',
    ' 3 19970101 1 9.99',
  ]);
  const ended = await importCdnow(file);
  expect(totals(ended)).toEqual({ members: 2, activities: 2, points: 20, refused: 2 });
  const refused = (await readFile(join(folder, 'refused.txt'), 'utf8')).split('\n').filter(Boolean);
  expect(refused.map((line) => [line.split('\t')[0], line.split('\t')[2]])).toEqual([
    ['3', 'nonsense'],
    ['4', ' 00002 19971301  1    5.00'],
  ]);
});

it('exits 1 where every line is refused', async () => {
  const ended = await importCdnow(await cdnowFile(['nonsense', ' 00002 19971301  1    5.00']));
  expect(ended.code).toBe(1);
  expect(totals(ended)).toEqual({ members: 0, activities: 0, points: 0, refused: 2 });
  expect((await importCdnow(await cdnowFile([]))).code).toBe(0);
});

it('can be stopped and run again without counting anything twice', async () => {
  const count = 4_000;
  const lines = Array.from(
    { length: count },
    (_, index) => ` ${10_000 + (index % 200)} 19970101  1   ${index % 90}.50`,
  );
  const file = await cdnowFile(lines);
  const points = lines.reduce((sum, _, index) => sum + (index % 90), 0);
  // Nothing of it is kept before it is told to stop.
  const [blocker, onlooker] = [await connect(database.adminUrl), await connect(database.adminUrl)];
  await blocker.query('begin');
  await blocker.query('lock table activity in share mode');
  const stopped = run('cli', ['import', 'activities', file, '--format', 'cdnow', '--tenant', 'cdnow'], {
    DATABASE_URL: database.appUrl,
    DATA_DIR: folder,
  });
  await untilHolds(async () => (await onlooker.query(WAITING_SESSIONS)).rows[0]?.waiting !== 0, 'it waits');
  stopped.child.kill('SIGINT');
  await blocker.query('rollback');
  await Promise.all([blocker.end(), onlooker.end()]);
  const ended = await stopped.ended;
  expect(ended.code).toBe(130);
  expect(ended.stderr).toContain('Run the same command again');
  expect(totals(ended).activities).toBeLessThan(count);
  expect(totals(await importCdnow(file))).toEqual({ members: 200, activities: count, points, refused: 0 });
});

it('reads csv with columns named by flags', async () => {
  const program = projectPath('docs/examples/programs/demo.yaml');
  await cli('tenant', 'create', 'shop', '--program', program);
  const file = join(folder, 'orders.csv');
  await writeFile(
    file,
    'phone;when;total;no\n+8613800138000;2024-02-29 23:30;"250,00";A-1\n+8613800138000;2024-03-01 08:00;100.00;A-2\n' +
      '+8613800138000;2024-03-01 08:00;100.00;A-2\nnobody;2024-03-01 08:00;100.00;A-3\n',
  );
  const flags = [
    '--member-column',
    'phone',
    '--identity-kind',
    'PHONE',
    '--date-column',
    'when',
    '--delimiter',
    ';',
  ];
  const more = ['--date-format', 'yyyy-MM-dd HH:mm', '--amount-column', 'total', '--order-column', 'no'];
  const refusedFile = join(folder, 'refused.txt');
  const command = [
    'import',
    'activities',
    file,
    '--format',
    'csv',
    '--tenant',
    'shop',
    '--refused-file',
    refusedFile,
  ];
  const ended = await cli(...command, ...flags, ...more);
  expect(ended.stderr).toContain('refused');
  expect(totals(ended)).toMatchObject({ members: 1, activities: 1, refused: 3 });
  const refused = readFileSync(refusedFile, 'utf8').split('\n').filter(Boolean);
  expect(refused.map((line) => line.replace(/:.*/, '')).sort()).toEqual([
    expect.stringContaining('2\t'),
    expect.stringContaining('4\tDUPLICATE_ORDER'),
    expect.stringContaining('5\tIDENTITY_INVALID'),
  ]);
});

it('takes quotes within fields, and refuses one that is never closed with what is behind it', async () => {
  await cli('tenant', 'create', 'shop', '--program', projectPath('docs/examples/programs/demo.yaml'));
  const file = join(folder, 'orders.csv');
  const rows = ['who,when,total', '5"tea,2024-03-01,100.00', '"b"b,2024-03-01,100.00', 'c,2024-03-01,100.00'];
  await writeFile(file, [...rows, '"d,2024-03-01,100.00', 'e,2024-03-01,100.00', ''].join('\n'));
  const columns = ['--member-column', 'who', '--date-column', 'when', '--amount-column', 'total'];
  const command = ['import', 'activities', file, '--format', 'csv', '--tenant', 'shop', ...columns];
  const refusedFile = join(folder, 'refused.txt');
  const ended = await cli(...command, '--refused-file', refusedFile);
  expect(totals(ended)).toMatchObject({ members: 3, activities: 3, refused: 1 });
  const refused = readFileSync(refusedFile, 'utf8');
  expect(refused).toMatch(/^\d+\t[^\t]+\t"d,2024-03-01,100.00\ne,2024-03-01,100.00\n/);
  const unwritten = await cli(...command, '--refused-file', join(folder, 'missing', 'refused.txt'));
  expect(unwritten).toMatchObject({ code: 1, stderr: expect.stringContaining('by --refused-file.\n') });
  const kind = await cli(...command, '--identity-kind', 'phone');
  expect(kind).toMatchObject({ code: 1, stderr: expect.stringContaining('EXTERNAL') });
  const counted = await cli(...command, '--batch', 'many');
  expect(counted).toMatchObject({ code: 1, stderr: expect.stringContaining('"many" is no count') });
});

it('says what is missing in one sentence', async () => {
  const missing = await cli('import', 'activities', '/nowhere', '--format', 'cdnow', '--tenant', 'cdnow');
  expect(missing).toMatchObject({ code: 1, stderr: 'The file /nowhere can’t be read: check its path.\n' });
  const ofFolder = await cli('import', 'activities', folder, '--format', 'cdnow', '--tenant', 'cdnow');
  expect(ofFolder).toMatchObject({ code: 1, stderr: `The file ${folder} can’t be read: check its path.\n` });
  const file = await cdnowFile([]);
  const unknown = await cli('import', 'activities', file, '--format', 'cdnow', '--tenant', 'nobody');
  expect(unknown).toMatchObject({ code: 1 });
  expect(unknown.stderr).toMatch(/^There is no tenant "nobody"\. .+\n$/);
});

const real = existsSync(CDNOW) ? it : it.skip;
real('reads the purchases of real customers (skipped without ../shared/data)', async () => {
  const lines = readFileSync(CDNOW, 'utf8').split(/\r?\n/).slice(1, 601).filter(Boolean);
  const fields = lines.map((line) => line.trim().split(/\s+/));
  const points = fields.reduce((sum, [, , , dollars]) => sum + Math.floor(Number(dollars)), 0);
  const members = new Set(fields.map(([customer]) => customer)).size;
  const ended = await importCdnow(await cdnowFile(lines));
  expect(totals(ended)).toEqual({ members, activities: lines.length, points, refused: 0 });
});
