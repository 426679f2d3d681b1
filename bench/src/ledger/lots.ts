import type { Load } from '../load/load.ts';
import type { Options } from '../options.ts';
import type { ServerProcess } from '../processes.ts';
import type { OpenedProduct } from '../product.ts';
import { type BenchMember, fill } from './bed.ts';
import { type Contender, contest, pressEach } from './contest.ts';
import type { Kind } from './floors.ts';
import { askedPosting, contenderOver, someOf } from './http.ts';
import { theProduct } from './posting.ts';
import { type Row, rowsOf } from './table.ts';

const LOTS = 12;
/** Each spend empties a ledger, so a press has a number of them and not a time. */
const SPENDS = 2_400;
const REDEEM = `redeem, ${LOTS} lots`;

/** Spends that take from twelve lots, beside credits: through the gateway and by the service alone. */
export async function benchLots(
  { product, gateway, load }: { product: OpenedProduct; gateway: ServerProcess; load: Load },
  options: Options,
): Promise<Row[]> {
  const presses = options.rounds + 1;
  process.stderr.write(`filling ${2 * presses * SPENDS} ledgers with ${LOTS} lots each…\n`);
  const members = await fill(product, {
    ...{ members: 2 * presses * SPENDS, first: 1 },
    ...{ lots: LOTS, pairs: 0 },
  });
  // The one kind's members have been credited already when the other kind comes: each has its own.
  const [overHttp, called] = [members.slice(0, presses * SPENDS), members.slice(presses * SPENDS)];
  const throughGateway = await contest(
    'gateway',
    [
      await overGateway({ product, gateway, load }, 'earn', overHttp, options),
      await overGateway({ product, gateway, load }, REDEEM, overHttp, options),
    ],
    options,
  );
  const contenders = [await inService(product, 'EARN', called, options)];
  contenders.push(await inService(product, 'REDEEM', called, options));
  const alone = await contest('service', contenders, options);
  return [
    ...rowsOf(throughGateway, {
      what: `${REDEEM}, gateway`,
      ours: REDEEM,
      aims: { earn: { is: '≤', value: 1.5 } },
      servers: ['gateway', 'gateway'],
      byLatency: true,
    }),
    ...rowsOf(alone, {
      what: `${REDEEM}, no GraphQL`,
      ours: REDEEM,
      aims: { earn: { is: '≥', value: 0.3 } },
      servers: ['this process', 'this process'],
    }),
  ];
}

async function overGateway(
  { product, gateway, load }: { product: OpenedProduct; gateway: ServerProcess; load: Load },
  name: string,
  members: readonly BenchMember[],
  { connections }: Options,
): Promise<Contender> {
  const asked = name === REDEEM ? await askedPosting('REDEEM', LOTS) : await askedPosting('EARN', 1);
  // Credits go to ledgers that are spent from later or were before: that one lot more makes no difference.
  const chosen = name === REDEEM ? members : members.toReversed();
  const pressure = { connections, members: someOf(chosen, SPENDS) };
  const contender = contenderOver(load, product, gateway, asked, pressure);
  return { ...contender, name };
}

async function inService(
  product: OpenedProduct,
  kind: Kind,
  members: readonly BenchMember[],
  { connections }: Options,
): Promise<Contender> {
  const way = await theProduct(product);
  const chosen = kind === 'REDEEM' ? members : members.toReversed();
  let next = 0;
  return {
    name: kind === 'REDEEM' ? REDEEM : 'earn',
    pid: process.pid,
    owner: product.owner,
    press: () => {
      const some = chosen.slice(next, next + SPENDS);
      next += SPENDS;
      return pressEach(connections, some, (member) => way.post(kind, member, kind === 'REDEEM' ? LOTS : 1));
    },
  };
}
