import { DateTime, Duration, IANAZone } from 'luxon';

/** A moment rounded up to the end of a local day, month or year, or left as it is. */
export const ALIGNMENTS = ['MOMENT', 'END_OF_DAY', 'END_OF_MONTH', 'END_OF_YEAR'] as const;
export type Alignment = (typeof ALIGNMENTS)[number];

const UNITS = { END_OF_DAY: 'day', END_OF_MONTH: 'month', END_OF_YEAR: 'year' } as const;
const DURATION = /^P(?!$)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?$/;

export function isTimeZone(zone: string): boolean {
  return IANAZone.isValidZone(zone);
}

/** An ISO 8601 duration of whole, non-negative parts; null for anything else. */
export function parseDuration(text: string): Duration | null {
  if (text.length > 64 || !DURATION.test(text)) return null;
  const duration = Duration.fromISO(text);
  return duration.isValid ? duration : null;
}

/** True for a `YYYY-MM-DD` that the calendar has. */
export function isCalendarDate(text: string): boolean {
  return DateTime.fromISO(text).isValid;
}

/** The local date of a moment, `YYYY-MM-DD`. */
export function localDate(moment: Date, zone: string): string {
  return DateTime.fromJSDate(moment, { zone }).toFormat('yyyy-MM-dd');
}

/** `moment` plus a duration: days and longer in the zone's calendar, hours and shorter on the clock. */
export function plus(moment: Date, duration: Duration, zone: string): Date {
  return DateTime.fromJSDate(moment, { zone }).plus(duration).toJSDate();
}

/** The same moment, `duration` earlier. */
export function minus(moment: Date, duration: Duration, zone: string): Date {
  return DateTime.fromJSDate(moment, { zone }).minus(duration).toJSDate();
}

/**
 * When something earned at `moment` becomes available: T+1 (`P1D`) is the next local midnight, so whole
 * days and longer count from the start of the local day; `PT24H` is exactly 24 hours later.
 */
export function maturesAt(moment: Date, after: Duration, zone: string): Date {
  const at = DateTime.fromJSDate(moment, { zone });
  const hasTimePart = after.hours + after.minutes + after.seconds + after.milliseconds > 0;
  return (hasTimePart ? at.plus(after) : at.plus(after).startOf('day')).toJSDate();
}

/** When something earned at `moment` expires: `after` it, rounded up to the end of the unit (exclusive). */
export function expiresAt(moment: Date, after: Duration, until: Alignment, zone: string): Date {
  const at = DateTime.fromJSDate(moment, { zone }).plus(after);
  if (until === 'MOMENT') return at.toJSDate();
  const unit = UNITS[until];
  return at
    .startOf(unit)
    .plus({ [unit]: 1 })
    .toJSDate();
}
