import type { Database } from '../../persistence/index.ts';
import { findEntryCount } from './audit.repository.ts';
import { describeBreach } from './breach.ts';
import { type BreachRow, findBroken, type Law } from './law.ts';
import { findLiabilities, type Liability } from './liability.repository.ts';
import { type AssetTotals, findTotals, findUnrebuilt } from './rebuild.repository.ts';

/** What of a tenant breaks a law. */
export interface Breaches {
  readonly count: bigint;
  /** The first of them, each in words. */
  readonly named: readonly string[];
}

function toBreaches(rows: readonly BreachRow[]): Breaches {
  return { count: rows[0]?.violations ?? 0n, named: rows.map(describeBreach) };
}

/** Looks over all that a tenant has, as the app role and under row-level security. */
export class AuditService {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** What breaks a law, whatever is posted meanwhile. */
  async check(tenantKey: string, law: Law): Promise<Breaches> {
    return toBreaches(await findBroken(this.#database.survey(tenantKey), tenantKey, law));
  }

  /** What the program owes to members at a moment (null = now), by asset. */
  async liabilities(tenantKey: string, at: Date | null): Promise<readonly Liability[]> {
    return await findLiabilities(this.#database.survey(tenantKey), tenantKey, at);
  }

  async countEntries(tenantKey: string): Promise<bigint> {
    return await findEntryCount(this.#database.survey(tenantKey), tenantKey);
  }

  /**
   * Balances worked out from entries alone, as they stood at a moment (null = now), and the ledgers that they
   * don't add up to.
   */
  async rebuild(
    tenantKey: string,
    at: Date | null,
  ): Promise<{ readonly totals: readonly AssetTotals[]; readonly breaches: Breaches }> {
    const sql = this.#database.survey(tenantKey);
    const totals = await findTotals(sql, tenantKey, at);
    return { totals, breaches: toBreaches(await findUnrebuilt(sql, tenantKey, at)) };
  }
}
