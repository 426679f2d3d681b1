import { dayPlus, localDate, startOfDay } from '../../kernel/calendar.ts';
import type { SumWindow } from './ladder.policy.ts';

/** The ends, exclusive, of the year around a moment and of the one after it. */
export interface YearEnds {
  readonly thisYear: Date;
  readonly nextYear: Date;
}

/** When the year of a window ends, in the tenant's zone; null in windows that aren't years. */
export function yearEnds(
  window: SumWindow,
  { now, enrolledAt, timeZone }: { readonly now: Date; readonly enrolledAt: Date; readonly timeZone: string },
): YearEnds | null {
  if (window !== 'CALENDAR_YEAR' && window !== 'ENROLMENT_YEAR') return null;
  const today = localDate(now, timeZone);
  const year = Number(today.slice(0, 4));
  const enrolledOn = localDate(enrolledAt, timeZone);
  const first = window === 'CALENDAR_YEAR' ? `${today.slice(0, 4)}-01-01` : enrolledOn;
  const years = year - Number(first.slice(0, 4));
  // The anniversary of 29 February is 28 February where there is no other.
  const begun = dayPlus(first, { years }) <= today ? years : years - 1;
  return {
    thisYear: startOfDay(dayPlus(first, { years: begun + 1 }), timeZone),
    nextYear: startOfDay(dayPlus(first, { years: begun + 2 }), timeZone),
  };
}
