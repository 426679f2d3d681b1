import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { type Cleanup, withCleanup } from '../cleanup.ts';
import { type CpuReading, readCpu } from '../cpu.ts';
import { BENCH_FOLDER, PRODUCT_FOLDER } from '../folders.ts';
import { stop } from '../processes.ts';
import { openPostgres } from '../product.ts';
import { type Row, spellAim } from './table.ts';

const FILE = join(BENCH_FOLDER, '..', '..', 'shared', 'data', 'CDNOW_master.txt');
const QUICK_LINES = 3_000;
const LOOK_EVERY_MS = 250;
const LONGEST_LOG = 2_000;
const AIM = { is: '≥', value: 5_000 } as const;
/** What the whole file comes to. */
const TOTALS = { members: 23_570, activities: 69_659, points: 2_453_159, refused: 0 };

interface Imported {
  readonly members: number;
  readonly activities: number;
  readonly points: number;
  readonly refused: number;
  readonly seconds: number;
}

/** The import of real purchases by the product's command, into a fresh database; the whole file or its start. */
export async function benchImport(isWhole: boolean): Promise<Row[]> {
  if (!existsSync(FILE)) {
    process.stderr.write(`import: skipped, there is no ${FILE}\n`);
    return [];
  }
  let rows: Row[] = [];
  await withCleanup(async (cleanup) => {
    rows = [await importInto(cleanup, isWhole)];
  });
  return rows;
}

async function importInto(cleanup: Cleanup, isWhole: boolean): Promise<Row> {
  const { dataDir, adminUrl } = await openPostgres(cleanup);
  const owner = new pg.Client({ connectionString: adminUrl });
  await owner.connect();
  cleanup.add(() => owner.end());
  const file = isWhole ? FILE : await startOf(dataDir);
  process.stderr.write(`importing ${isWhole ? 'the whole file' : `${QUICK_LINES} lines`}…\n`);
  const child = spawn(
    process.execPath,
    [
      ...[join(PRODUCT_FOLDER, 'cli', 'bin.js'), 'import', 'activities', file],
      ...['--format', 'cdnow', '--tenant', 'cdnow'],
    ],
    {
      cwd: dataDir,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: process.env.HOME ?? '',
        NODE_ENV: 'production',
        DATA_DIR: dataDir,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  cleanup.add(() => stop(child));
  const usage = watch(child.pid ?? 0, owner);
  let [told, log] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    log = `${log}${chunk.toString()}`.slice(-LONGEST_LOG);
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  const used = usage();
  if (code !== 0) throw new Error(`The import ended with code ${code}:\n${log}`);
  return rowOf(JSON.parse(told) as Imported, isWhole, used);
}

function rowOf(imported: Imported, isWhole: boolean, { processMs, databaseMs }: Used): Row {
  const { members, activities, points, refused, seconds } = imported;
  const expected = isWhole ? TOTALS : { ...imported, activities: QUICK_LINES, refused: 0 };
  for (const [name, value] of Object.entries(TOTALS).map(([name]) => [
    name,
    expected[name as keyof typeof TOTALS],
  ]))
    if (imported[name as keyof Imported] !== value)
      throw new Error(`The import has ${imported[name as keyof Imported]} ${name}, not ${value}.`);
  const rate = activities / seconds;
  const cores = [processMs, databaseMs].map((ms) => (ms / 1_000 / seconds).toFixed(2));
  return {
    what: isWhole ? 'import, purchases' : 'import, first purchases',
    by: 'membergraph import',
    perSecond: rate.toFixed(0),
    ...{ p50Ms: '', p99Ms: '', ratio: '' },
    aim: spellAim(rate, AIM),
    limit:
      `cores: import ${cores[0]}, database ${cores[1]}; ${members} members, ${activities} activities, ` +
      `${points} points, ${refused} refused`,
  };
}

interface Used {
  readonly processMs: number;
  readonly databaseMs: number;
}

/** Looks at what the command and its connections use, as long as they are there. */
function watch(pid: number, owner: pg.Client): () => Used {
  let processMs = 0;
  const databaseMs = new Map<number, number>();
  const keep = (reading: CpuReading | null): void => {
    processMs = Math.max(processMs, reading?.serverMs ?? 0);
    for (const [one, ms] of reading?.databaseMs ?? []) databaseMs.set(one, ms);
  };
  const timer = setInterval(() => void readCpu(pid, owner).then(keep, () => undefined), LOOK_EVERY_MS);
  return () => {
    clearInterval(timer);
    return { processMs, databaseMs: [...databaseMs.values()].reduce((sum, ms) => sum + ms, 0) };
  };
}

async function startOf(folder: string): Promise<string> {
  const lines = (await readFile(FILE, 'latin1')).split('\n');
  const file = join(folder, 'first-purchases.txt');
  // The first line is the header.
  await writeFile(file, lines.slice(0, QUICK_LINES + 1).join('\n'));
  return file;
}
