import { createHash } from 'node:crypto';
import pg from 'pg';
import { v7 } from 'uuid';
import type { Cleanup } from '../cleanup.ts';
import { readBenchFile } from '../folders.ts';
import type { Load } from '../load/load.ts';
import type { Options } from '../options.ts';
import type { ServerProcess } from '../processes.ts';
import type { OpenedProduct } from '../product.ts';
import type { BenchMember } from './bed.ts';
import { type Contender, contest, pressEach } from './contest.ts';
import { anyKey, SETTINGS } from './floors.ts';
import { anyOf, askedBy, contenderOver } from './http.ts';
import { type Row, rowsOf } from './table.ts';

const ITEMS = 1_000;
/** A settlement comes from one system; a few requests are under way, so that nobody waits for it alone. */
const CALLERS = 4;
/** In a press, which has no time: a batch may take a second. */
const BATCHES = 12;
const FUNCTION = 'one function, bare';

/** `earnPointsBatch` through the gateway, beside one call of an SQL function for as many credits. */
export async function benchBatch(
  cleanup: Cleanup,
  { product, gateway, load }: { product: OpenedProduct; gateway: ServerProcess; load: Load },
  members: readonly BenchMember[],
  options: Options,
): Promise<Row[]> {
  await product.owner.query(await readBenchFile('sql', 'ledger-batch-function.sql'));
  const item = { idempotencyKey: '{{key}}', memberId: '{{member}}', asset: 'points', amount: '1' };
  const items = Array.from({ length: ITEMS }, () => ({ ...item, reason: 'bench' }));
  const proof = `"succeeded":${ITEMS}`;
  const asked = await askedBy('ledger-earn-batch.graphql', { input: { items } }, proof);
  const pressure = { connections: CALLERS, members: anyOf(members), requests: BATCHES };
  const contenders = [
    contenderOver(load, product, gateway, asked, pressure),
    bareFunction(cleanup, product, members),
  ];
  const result = await contest('batches of 1,000', contenders, options);
  return rowsOf(result, {
    what: 'earnPointsBatch, entries',
    ours: gateway.name,
    aims: { [FUNCTION]: { is: '≥', value: 0.5 } },
    each: ITEMS,
    servers: ['gateway', 'this process'],
  });
}

function bareFunction(cleanup: Cleanup, product: OpenedProduct, members: readonly BenchMember[]): Contender {
  const pool = new pg.Pool({ connectionString: product.appUrl, max: CALLERS, options: SETTINGS });
  cleanup.add(() => pool.end());
  return {
    name: FUNCTION,
    pid: process.pid,
    owner: product.owner,
    press: () => {
      const batches = Array.from({ length: BATCHES }, () => anyDistinct(members, ITEMS));
      return pressEach(CALLERS, batches, (batch) => postMany(pool, product.tenantKey, batch));
    },
  };
}

/** Credits each of the members by one call; answers the operations. */
export async function postMany(
  pool: pg.Pool,
  tenantKey: string,
  members: readonly BenchMember[],
  called = 'bench_post_many',
): Promise<readonly string[]> {
  const keys = members.map(() => anyKey());
  await pool.query({
    name: called,
    text: `select ${called}($1, $2, $3, $4, $5, $6, $7)`,
    values: [
      tenantKey,
      keys,
      keys.map((key) => createHash('sha256').update(key).digest()),
      members.map(({ memberKey }) => memberKey),
      members.map(({ ledgerKey }) => ledgerKey),
      members.map(() => 1),
      members.map(() => v7()),
    ],
  });
  return keys;
}

/** As many members at random, none of them twice. */
export function anyDistinct(members: readonly BenchMember[], count: number): BenchMember[] {
  if (count > members.length) throw new Error(`There are fewer than ${count} members.`);
  const chosen = new Set<BenchMember>();
  while (chosen.size < count) {
    const member = members[Math.floor(Math.random() * members.length)];
    if (member !== undefined) chosen.add(member);
  }
  return [...chosen];
}
