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
import { median } from '../report.ts';
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

/** What was imported once, and what it used. */
interface Run {
  readonly imported: Imported;
  readonly used: Used;
}

/** The import of real purchases by the product's command, into a fresh database each time; or of their start. */
export async function benchImport({ isWhole, rounds }: { isWhole: boolean; rounds: number }): Promise<Row[]> {
  if (!existsSync(FILE)) {
    process.stderr.write(`import: skipped, there is no ${FILE}\n`);
    return [];
  }
  const runs: Run[] = [];
  for (let round = 1; round <= (isWhole ? rounds : 1); round += 1) {
    process.stderr.write(
      `importing ${isWhole ? `the whole file, ${round} of ${rounds}` : `${QUICK_LINES} lines`}…\n`,
    );
    await withCleanup(async (cleanup) => {
      runs.push(await importInto(cleanup, isWhole));
    });
  }
  const [first] = runs;
  return first === undefined ? [] : [rowOf(runs, first.imported, isWhole)];
}

async function importInto(cleanup: Cleanup, isWhole: boolean): Promise<Run> {
  const { dataDir, adminUrl } = await openPostgres(cleanup);
  const owner = new pg.Client({ connectionString: adminUrl });
  await owner.connect();
  cleanup.add(() => owner.end());
  const file = isWhole ? FILE : await startOf(dataDir);
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
  const imported = JSON.parse(told) as Imported;
  refuseOthers(imported, isWhole);
  return { imported, used };
}

/** @throws Error when it isn't what the file comes to */
function refuseOthers(imported: Imported, isWhole: boolean): void {
  const expected = isWhole ? TOTALS : { ...imported, activities: QUICK_LINES, refused: 0 };
  for (const name of Object.keys(TOTALS) as (keyof typeof TOTALS)[])
    if (imported[name] !== expected[name])
      throw new Error(`The import has ${imported[name]} ${name}, not ${expected[name]}.`);
}

function rowOf(
  runs: readonly Run[],
  { members, activities, points, refused }: Imported,
  isWhole: boolean,
): Row {
  const rates = runs.map(({ imported }) => imported.activities / imported.seconds);
  const rate = median(rates);
  const coresOf = (pick: (used: Used) => number): string =>
    median(runs.map(({ used, imported }) => pick(used) / 1_000 / imported.seconds)).toFixed(2);
  return {
    what: isWhole ? 'import, purchases' : 'import, first purchases',
    by: 'membergraph import',
    perSecond: rate.toFixed(0),
    ...{ p50Ms: '', p99Ms: '', ratio: '' },
    aim: spellAim(rate, AIM),
    limit:
      `${runs.length} runs: ${rates.map((one) => one.toFixed(0)).join(', ')}; cores: import ` +
      `${coresOf(({ processMs }) => processMs)}, database ${coresOf(({ databaseMs }) => databaseMs)}; ${members} ` +
      `members, ${activities} activities, ${points} points, ${refused} refused`,
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
