import { readBenchFile } from '../folders.ts';
import type { LoadJob } from '../load/job.ts';
import type { Load } from '../load/load.ts';
import type { ServerProcess } from '../processes.ts';
import type { OpenedProduct } from '../product.ts';
import type { BenchMember } from './bed.ts';
import type { Contender } from './contest.ts';

/** A press that has a number of requests ends when all were answered; this is only a bound. */
const LONGEST_SECONDS = 120;

/** A document with its variables, as the load process asks it. */
export interface Asked {
  readonly body: string;
  /** Only a right answer contains it. */
  readonly proof: string;
}

export async function askedBy(file: string, variables: object, proof: string): Promise<Asked> {
  return { body: JSON.stringify({ query: await readBenchFile('documents', file), variables }), proof };
}

/** A credit or a spend by hand, with all that its answer can tell. */
export async function askedPosting(kind: 'EARN' | 'REDEEM', amount: number): Promise<Asked> {
  const given = { memberId: '{{member}}', asset: 'points', amount: String(amount), reason: 'goodwill' };
  const input = { idempotencyKey: '{{key}}', ...given, reference: { type: 'ticket', id: 'T-9' } };
  return kind === 'EARN'
    ? await askedBy('03-earn-points.graphql', { input }, `"amount":"${amount}"`)
    : await askedBy('ledger-redeem.graphql', { input }, `"amount":"-${amount}"`);
}

export function headersOf({ apiKey }: OpenedProduct): Record<string, string> {
  return { 'content-type': 'application/json', 'x-api-key': apiKey, 'accept-language': 'en' };
}

/** Over whom a server is asked, and how. */
export interface Pressure {
  readonly connections: number;
  /** Called for each press: who is asked about, and whether each of them once. */
  members(): Pick<LoadJob, 'members' | 'inOrder'>;
  /** How many requests a press has, where it isn't a time. */
  readonly requests?: number | undefined;
}

/** A server that the load process asks. */
export function contenderOver(
  load: Load,
  product: OpenedProduct,
  server: ServerProcess,
  asked: Asked,
  { connections, members, requests }: Pressure,
): Contender {
  const { url, pid, name } = server;
  return {
    name,
    pid,
    owner: product.owner,
    press: async (seconds) => {
      const headers = headersOf(product);
      const some = members();
      const isBounded = some.inOrder === true || requests !== undefined;
      const bounds = { connections, requests, seconds: isBounded ? LONGEST_SECONDS : seconds };
      const result = await load.run({ url, headers, ...asked, ...some, ...bounds });
      if (result.failed === 0) return result;
      throw new Error(
        `${name} answered ${result.failed} of ${result.completed} requests wrongly, ` +
          `first with: ${result.failure}`,
      );
    },
  };
}

/** Anybody, at random. */
export function anyOf(members: readonly BenchMember[]): Pressure['members'] {
  const ids = members.map(({ memberId }) => memberId);
  return () => ({ members: ids });
}

/** Each of them once; the next press goes on where the last one ended. */
export function someOf(members: readonly BenchMember[], each: number): Pressure['members'] {
  let next = 0;
  return () => {
    const ids = members.slice(next, next + each).map(({ memberId }) => memberId);
    next += each;
    if (ids.length < each) throw new Error('There are too few members for so many rounds.');
    return { members: ids, inOrder: true };
  };
}
