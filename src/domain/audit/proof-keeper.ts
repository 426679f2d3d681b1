import type { Database } from '../../persistence/index.ts';
import { type ChainFault, findFault, firstHash, linkAll } from './chain.policy.ts';
import { addLinks, findChainHead, findContents, findFeedPosition, findLinks } from './chain.repository.ts';
import { rollUpLegs } from './liability.repository.ts';

const ENTRIES_A_PAGE = 5_000n;

/** What the chain of a tenant says. */
export interface ChainVerdict {
  /** How many operations are sealed. */
  readonly sealed: number;
  /** The last link, `position:hash`: kept elsewhere, it proves that no link was taken away. */
  readonly head: string | null;
  readonly fault: ChainFault | null;
}

/** Keeps what the ledger is proven by: sums of legs by day, and the chain of hashes over operations. */
export class ProofKeeper {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Sums the legs that no day has yet; answers how many. */
  async rollUp(tenantKey: string, timeZone: string): Promise<bigint> {
    return await this.#database.transaction(tenantKey, (tx) => rollUpLegs(tx, tenantKey, timeZone));
  }

  /**
   * Seals the operations that were committed since the last time; answers how many. What several seal at once
   * comes out the same.
   */
  async seal(tenantKey: string): Promise<number> {
    const sql = this.#database.survey(tenantKey);
    const [end, head] = await Promise.all([findFeedPosition(sql, tenantKey), findChainHead(sql, tenantKey)]);
    let sealed = 0;
    let before = head?.hash ?? firstHash(tenantKey);
    for (let after = head?.position ?? 0n; after < end; after += ENTRIES_A_PAGE) {
      const to = smaller(after + ENTRIES_A_PAGE, end);
      const links = linkAll(before, await findContents(sql, tenantKey, after, to));
      if (links.length === 0) continue;
      await this.#database.transaction(tenantKey, (tx) => addLinks(tx, tenantKey, links));
      before = links.at(-1)?.hash ?? before;
      sealed += links.length;
    }
    return sealed;
  }

  /** Works all hashes out again, up to the first operation that is not what was sealed. */
  async verify(tenantKey: string): Promise<ChainVerdict> {
    const sql = this.#database.survey(tenantKey);
    const head = await findChainHead(sql, tenantKey);
    const end = head?.position ?? 0n;
    let sealed = 0;
    let before = firstHash(tenantKey);
    for (let after = 0n; after < end; after += ENTRIES_A_PAGE) {
      const to = smaller(after + ENTRIES_A_PAGE, end);
      const [links, contents] = await Promise.all([
        findLinks(sql, tenantKey, after, to),
        findContents(sql, tenantKey, after, to),
      ]);
      const fault = findFault(before, links, contents);
      sealed += links.length;
      if (fault !== null) return { sealed, head: spell(head), fault };
      before = links.at(-1)?.hash ?? before;
    }
    return { sealed, head: spell(head), fault: null };
  }

  /** Whether the chain still has a link that was noted, `position:hash`. */
  async hasLink(tenantKey: string, noted: string): Promise<boolean> {
    const position = BigInt(/^\d{1,18}(?=:)/.exec(noted)?.[0] ?? 0);
    const [link] = await findLinks(this.#database.survey(tenantKey), tenantKey, position - 1n, position);
    return link !== undefined && spell(link) === noted;
  }
}

function spell(link: { readonly position: bigint; readonly hash: Buffer } | null): string | null {
  return link === null ? null : `${link.position}:${link.hash.toString('hex')}`;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
