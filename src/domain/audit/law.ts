import type { MessageTemplate } from '../../kernel/errors.ts';
import type { Statement } from '../../persistence/index.ts';

/** What breaks a law: columns named as those of the tables, and how many such rows there are in all. */
export interface BreachRow {
  readonly violations: bigint;
  readonly [column: string]: unknown;
}

/** One law of the ledger: a query for the first twenty rows that break it, of the tenant `$1`. */
export interface Law {
  /** What it is called, in scripts and in the manual. */
  readonly code: string;
  readonly says: MessageTemplate;
  readonly broken: Statement<BreachRow>;
}
