import pg from 'pg';

const INT8 = 20;
const TIMESTAMPTZ = 1184;
const DATE = 1082;
const INT8_ARRAY = 1016;
const UUID_ARRAY: number = 2951;

const parseAnyMoment = pg.types.getTypeParser(TIMESTAMPTZ, 'text') as (text: string) => Date;

const parseAnyArray = pg.types.getTypeParser(UUID_ARRAY, 'text') as (text: string) => string[];

/** `2026-11-21 10:00:00` is followed by `.123` or nothing, and `+00`. */
const SECONDS_END = 19;

/** The moment that was read last: what was recorded together, or expires with a month, has one. */
const last = { text: '', time: 0 };

/**
 * Our sessions are in UTC, and moments are the most of what is read: this is many times faster than a
 * parser.
 */
function parseMoment(text: string): Date {
  if (text === last.text) return new Date(last.time);
  const isUsual = text.charCodeAt(4) === 45 && text.endsWith('+00') && text.length <= SECONDS_END + 7;
  if (!isUsual) return parseAnyMoment(text);
  last.text = text;
  last.time = timeOf(text);
  return new Date(last.time);
}

function timeOf(text: string): number {
  const digits = (from: number, to: number): number => {
    let value = 0;
    for (let index = from; index < to; index += 1) value = value * 10 + text.charCodeAt(index) - 48;
    return value;
  };
  const fraction = text.length - SECONDS_END - 4;
  const milliseconds = fraction <= 0 ? 0 : digits(20, 20 + fraction) * 10 ** (3 - fraction);
  return Date.UTC(
    digits(0, 4),
    digits(5, 7) - 1,
    digits(8, 10),
    digits(11, 13),
    digits(14, 16),
    digits(17, 19),
    milliseconds,
  );
}

/** Where none is null, commas alone part them: a page of the chain has thousands. */
function parseUuids(text: string): string[] {
  return /^\{[0-9a-f,-]+\}$/.test(text) ? text.slice(1, -1).split(',') : parseAnyArray(text);
}

/** How values of PostgreSQL reach us: bigint as BigInt, dates as `YYYY-MM-DD`, timestamptz as Date. */
export const valueTypes: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === INT8) return BigInt;
    if (oid === TIMESTAMPTZ) return parseMoment;
    if (oid === DATE) return (text: string) => text;
    if (oid === INT8_ARRAY) return (text: string) => text.slice(1, -1).split(',').filter(Boolean).map(BigInt);
    if (oid === UUID_ARRAY) return parseUuids;
    return pg.types.getTypeParser(oid, format);
  },
};
