import type { LedgerOperation } from '../ledgers/index.ts';
import type { Member } from '../members/index.ts';
import type { Activity } from './activity.entity.ts';

/** An activity, whose it is and what the rules gave for it. */
export interface Recorded {
  readonly activity: Activity;
  readonly member: Member;
  readonly operations: readonly LedgerOperation[];
}

export interface RecordOptions {
  /** History: exempt from the program's back-dating limit. */
  readonly isImport?: boolean;
  /** What the product records of itself, e.g. a change of tier. */
  readonly isOwn?: boolean;
}
