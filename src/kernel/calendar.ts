import { DateTime, Duration, IANAZone } from 'luxon';

/** A moment rounded up to the end of a local day, month or year, or left as it is. */
export const ALIGNMENTS = ['MOMENT', 'END_OF_DAY', 'END_OF_MONTH', 'END_OF_YEAR'] as const;
export type Alignment = (typeof ALIGNMENTS)[number];

const UNITS = { END_OF_DAY: 'day', END_OF_MONTH: 'month', END_OF_YEAR: 'year' } as const;
const DAY_MS = 24 * 60 * 60 * 1_000;
const DURATION = /^P(?!$)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?$/;

/** True for a zone's name. Not for a mere offset: PostgreSQL reads "+08:00" as eight hours behind. */
export function isTimeZone(zone: string): boolean {
  return /^[a-z]/i.test(zone) && IANAZone.isValidZone(zone);
}

/** Far longer ones would lead to moments that neither JavaScript nor PostgreSQL can hold. */
const LONGEST_YEARS = 1_000;

/** An ISO 8601 duration of whole, non-negative parts, at most 1,000 years; null for anything else. */
export function parseDuration(text: string): Duration | null {
  if (text.length > 64 || !DURATION.test(text)) return null;
  const duration = Duration.fromISO(text);
  return duration.isValid && duration.as('years') <= LONGEST_YEARS ? duration : null;
}

/** A duration's calendar part (days and longer) and its clock part (hours and shorter), each ISO 8601. */
export interface SplitDuration {
  readonly days: string;
  readonly time: string;
}

const split = new Map<string, SplitDuration>();
const MOST_SPLIT = 1_000;

/** Takes apart a duration that `parseDuration` accepts; the usual few are remembered. */
export function splitDuration(text: string): SplitDuration {
  const known = split.get(text);
  if (known !== undefined) return known;
  const { hours = 0, minutes = 0, seconds = 0, ...rest } = Duration.fromISO(text).toObject();
  const days = Duration.fromObject(rest).toISO() ?? 'P0D';
  const time = Duration.fromObject({ hours, minutes, seconds }).toISO() ?? 'PT0S';
  if (split.size >= MOST_SPLIT) split.clear();
  split.set(text, { days, time });
  return { days, time };
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

type CalendarUnit = (typeof UNITS)[keyof typeof UNITS];

/** The first moment of the local day, month or year; where it has two midnights, the first of them. */
function startOf(at: DateTime, unit: CalendarUnit): DateTime {
  const start = at.startOf(unit);
  return start.getPossibleOffsets()[0] ?? start;
}

/**
 * When something earned at `moment` becomes available: T+1 (`P1D`) is the next local midnight, so whole
 * days and longer count from the start of the local day; `PT24H` is exactly 24 hours later.
 */
export function maturesAt(moment: Date, after: Duration, zone: string): Date {
  const at = DateTime.fromJSDate(moment, { zone });
  const hasTimePart = after.hours + after.minutes + after.seconds + after.milliseconds > 0;
  return (hasTimePart ? at.plus(after) : startOf(at.plus(after), 'day')).toJSDate();
}

/** When something earned at `moment` expires: `after` it, rounded up to the end of the unit (exclusive). */
export function expiresAt(moment: Date, after: Duration, until: Alignment, zone: string): Date {
  const at = DateTime.fromJSDate(moment, { zone }).plus(after);
  if (until === 'MOMENT') return at.toJSDate();
  const unit = UNITS[until];
  // A day that begins at 01:00, because clocks spring forward at midnight, still ends at 00:00.
  return startOf(at.startOf(unit).plus({ [unit]: 1 }), unit).toJSDate();
}

/** The first local day of the day, week (from Monday), month or year around a moment, `YYYY-MM-DD`. */
export function firstDayOf(unit: 'day' | 'week' | 'month' | 'year', moment: Date, zone: string): string {
  return DateTime.fromJSDate(moment, { zone }).startOf(unit).toFormat('yyyy-MM-dd');
}

/** Whether a local date (`YYYY-MM-DD`) is a birthday; for who was born on 29 February, 28 in common years. */
export function isBirthdayOn(birthday: string, today: string): boolean {
  const own = birthday.slice(5);
  if (own === today.slice(5)) return true;
  return own === '02-29' && today.endsWith('02-28') && !DateTime.fromISO(today).isInLeapYear;
}

/** How many birthdays somebody has had by a local date; both `YYYY-MM-DD`. */
export function ageOn(birthday: string, today: string): number {
  const years = Number(today.slice(0, 4)) - Number(birthday.slice(0, 4));
  const isDue = birthday.slice(5) <= today.slice(5) || isBirthdayOn(birthday, today);
  return isDue ? years : years - 1;
}

/** How many local midnights lie between two moments. */
export function daysBetween(from: Date, to: Date, zone: string): number {
  const day = (moment: Date): number => Date.parse(localDate(moment, zone)) / DAY_MS;
  return day(to) - day(from);
}

/** A moment on the local calendar: its date, its hour 0 to 23, its weekday 1 (Monday) to 7. */
export function localParts(moment: Date, zone: string): { date: string; hour: number; weekday: number } {
  const at = DateTime.fromJSDate(moment, { zone });
  return { date: at.toFormat('yyyy-MM-dd'), hour: at.hour, weekday: at.weekday };
}

/** A local day some time later, the last day of the month where it has no such day. */
export function dayPlus(
  day: string,
  span: { readonly days?: number; readonly months?: number; readonly years?: number },
): string {
  return DateTime.fromISO(day).plus(span).toFormat('yyyy-MM-dd');
}

/** The first moment of a local day, `YYYY-MM-DD`. */
export function startOfDay(day: string, zone: string): Date {
  return startOf(DateTime.fromISO(day, { zone }), 'day').toJSDate();
}

/** The first moment after a local day, `YYYY-MM-DD`. */
export function endOfDay(day: string, zone: string): Date {
  return startOfDay(dayPlus(day, { days: 1 }), zone);
}

/**
 * The end of the first local day `MM-DD` that isn't over when `after` has passed since a moment; 29 February
 * is the 28th in common years.
 */
export function endOfDayOfYear(moment: Date, after: Duration | null, day: string, zone: string): Date {
  const earliest = DateTime.fromJSDate(moment, { zone }).plus(after ?? {});
  const inYear = (year: number): string => {
    const isMissing = day === '02-29' && !DateTime.local(year).isInLeapYear;
    return `${String(year).padStart(4, '0')}-${isMissing ? '02-28' : day}`;
  };
  const sameYear = endOfDay(inYear(earliest.year), zone);
  return sameYear > earliest.toJSDate() ? sameYear : endOfDay(inYear(earliest.year + 1), zone);
}
