import { CronExpressionParser } from 'cron-parser';

/** "H" would be another moment at each look. */
const RANDOM = /(^|[\s,])H/;

/** Two moments that a cron line names, around another one. */
export interface CronMoments {
  /** The last one up to then, or then. */
  readonly last: Date;
  readonly next: Date;
}

/** What is wrong with a cron line of five fields, minutes first; null when nothing is. */
export function problemOfCron(line: string): string | null {
  if (line.trim().split(/\s+/).length !== 5) return 'it takes five fields: minute, hour, day, month, weekday';
  if (RANDOM.test(line)) return 'H names no moment';
  try {
    momentsAround(line, 'UTC', new Date(0));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** An hour that the zone's clock skips is made up for right after; one that comes twice counts once. */
export function momentsAround(line: string, timeZone: string, now: Date): CronMoments {
  const moments = CronExpressionParser.parse(line, {
    currentDate: new Date(now.getTime() + 1),
    tz: timeZone,
  });
  // Backwards it takes skipped and repeated hours otherwise than forwards, which is how time passes.
  moments.prev();
  let last = moments.prev().toDate();
  let next = moments.next().toDate();
  while (next <= now) [last, next] = [next, moments.next().toDate()];
  return { last, next };
}
