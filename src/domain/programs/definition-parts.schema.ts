import { z } from 'zod';
import { ALIGNMENTS, isCalendarDate, parseDuration } from '../../kernel/calendar.ts';
import { isDecimal } from '../../kernel/money.ts';
import { MAX_POINTS, parsePoints } from '../../kernel/points.ts';

// What the parts of a definition are made of.

export const code = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'a code: lower-case letters, digits, "-" and "_"');
export const text = z.string().min(1).max(200);
export const localized = z
  .strictObject({ en: text.optional(), 'zh-CN': text.optional() })
  .refine(
    (names) => names.en !== undefined || names['zh-CN'] !== undefined,
    'a name in "en", "zh-CN" or both',
  );
export const duration = z
  .string()
  .refine((value) => parseDuration(value) !== null, 'an ISO 8601 duration, e.g. "P12M"');
export const decimal = z.string().refine(isDecimal, 'a decimal as a string, e.g. "100.00"');

const whole = z.union([z.int(), z.string()]).transform((value) => String(value));

/** A whole, positive amount: a YAML integer, or a string of digits when it is larger than 2^53. */
export const amount = whole.refine((value) => (parsePoints(value) ?? 0n) > 0n, 'a whole amount above zero');

/** A whole amount that is not above zero, written the same way. */
export const amountBelow = whole.refine((value) => {
  const parsed = parsePoints(value);
  return parsed !== null && parsed <= 0n && parsed >= -MAX_POINTS;
}, 'zero, a whole amount below zero, or NONE');

/** A day of the calendar. */
export const date = z
  .string()
  .refine((value) => /^\d{4}-\d{2}-\d{2}$/.test(value) && isCalendarDate(value), 'a date, e.g. "2027-03-31"');

/** A day of every year; 29 February is the 28th in common years. */
export const dayOfYear = z
  .string()
  .refine(
    (value) => /^\d{2}-\d{2}$/.test(value) && isCalendarDate(`2028-${value}`),
    'a day of the year, "03-31"',
  );

/** How long something lasts: a duration, rounded up to the end of a local day, month or year. */
export const lifetime = z.strictObject({ after: duration, until: z.enum(ALIGNMENTS).default('MOMENT') });
