import type { MessageTemplate } from '../../kernel/errors.ts';
import type { Sql, Statement } from '../../persistence/index.ts';

/** What breaks a law: columns named as those of the tables, and how many such rows there are in all. */
export interface BreachRow {
  readonly violations: bigint;
  readonly [column: string]: unknown;
}

/**
 * One law of the ledger: how the first twenty rows of a tenant that break it are found. A query (tenant `$1`)
 * sees one moment; what it can't say is looked at here, and is about what never changes.
 */
export interface Law {
  /** What it is called, in scripts and in the manual. */
  readonly code: string;
  readonly says: MessageTemplate;
  readonly broken: Statement<BreachRow> | ((sql: Sql, tenantKey: string) => Promise<readonly BreachRow[]>);
}

export async function findBroken(
  sql: Sql,
  tenantKey: string,
  { broken }: Law,
): Promise<readonly BreachRow[]> {
  return typeof broken === 'function' ? await broken(sql, tenantKey) : await sql.run(broken, [tenantKey]);
}
