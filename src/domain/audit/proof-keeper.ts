import type { Database, Sql } from '../../persistence/index.ts';
import {
  type ChainFault,
  type ChainLink,
  findFault,
  firstHash,
  linkAll,
  linksOf,
  runOf,
} from './chain.policy.ts';
import { addRun, findChainHead, findContents, findFeedPosition, findRuns } from './chain.repository.ts';
import { rollUpLegs } from './liability.repository.ts';

/** A page is sealed as one run. What is due is asked for with this in mind. */
const POSITIONS_A_PAGE = 5_000n;

/** What the chain of a tenant says. */
export interface ChainVerdict {
  /** How many operations are sealed. */
  readonly sealed: number;
  /** The last link, `position:hash`: kept elsewhere, it proves that no link was taken away. */
  readonly head: string | null;
  readonly fault: ChainFault | null;
  /** Whether it still has the head that was noted, if one was: before a fault, as far as it was looked at. */
  readonly hasNoted: boolean;
}

/** Keeps what the ledger is proven by: sums of legs by day, and the chain of hashes over operations. */
export class ProofKeeper {
  readonly #database: Database;
  readonly #page: bigint;

  constructor(database: Database, positionsAPage = POSITIONS_A_PAGE) {
    this.#database = database;
    this.#page = positionsAPage;
  }

  /** Sums the legs that no day has yet; answers how many. */
  async rollUp(tenantKey: string, timeZone: string): Promise<bigint> {
    return await this.#database.transaction(tenantKey, (tx) => rollUpLegs(tx, tenantKey, timeZone));
  }

  /**
   * Seals the operations that were committed since the last time; answers how many. Where several seal at
   * once, each operation is sealed by one of them.
   */
  async seal(tenantKey: string): Promise<number> {
    const sql = this.#database.survey(tenantKey);
    const end = await findFeedPosition(sql, tenantKey);
    let sealed = 0;
    let { position: after, hash: before } = await endOf(sql, tenantKey);
    while (after < end) {
      const to = smaller(after + this.#page, end);
      const links = linkAll(before, await findContents(sql, tenantKey, after, to));
      const last = links.at(-1);
      if (last === undefined) after = to;
      else if (await this.#database.transaction(tenantKey, (tx) => addRun(tx, tenantKey, runOf(links)))) {
        [after, before] = [to, last.hash];
        sealed += links.length;
      } else {
        // Another was faster, and may have seen less.
        ({ position: after, hash: before } = await endOf(sql, tenantKey));
      }
    }
    return sealed;
  }

  /**
   * Works all hashes out again, up to the first operation that is not what was sealed.
   * @param noted a head that a verification told, `position:hash`
   */
  async verify(tenantKey: string, noted?: string): Promise<ChainVerdict> {
    const sql = this.#database.survey(tenantKey);
    const head = await findChainHead(sql, tenantKey);
    const end = head?.position ?? 0n;
    let sealed = 0;
    let hasNoted = noted === undefined;
    let before = firstHash(tenantKey);
    let after = 0n;
    while (after < end) {
      const page = smaller(after + this.#page, end);
      const links = (await findRuns(sql, tenantKey, after, page)).flatMap(linksOf);
      // A run that begins in a page is looked at whole.
      const to = larger(page, links.at(-1)?.position ?? 0n);
      const found = linkAll(before, await findContents(sql, tenantKey, after, to));
      const fault = findFault(links, found);
      sealed += links.length;
      if (fault !== null) return { sealed, head: spell(head), fault, hasNoted };
      hasNoted ||= found.some((link) => spell(link) === noted);
      before = found.at(-1)?.hash ?? before;
      after = to;
    }
    return { sealed, head: spell(head), fault: null, hasNoted };
  }
}

/** Where the chain ends, and the next run begins. */
async function endOf(sql: Sql, tenantKey: string): Promise<{ position: bigint; hash: Buffer }> {
  return (await findChainHead(sql, tenantKey)) ?? { position: 0n, hash: firstHash(tenantKey) };
}

function spell(link: ChainLink | null): string | null {
  return link === null ? null : `${link.position}:${link.hash.toString('hex')}`;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
