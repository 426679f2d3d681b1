import { dayPlus, localDate, startOfDay } from '../../kernel/calendar.ts';
import type { Ladder, SumWindow } from './ladder.policy.ts';
import type { Sums } from './tier.policy.ts';

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
  const year = yearAround(window, now, enrolledAt, timeZone);
  return {
    thisYear: startOfDay(year(1), timeZone),
    nextYear: startOfDay(year(2), timeZone),
  };
}

/** The first local day of the year of a window around a moment, or of one so many years later. */
function yearAround(
  window: 'CALENDAR_YEAR' | 'ENROLMENT_YEAR',
  now: Date,
  enrolledAt: Date,
  timeZone: string,
): (later: number) => string {
  const today = localDate(now, timeZone);
  const year = Number(today.slice(0, 4));
  const first = window === 'CALENDAR_YEAR' ? `${today.slice(0, 4)}-01-01` : localDate(enrolledAt, timeZone);
  const years = year - Number(first.slice(0, 4));
  // The anniversary of 29 February is 28 February where there is no other.
  const begun = dayPlus(first, { years }) <= today ? years : years - 1;
  return (later) => dayPlus(first, { years: begun + later });
}

/**
 * To which sum of a ladder something counts that happened at a moment: as standing.repository.ts says in SQL.
 * Null where it counts to neither.
 */
export function sumOf(
  { window, windowDays }: Pick<Ladder, 'window' | 'windowDays'>,
  { now, enrolledAt, timeZone }: { readonly now: Date; readonly enrolledAt: Date; readonly timeZone: string },
): (moment: Date) => keyof Sums | null {
  if (window === 'LIFETIME') return () => 'current';
  if (window === 'TAGS') return () => null;
  if (window === 'ROLLING_DAYS') {
    const today = localDate(now, timeZone);
    const before = dayPlus(today, { days: -windowDays });
    return (moment) => (isWithin(localDate(moment, timeZone), before, today) ? 'current' : null);
  }
  const year = yearAround(window, now, enrolledAt, timeZone);
  const [before, start, after] = [year(-1), year(0), year(1)];
  return (moment) => {
    const day = localDate(moment, timeZone);
    if (day < before || day >= after) return null;
    return day >= start ? 'current' : 'previous';
  };
}

function isWithin(day: string, before: string, last: string): boolean {
  return day > before && day <= last;
}
