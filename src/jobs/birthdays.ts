import { findBirthdays } from '../domain/members/index.ts';
import type { PinnedProgram } from '../domain/programs/index.ts';
import { toPublicId } from '../kernel/ids.ts';
import type { Database } from '../persistence/index.ts';
import { type RecordingParts, recordOwnActivities } from './own-activities.ts';

const TYPE = 'birthday';
const MEMBERS_A_READ = 500;
const MOST_DAYS_BACK = 366;
const OLDEST_YEARS = 200;
const DAY_MS = 24 * 60 * 60 * 1_000;

/** Which local days are to be done, oldest first: those after the last that was done, up to today. */
export function daysToDo(last: string | null, today: string): string[] {
  const end = Date.parse(today);
  const next = last === null ? end : Date.parse(last) + DAY_MS;
  const days: string[] = [];
  for (let day = Math.max(next, end - MOST_DAYS_BACK * DAY_MS); day <= end; day += DAY_MS)
    days.push(new Date(day).toISOString().slice(0, 10));
  return days;
}

/**
 * The dates of birth whose birthday a local day is, of the last 200 years: those of 29 February have theirs
 * on the 28th where there is no 29th.
 */
export function bornOn(day: string): string[] {
  const year = Number(day.slice(0, 4));
  const isStandIn = day.endsWith('-02-28') && !isLeap(year);
  const dates: string[] = [];
  for (let birth = year; birth > year - OLDEST_YEARS; birth -= 1) {
    const of = String(birth).padStart(4, '0');
    if (isLeap(birth) || !day.endsWith('-02-29')) dates.push(`${of}${day.slice(4)}`);
    if (isLeap(birth) && isStandIn) dates.push(`${of}-02-29`);
  }
  return dates;
}

function isLeap(year: number): boolean {
  return new Date(Date.UTC(year, 1, 29)).getUTCMonth() === 1;
}

/**
 * Records the birthdays of these local days, where a rule answers to them; each member's once a year.
 * @returns what failed, after all were tried
 */
export async function recordBirthdays(
  parts: RecordingParts & { readonly database: Database },
  tenantKey: string,
  { definition }: PinnedProgram,
  days: readonly string[],
): Promise<readonly unknown[]> {
  if (!definition.rules.some(({ trigger }) => trigger === TYPE)) return [];
  const sql = parts.database.read(tenantKey);
  const failures: unknown[] = [];
  for (const day of days) {
    const born = { bornOn: bornOn(day), enrolledBy: day, timeZone: definition.timeZone };
    for (let after: string | null = null; ; ) {
      const memberKeys: string[] = await findBirthdays(sql, tenantKey, born, after, MEMBERS_A_READ);
      const activities = memberKeys.map((memberKey) => ({
        idempotencyKey: `birthday:${toPublicId('member', memberKey)}:${day.slice(0, 4)}`,
        memberKey,
        type: TYPE,
      }));
      failures.push(...(await recordOwnActivities(parts, tenantKey, activities)).failures);
      if (memberKeys.length < MEMBERS_A_READ) break;
      after = memberKeys.at(-1) ?? null;
    }
  }
  return failures;
}
