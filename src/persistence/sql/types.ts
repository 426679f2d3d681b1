import pg from 'pg';

const INT8 = 20;
const TIMESTAMPTZ = 1184;
const DATE = 1082;
const INT8_ARRAY = 1016;

const UTC_MOMENT = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d+)?)\+00$/;
const parseAnyMoment = pg.types.getTypeParser(TIMESTAMPTZ, 'text') as (text: string) => Date;

/** Our sessions are in UTC, whose moments the engine parses several times faster than the general parser. */
function parseMoment(text: string): Date {
  const [, date, time] = UTC_MOMENT.exec(text) ?? [];
  return date === undefined ? parseAnyMoment(text) : new Date(`${date}T${time}Z`);
}

/** How values of PostgreSQL reach us: bigint as BigInt, dates as `YYYY-MM-DD`, timestamptz as Date. */
export const valueTypes: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === INT8) return BigInt;
    if (oid === TIMESTAMPTZ) return parseMoment;
    if (oid === DATE) return (text: string) => text;
    if (oid === INT8_ARRAY) return (text: string) => text.slice(1, -1).split(',').filter(Boolean).map(BigInt);
    return pg.types.getTypeParser(oid, format);
  },
};
