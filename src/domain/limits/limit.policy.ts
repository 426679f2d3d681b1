import { firstDayOf } from '../../kernel/calendar.ts';
import type { LimitWindow } from '../programs/index.ts';

/** How often, or how much, something may happen within a window of the tenant's calendar. */
export interface Limit {
  /** What is limited, e.g. `rule:purchase-points:points`. */
  readonly subject: string;
  /** Whose share; null: everybody's together. */
  readonly memberKey: string | null;
  readonly window: LimitWindow;
  readonly most: bigint;
}

/** A limit in one of its windows, with what of it is used up; locked until the transaction ends. */
export interface ClaimedLimit extends Limit {
  readonly windowStart: string;
  used: bigint;
}

/** Where limits that count for ever are kept. */
const BEGINNING = '0001-01-01';

/** The first local day of the window in which a moment lies, `YYYY-MM-DD`. */
export function windowStart(window: LimitWindow, moment: Date, timeZone: string): string {
  return window === 'lifetime' ? BEGINNING : firstDayOf(window, moment, timeZone);
}

/** What a limit leaves. */
export function leftOf({ most, used }: ClaimedLimit): bigint {
  return used < most ? most - used : 0n;
}
