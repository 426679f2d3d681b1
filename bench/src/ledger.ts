import { v7 } from 'uuid';
import type * as Boot from '../../src/boot/index.ts';
import type * as Ids from '../../src/kernel/ids.ts';
import { withCleanup } from './cleanup.ts';
import { readBenchFile } from './folders.ts';
import { ledgerKeyOf } from './ids.ts';
import { type BenchMember, interactive, oneFunction, type Way } from './ledger-floors.ts';
import { percentile } from './load/job.ts';
import type { Options } from './options.ts';
import { type OpenedProduct, openProduct, productModule } from './product.ts';
import { machineLine, median, print, tableOf } from './report.ts';

/** What is posted: how many of a hundred are spends, and to how many ledgers. */
const WORKS = [
  { name: 'earn', spends: 0, hot: false },
  { name: 'redeem, 1 lot', spends: 100, hot: false },
  { name: 'mixed', spends: 50, hot: false },
  { name: 'one hot ledger, earn', spends: 0, hot: true },
] as const;
type Work = (typeof WORKS)[number];

interface Slice {
  readonly way: string;
  readonly work: string;
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Measures posting without GraphQL: the product's service beside the same rows written one at a time. */
export async function benchLedger(options: Options): Promise<void> {
  await withCleanup(async (cleanup) => {
    const product = await openProduct(cleanup);
    const members = await seed(product, options.members);
    const ways = [await theProduct(product), interactive(cleanup, product), oneFunction(cleanup, product)];
    const slices: Slice[] = [];
    for (const work of WORKS) {
      for (const way of ways) await measure(way, work, members, options, options.warmUp);
      for (let round = 0; round < options.rounds; round += 1) {
        for (const way of ways) {
          const slice = await measure(way, work, members, options, options.seconds);
          process.stderr.write(`${work.name}, ${way.name.padEnd(24)} ${slice.rate.toFixed(0)}/s\n`);
          slices.push(slice);
        }
      }
    }
    await audit(product);
    report(ways, slices, product, options);
  });
}

async function theProduct({ application, tenantKey }: OpenedProduct): Promise<Way> {
  const { operatorContext } = (await productModule('boot/index.js')) as typeof Boot;
  const ctx = operatorContext(tenantKey, 'the bench');
  const { ledgers } = application.services;
  return {
    name: 'membergraph',
    post: async (kind, { memberId }, amount) => {
      const rest = { memberId, asset: 'points', amount: BigInt(amount), reason: 'bench' };
      const input = { idempotencyKey: v7(), ...rest };
      return kind === 'EARN' ? ledgers.earn(ctx, input) : ledgers.redeem(ctx, input);
    },
  };
}

async function seed({ owner, tenantKey }: OpenedProduct, count: number): Promise<BenchMember[]> {
  process.stderr.write(`seeding ${count} members…\n`);
  const { toPublicId } = (await productModule('kernel/ids.js')) as typeof Ids;
  const members = Array.from({ length: count }, (): BenchMember => {
    const memberKey = v7();
    return {
      memberKey,
      memberId: toPublicId('member', memberKey),
      ledgerKey: ledgerKeyOf(memberKey, 'points'),
    };
  });
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
  await owner.query('begin');
  await owner.query('create temporary table seed (n bigint, member_id uuid, ledger_id uuid) on commit drop');
  await owner.query(
    `insert into seed select place, member_id, ledger_id
       from unnest($1::uuid[], $2::uuid[]) with ordinality as s (member_id, ledger_id, place)`,
    [members.map(({ memberKey }) => memberKey), members.map(({ ledgerKey }) => ledgerKey)],
  );
  await owner.query(await readBenchFile('sql', 'ledger-seed.sql'));
  await owner.query('commit');
  await owner.query(await readBenchFile('sql', 'ledger-function.sql'));
  await owner.query('vacuum (analyze)');
  await owner.query('checkpoint').catch(() => undefined);
  return members;
}

async function measure(
  way: Way,
  { name, spends, hot }: Work,
  members: readonly BenchMember[],
  { connections }: Options,
  seconds: number,
): Promise<Slice> {
  const latencies: number[] = [];
  const until = performance.now() + seconds * 1_000;
  const call = async (): Promise<void> => {
    while (performance.now() < until) {
      const member = members[hot ? 0 : Math.floor(Math.random() * members.length)];
      if (member === undefined) throw new Error('There are no members.');
      const startedAt = performance.now();
      await way.post(Math.random() * 100 < spends ? 'REDEEM' : 'EARN', member, 1);
      const endedAt = performance.now();
      if (endedAt <= until) latencies.push(endedAt - startedAt);
    }
  };
  await Promise.all(Array.from({ length: connections }, call));
  const sorted = Float64Array.from(latencies).sort();
  const rate = seconds === 0 ? 0 : sorted.length / seconds;
  return { way: way.name, work: name, rate, p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
}

/** The books must add up, whoever wrote them, and every key must stand for one operation. */
async function audit({ owner }: OpenedProduct): Promise<void> {
  process.stderr.write('auditing…\n');
  const { rows } = await owner.query<{ wrong_ledgers: number; feed_has_gap: boolean }>(
    await readBenchFile('sql', 'audit.sql'),
  );
  const [found] = rows;
  if (found?.wrong_ledgers !== 0 || found.feed_has_gap) {
    throw new Error(`The books don't add up: ${JSON.stringify(found)}.`);
  }
}

function report(
  ways: readonly Way[],
  slices: readonly Slice[],
  { version }: OpenedProduct,
  { connections, members, rounds, seconds }: Options,
): void {
  const lines = WORKS.flatMap(({ name: work }) =>
    ways.map(({ name: way }) => {
      const own = slices.filter((one) => one.work === work && one.way === way);
      const numbers = [
        median(own.map(({ rate }) => rate)).toFixed(0),
        median(own.map(({ p50Ms }) => p50Ms)).toFixed(1),
        median(own.map(({ p99Ms }) => p99Ms)).toFixed(1),
      ];
      return [work, way, ...numbers, comparison(slices, work, way)];
    }),
  );
  const head = ['postings', 'by', 'operations/s', 'p50 ms', 'p99 ms', 'membergraph is'];
  const how = `${connections} callers, ${members} ledgers, ${rounds} rounds of ${seconds} s`;
  print([...tableOf([head, ...lines], 2), '', `${how}; ${machineLine(version)}`]);
}

/** How much faster the product was: the median of what each round says by itself. */
function comparison(slices: readonly Slice[], work: string, way: string): string {
  if (way === 'membergraph') return '';
  const ratesOf = (name: string): number[] =>
    slices.filter((one) => one.work === work && one.way === name).map(({ rate }) => rate);
  const others = ratesOf(way);
  const ratios = ratesOf('membergraph').map((rate, round) => rate / (others[round] ?? 0));
  return `${median(ratios).toFixed(1)}×`;
}
