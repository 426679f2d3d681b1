import { checkContenders } from './check.ts';
import { type Cleanup, withCleanup } from './cleanup.ts';
import { type Contender, profileArgs, startContenders } from './contenders/contenders.ts';
import { type CpuTime, cpuBetween, readCpu } from './cpu.ts';
import { type BenchDatabase, openDatabase } from './database.ts';
import { readBenchFile } from './folders.ts';
import type { LoadResult } from './load/job.ts';
import { Load } from './load/load.ts';
import type { DocumentName, Options } from './options.ts';
import { type Measurement, printDocuments } from './report.ts';

/** Before each measurement, unmeasured: whoever waited for its turn has connections to open again. */
const LEAD_IN_SECONDS = 0.5;

/** Measures documents 04, 05 and 03 with every contender, and prints one table. */
export async function benchDocuments(options: Options): Promise<void> {
  await withCleanup(async (cleanup) => {
    const database = await openDatabase(cleanup, {
      members: options.members,
      nodeArgs: profileArgs('membergraph', options.profile),
    });
    const contenders = await startContenders(cleanup, database, options.profile);
    const measurements = await measureAll(cleanup, options, contenders, database);
    await audit(database);
    printDocuments(measurements, { database: database.version, options });
  });
}

async function measureAll(
  cleanup: Cleanup,
  options: Options,
  contenders: readonly Contender[],
  database: BenchDatabase,
): Promise<Measurement[]> {
  const load = new Load(cleanup);
  const measurements: Measurement[] = [];
  for (const document of options.documents) {
    process.stderr.write(`document ${document}: comparing the answers, warming up…\n`);
    await checkContenders(document, contenders, database);
    for (const contender of contenders) await press(load, contender, document, options, options.warmUp);
    for (let round = 0; round < options.rounds; round += 1) {
      // Another one begins each round, so that nobody always follows the same other.
      const first = round % contenders.length;
      for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
        await press(load, contender, document, options, LEAD_IN_SECONDS);
        const before = await readCpu(contender.server.pid, database.owner);
        const result = await press(load, contender, document, options, options.seconds);
        const cpu = cpuBetween(before, await readCpu(contender.server.pid, database.owner));
        tell(document, round, contender, result);
        measurements.push({
          document,
          contender: contender.name,
          ...result,
          ...perRequest(cpu, result),
        });
      }
    }
  }
  return measurements;
}

/** @throws Error at the first wrong answer: what errs fast must not win */
async function press(
  load: Load,
  { name, server, headers, members, exchanges }: Contender,
  document: DocumentName,
  { connections }: Options,
  seconds: number,
): Promise<LoadResult> {
  const job = { url: server.url, headers, members, ...exchanges[document], connections, seconds };
  const result = await load.run(job);
  if (result.failed === 0) return result;
  throw new Error(
    `${name} answered ${result.failed} of ${result.completed} requests of document ${document} wrongly, ` +
      `first with: ${result.failure}`,
  );
}

function perRequest(
  cpu: CpuTime | null,
  { completed }: LoadResult,
): Pick<Measurement, 'serverUs' | 'databaseUs'> {
  if (cpu === null || completed === 0) return { serverUs: null, databaseUs: null };
  return {
    serverUs: (cpu.serverMs * 1_000) / completed,
    databaseUs: (cpu.databaseMs * 1_000) / completed,
  };
}

function tell(document: DocumentName, round: number, { name }: Contender, result: LoadResult): void {
  const rate = Math.round(result.completed / result.seconds);
  process.stderr.write(`document ${document}, round ${round + 1}: ${name.padEnd(12)} ${rate}/s\n`);
}

/** What was posted under load must add up, whoever posted it. */
async function audit({ owner }: BenchDatabase): Promise<void> {
  const { rows } = await owner.query<{ wrong_ledgers: number; feed_has_gap: boolean }>(
    await readBenchFile('sql', 'audit.sql'),
  );
  const [books] = rows;
  if (books?.wrong_ledgers === 0 && !books.feed_has_gap) return;
  throw new Error(`After the load the books don't add up: ${JSON.stringify(books)}`);
}
