import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import type * as ReaderModule from '../../src/persistence/sql/reader.ts';
import type * as StatementModule from '../../src/persistence/sql/statement.ts';
import { type Cleanup, withCleanup } from './cleanup.ts';
import { type BenchDatabase, openDatabase } from './database.ts';
import { PRODUCT_FOLDER } from './folders.ts';
import { percentile } from './load/job.ts';
import type { Options } from './options.ts';
import { machineLine, median, print, tableOf } from './report.ts';

/** As many as the product's own default. */
const READER_CONNECTIONS = 3;
const POOL_CONNECTIONS = 10;
/** As the product runs its connections. */
const SETTINGS = '-c plan_cache_mode=force_generic_plan -c jit=off';

const MEMBER = {
  name: 'bench.member',
  text: 'select status, display_name, tags from member where tenant_id = $1 and member_id = $2',
};
const LEDGERS = {
  name: 'bench.ledgers',
  text: `select ledger_id, asset, posted, pending, held, version
           from ledger where tenant_id = $1 and member_id = $2`,
};
const SET_TENANT = { name: 'bench.tenant', text: `select set_config('app.tenant_id', $1, true)` };

/** One way to read a member with its ledgers; answers how many rows there were. */
interface Way {
  readonly name: string;
  read(memberKey: string): Promise<number>;
}

interface Slice {
  readonly way: string;
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const ROWS_OF_A_READ = 4;

/** Measures what it costs a point read that the database shows a tenant its own rows alone. */
export async function benchTenancy(options: Options): Promise<void> {
  await withCleanup(async (cleanup) => {
    const database = await openDatabase(cleanup, { members: options.members, nodeArgs: [] });
    const ways = await waysOf(cleanup, database);
    const slices: Slice[] = [];
    for (const way of ways) await measure(way, database, options, options.warmUp);
    for (let round = 0; round < options.rounds; round += 1) {
      for (const way of ways) {
        const slice = await measure(way, database, options, options.seconds);
        process.stderr.write(`round ${round + 1}: ${way.name.padEnd(32)} ${slice.rate.toFixed(0)}/s\n`);
        slices.push(slice);
      }
    }
    report(ways, slices, database, options);
  });
}

async function waysOf(cleanup: Cleanup, database: BenchDatabase): Promise<Way[]> {
  const { tenantKey } = database;
  const open = (connectionString: string): pg.Pool => {
    const pool = new pg.Pool({ connectionString, max: POOL_CONNECTIONS, options: SETTINGS });
    cleanup.add(() => pool.end());
    return pool;
  };
  const free = open(database.ownerUrl);
  const bound = open(database.appUrl);
  return [
    {
      name: 'no tenancy, pool',
      read: async (memberKey) => {
        const values = [tenantKey, memberKey];
        const found = await Promise.all([
          free.query({ ...MEMBER, values }),
          free.query({ ...LEDGERS, values }),
        ]);
        return found.reduce((sum, { rows }) => sum + rows.length, 0);
      },
    },
    {
      name: 'begin, set_config, commit, pool',
      read: (memberKey) => readInTransaction(bound, tenantKey, memberKey),
    },
    { name: 'the product’s Reader', read: await productReader(cleanup, database) },
  ];
}

async function readInTransaction(pool: pg.Pool, tenantKey: string, memberKey: string): Promise<number> {
  const client = await pool.connect();
  try {
    const values = [tenantKey, memberKey];
    await client.query('begin');
    await client.query({ ...SET_TENANT, values: [tenantKey] });
    const member = await client.query({ ...MEMBER, values });
    const ledgers = await client.query({ ...LEDGERS, values });
    await client.query('commit');
    return member.rows.length + ledgers.rows.length;
  } finally {
    client.release();
  }
}

async function productReader(
  cleanup: Cleanup,
  { appUrl, tenantKey }: BenchDatabase,
): Promise<(memberKey: string) => Promise<number>> {
  const load = (file: string): Promise<unknown> =>
    import(pathToFileURL(join(PRODUCT_FOLDER, 'persistence', 'sql', file)).href);
  const { Reader } = (await load('reader.js')) as typeof ReaderModule;
  const { statement } = (await load('statement.js')) as typeof StatementModule;
  const reader = new Reader(
    { connectionString: appUrl },
    {
      connections: READER_CONNECTIONS,
      onError: (error) => process.stderr.write(`a connection broke: ${error.message}\n`),
    },
  );
  cleanup.add(() => reader.close());
  const member = statement(MEMBER.name, MEMBER.text);
  const ledgers = statement(LEDGERS.name, LEDGERS.text);
  const sql = reader.forTenant(tenantKey);
  return async (memberKey) => {
    const values = [tenantKey, memberKey];
    const found = await Promise.all([sql.run(member, values), sql.run(ledgers, values)]);
    return found.reduce((sum, rows) => sum + rows.length, 0);
  };
}

async function measure(
  { name, read }: Way,
  { memberKeys }: BenchDatabase,
  { connections }: Options,
  seconds: number,
): Promise<Slice> {
  const latencies: number[] = [];
  const until = performance.now() + seconds * 1_000;
  const call = async (): Promise<void> => {
    while (performance.now() < until) {
      const memberKey = memberKeys[Math.floor(Math.random() * memberKeys.length)] ?? '';
      const startedAt = performance.now();
      const rows = await read(memberKey);
      if (rows !== ROWS_OF_A_READ)
        throw new Error(`"${name}" read ${rows} rows instead of ${ROWS_OF_A_READ}.`);
      const endedAt = performance.now();
      if (endedAt <= until) latencies.push(endedAt - startedAt);
    }
  };
  await Promise.all(Array.from({ length: connections }, call));
  const sorted = Float64Array.from(latencies).sort();
  const rate = seconds === 0 ? 0 : sorted.length / seconds;
  return { way: name, rate, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
}

function report(
  ways: readonly Way[],
  slices: readonly Slice[],
  { version }: BenchDatabase,
  { connections, rounds, seconds }: Options,
): void {
  const rates = ways.map(({ name }) => {
    const own = slices.filter(({ way }) => way === name);
    return { name, own, rate: median(own.map(({ rate }) => rate)) };
  });
  const base = rates[0]?.rate ?? 0;
  const lines = rates.map(({ name, own, rate }) => [
    name,
    rate.toFixed(0),
    (rate / base).toFixed(2),
    median(own.map(({ p50Ms }) => p50Ms)).toFixed(2),
    median(own.map(({ p99Ms }) => p99Ms)).toFixed(2),
  ]);
  const head = ['a member with its ledgers', 'reads/s', 'ratio', 'p50 ms', 'p99 ms'];
  const how = `${connections} callers in one process, ${rounds} rounds of ${seconds} s`;
  print([...tableOf([head, ...lines], 1), '', `${how}; ${machineLine(version)}`]);
}
