import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import type * as Boot from '../../../src/boot/index.ts';
import type * as ConfigModule from '../../../src/config/index.ts';
import { Cleanup } from '../cleanup.ts';
import { profileArgs } from '../contenders/contenders.ts';
import { readBenchFile } from '../folders.ts';
import { type BenchMember, fill, startGateway } from '../ledger/bed.ts';
import type { LivePart, Options } from '../options.ts';
import type { ServerProcess } from '../processes.ts';
import { type OpenedProduct, openProduct, productModule } from '../product.ts';
import { Listeners } from './crowd.ts';
import type { ListenerOptions } from './orders.ts';

const TENANT = 'demo';
/** As many as `earnPointsBatch` takes. */
const MOST_ITEMS = 1_000;
const CONNECTIONS = 128;

/** What all parts stand on. */
export interface LiveBed {
  readonly product: OpenedProduct;
  readonly listeners: Listeners;
  readonly members: readonly BenchMember[];
  /** The documents 22 and 23. */
  readonly ofMember: string;
  readonly ofProgram: string;
  /** Each member with a token of their own, following their points. */
  readonly followers: readonly ListenerOptions[];
}

/** A gateway that one part has for itself. */
export interface LiveGateway extends ServerProcess {
  /** Credits by one request each thousand; in the order of the members. */
  credit(members: readonly BenchMember[]): Promise<void>;
  /** Credits one member; `reason` is what listeners hear. */
  creditOne(member: BenchMember, reason: string): Promise<void>;
  /** Credits one member, and answers the cursor behind which everything is that comes from now on. */
  cursor(): Promise<string>;
  stop(): Promise<void>;
}

const CURSOR = `query Cursor($id: ID!) { member(id: $id) { ledger(asset: "points") { eventCursor } } }`;

export async function openBed(cleanup: Cleanup, { members: count }: Options): Promise<LiveBed> {
  // So that PostgreSQL can say when a posting was committed.
  const product = await openProduct(cleanup, { track_commit_timestamp: 'on' });
  process.stderr.write(`filling ${count} ledgers, signing as many tokens…\n`);
  const members = await fill(product, { members: count, first: 1_000, lots: 1, pairs: 0 });
  const tokens = await signTokens(product, members);
  return {
    ...{ product, members, listeners: new Listeners(cleanup) },
    ofMember: await readBenchFile('documents', '22-point-events.graphql'),
    ofProgram: await readBenchFile('documents', '23-program-point-events.graphql'),
    followers: members.map(({ memberId }, index) => ({
      credentials: { authorization: `Bearer ${tokens[index]}` },
      variables: { memberId, asset: 'points' },
    })),
  };
}

async function signTokens({ dataDir }: OpenedProduct, members: readonly BenchMember[]): Promise<string[]> {
  const { signToken } = (await productModule('boot/index.js')) as typeof Boot;
  const { loadConfig } = (await productModule('config/index.js')) as typeof ConfigModule;
  const config = loadConfig({ DATA_DIR: dataDir }, '');
  const tokens: string[] = [];
  for (const { memberId } of members) {
    const claims = { subject: memberId, tenant: TENANT, role: 'member', expiresIn: '1d' } as const;
    tokens.push(await signToken(config, claims));
  }
  return tokens;
}

/** @param nodeArgs what Node is told besides */
export async function openGateway(
  cleanup: Cleanup,
  { product, members }: LiveBed,
  part: LivePart,
  { profile }: Options,
  nodeArgs: readonly string[] = [],
): Promise<LiveGateway> {
  const own = new Cleanup();
  cleanup.add(() => own.run());
  const gateway = await startGateway(own, product, [...nodeArgs, ...profileArgs(`live-${part}`, profile)]);
  const { origin, pathname } = new URL(gateway.url);
  const pool = new Pool(origin, { connections: CONNECTIONS });
  own.add(() => pool.close());
  const headers = {
    'content-type': 'application/json',
    'x-api-key': product.apiKey,
    'accept-language': 'en',
  };
  const ask = async (query: string, variables: object, proof: string): Promise<string> => {
    const body = JSON.stringify({ query, variables });
    const answer = await pool.request({ path: pathname, method: 'POST', headers, body });
    const text = await answer.body.text();
    if (!text.includes(proof)) throw new Error(`The gateway refused a request: ${text.slice(0, 500)}`);
    return text;
  };
  const [one, many] = [
    await readBenchFile('documents', '03-earn-points.graphql'),
    await readBenchFile('documents', 'ledger-earn-batch.graphql'),
  ];
  const credited = ({ memberId }: BenchMember, reason: string): object => ({
    ...{ idempotencyKey: randomUUID(), memberId, asset: 'points', amount: '5', reason },
  });
  const creditOne = async (member: BenchMember, reason: string): Promise<void> => {
    await ask(one, { input: credited(member, reason) }, '"amount":"5"');
  };
  return {
    ...gateway,
    creditOne,
    credit: async (members) => {
      for (let from = 0; from < members.length; from += MOST_ITEMS) {
        const items = members.slice(from, from + MOST_ITEMS).map((member) => credited(member, 'bench'));
        await ask(many, { input: { items } }, `"succeeded":${items.length}`);
      }
    },
    cursor: async () => {
      const [member] = members;
      if (member === undefined) throw new Error('There are no members.');
      await creditOne(member, 'cursor');
      const mark = '"eventCursor":"';
      const text = await ask(CURSOR, { id: member.memberId }, mark);
      return text.slice(text.indexOf(mark) + mark.length).split('"', 1)[0] ?? '';
    },
    stop: () => own.run(),
  };
}

/** What Node is told so that garbage can be collected from outside. */
export const COLLECTING = ['--expose-gc', '--import', fileURLToPath(new URL('collect.ts', import.meta.url))];
