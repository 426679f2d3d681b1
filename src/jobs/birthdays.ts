import { findBirthdays } from '../domain/members/index.ts';
import type { PinnedProgram } from '../domain/programs/index.ts';
import { toPublicId } from '../kernel/ids.ts';
import type { Database } from '../persistence/index.ts';
import { type RecordingParts, recordOwnActivities } from './own-activities.ts';

const TYPE = 'birthday';
const MEMBERS_A_READ = 500;
const MOST_DAYS_BACK = 366;
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

/** Whose birthday a local day is: those of 29 February have theirs on the 28th where there is no 29th. */
export function birthdaysOn(day: string): { month: number; days: number[] } {
  const [year = 0, month = 0, date = 0] = day.split('-').map(Number);
  const hasLeapDay = new Date(Date.UTC(year, 1, 29)).getUTCMonth() === 1;
  const isStandIn = month === 2 && date === 28 && !hasLeapDay;
  return { month, days: isStandIn ? [28, 29] : [date] };
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
    const born = { ...birthdaysOn(day), enrolledBy: day, timeZone: definition.timeZone };
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
