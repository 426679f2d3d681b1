import type { LedgerOperation } from '../ledgers/index.ts';
import type { Member } from '../members/index.ts';
import type { Activity } from './activity.entity.ts';

/** An activity, whose it is and what the rules gave for it. */
export interface Recorded {
  readonly activity: Activity;
  readonly member: Member;
  readonly operations: readonly LedgerOperation[];
}
