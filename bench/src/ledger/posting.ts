import { v7 } from 'uuid';
import type * as Boot from '../../../src/boot/index.ts';
import type { Cleanup } from '../cleanup.ts';
import type { Options } from '../options.ts';
import { type OpenedProduct, productModule } from '../product.ts';
import type { BenchMember } from './bed.ts';
import { type Contender, contest, pressCallers } from './contest.ts';
import { interactive, oneFunction, type Way } from './floors.ts';
import { type Comparison, type Row, rowsOf } from './table.ts';

/** What is posted: how many of a hundred are spends, and to how many ledgers. */
const WORKS = [
  { name: 'earn', spends: 0, hot: false },
  { name: 'redeem, 1 lot', spends: 100, hot: false },
  { name: 'mixed', spends: 50, hot: false },
  { name: 'one hot ledger', spends: 0, hot: true },
] as const;
type Work = (typeof WORKS)[number];

const PRODUCT = 'membergraph';
const AIMS: Comparison['aims'] = {
  'interactive transaction': { is: '≥', value: 6 },
  'one function a posting': { is: '≥', value: 2.5 },
};
const HOT_AIMS: Comparison['aims'] = {
  'interactive transaction': { is: '≥', value: 15 },
  'one function a posting': { is: '≥', value: 6 },
};

/** Measures posting without GraphQL: the product's service beside the same rows written one at a time. */
export async function benchPosting(
  cleanup: Cleanup,
  product: OpenedProduct,
  members: readonly BenchMember[],
  options: Options,
): Promise<Row[]> {
  const ways = [await theProduct(product), interactive(cleanup, product), oneFunction(cleanup, product)];
  const rows: Row[] = [];
  for (const work of WORKS) {
    const contenders = ways.map((way) => contenderOf(way, work, { product, members, options }));
    const result = await contest(work.name, contenders, options);
    const aims = work.hot ? HOT_AIMS : AIMS;
    rows.push(
      ...rowsOf(result, { what: work.name, ours: PRODUCT, aims, servers: ['this process', 'this process'] }),
    );
  }
  return rows;
}

function contenderOf(
  way: Way,
  { spends, hot }: Work,
  {
    product,
    members,
    options,
  }: { product: OpenedProduct; members: readonly BenchMember[]; options: Options },
): Contender {
  const call = async (): Promise<void> => {
    const member = members[hot ? 0 : Math.floor(Math.random() * members.length)];
    if (member === undefined) throw new Error('There are no members.');
    await way.post(Math.random() * 100 < spends ? 'REDEEM' : 'EARN', member, 1);
  };
  return {
    name: way.name,
    pid: process.pid,
    owner: product.owner,
    press: (seconds) => pressCallers(options.connections, seconds, call),
  };
}

/** The product's service, called in this process. */
export async function theProduct({ application, tenantKey }: OpenedProduct): Promise<Way> {
  const { operatorContext } = (await productModule('boot/index.js')) as typeof Boot;
  const ctx = operatorContext(tenantKey, 'the bench');
  const { ledgers } = application.services;
  return {
    name: PRODUCT,
    post: async (kind, { memberId }, amount) => {
      const rest = { memberId, asset: 'points', amount: BigInt(amount), reason: 'bench' };
      const input = { idempotencyKey: v7(), ...rest };
      return kind === 'EARN' ? ledgers.earn(ctx, input) : ledgers.redeem(ctx, input);
    },
  };
}
