import {
  type Alignment,
  expiresAt,
  isCalendarDate,
  isTimeZone,
  localDate,
  maturesAt,
  minus,
  parseDuration,
  plus,
} from './calendar.ts';

const SHANGHAI = 'Asia/Shanghai';
const NEW_YORK = 'America/New_York';
const BERLIN = 'Europe/Berlin';
/** Here clocks change at midnight: spring days begin at 01:00, and autumn's last hour comes twice. */
const SANTIAGO = 'America/Santiago';
const BEIRUT = 'Asia/Beirut';
/** Here clocks fall back from 01:00 to 00:00: autumn's day has two midnights. */
const HAVANA = 'America/Havana';

type Row = [zone: string, moment: string, after: string, result: string];

function duration(text: string) {
  const parsed = parseDuration(text);
  if (parsed === null) throw new Error(`${text} is no duration.`);
  return parsed;
}

function utc(text: string): string {
  return new Date(text).toISOString();
}

function matures(zone: string, moment: string, after: string): string {
  return maturesAt(new Date(moment), duration(after), zone).toISOString();
}

function expires(zone: string, moment: string, after: string, until: Alignment): string {
  return expiresAt(new Date(moment), duration(after), until, zone).toISOString();
}

describe('T+1', () => {
  it.each<Row>([
    [SHANGHAI, '2026-03-10T00:00:00.000+08:00', 'P1D', '2026-03-11T00:00:00+08:00'],
    [SHANGHAI, '2026-03-10T12:00:00.000+08:00', 'P1D', '2026-03-11T00:00:00+08:00'],
    [SHANGHAI, '2026-03-10T23:59:59.999+08:00', 'P1D', '2026-03-11T00:00:00+08:00'],
    [SHANGHAI, '2026-03-11T00:00:00.000+08:00', 'P1D', '2026-03-12T00:00:00+08:00'],
    [SHANGHAI, '2026-12-31T23:59:59.999+08:00', 'P1D', '2027-01-01T00:00:00+08:00'],
    [SHANGHAI, '2028-02-28T15:00:00.000+08:00', 'P1D', '2028-02-29T00:00:00+08:00'],
    [SHANGHAI, '2026-03-10T12:00:00.000+08:00', 'P7D', '2026-03-17T00:00:00+08:00'],
    [SHANGHAI, '2026-03-10T12:00:00.000+08:00', 'P1W', '2026-03-17T00:00:00+08:00'],
    [SHANGHAI, '2026-01-31T12:00:00.000+08:00', 'P1M', '2026-02-28T00:00:00+08:00'],
    [NEW_YORK, '2026-03-07T12:00:00-05:00', 'P1D', '2026-03-08T00:00:00-05:00'],
    [NEW_YORK, '2026-03-08T00:30:00-05:00', 'P1D', '2026-03-09T00:00:00-04:00'],
    [NEW_YORK, '2026-03-08T23:59:59.999-04:00', 'P1D', '2026-03-09T00:00:00-04:00'],
    [NEW_YORK, '2026-10-31T12:00:00-04:00', 'P1D', '2026-11-01T00:00:00-04:00'],
    [NEW_YORK, '2026-11-01T01:30:00-04:00', 'P1D', '2026-11-02T00:00:00-05:00'],
    [NEW_YORK, '2026-11-01T01:30:00-05:00', 'P1D', '2026-11-02T00:00:00-05:00'],
    [BERLIN, '2026-03-28T02:30:00+01:00', 'P1D', '2026-03-29T00:00:00+01:00'],
    [BERLIN, '2026-03-29T12:00:00+02:00', 'P1D', '2026-03-30T00:00:00+02:00'],
    [BERLIN, '2026-10-25T02:30:00+02:00', 'P1D', '2026-10-26T00:00:00+01:00'],
    [SANTIAGO, '2026-09-05T12:00:00-04:00', 'P1D', '2026-09-06T01:00:00-03:00'],
    [SANTIAGO, '2026-09-06T12:00:00-03:00', 'P1D', '2026-09-07T00:00:00-03:00'],
    [SANTIAGO, '2026-04-04T23:30:00-03:00', 'P1D', '2026-04-05T00:00:00-04:00'],
    [SANTIAGO, '2026-04-04T23:30:00-04:00', 'P1D', '2026-04-05T00:00:00-04:00'],
    [BEIRUT, '2026-03-28T12:00:00+02:00', 'P1D', '2026-03-29T01:00:00+03:00'],
    [BEIRUT, '2026-03-29T12:00:00+03:00', 'P1D', '2026-03-30T00:00:00+03:00'],
    [HAVANA, '2026-10-31T12:00:00-04:00', 'P1D', '2026-11-01T00:00:00-04:00'],
    [HAVANA, '2026-10-31T00:30:00-04:00', 'P1D', '2026-11-01T00:00:00-04:00'],
    [HAVANA, '2026-11-01T12:00:00-05:00', 'P1D', '2026-11-02T00:00:00-05:00'],
  ])('in %s, what is earned at %s falls due %s later, at %s', (zone, moment, after, due) => {
    expect(matures(zone, moment, after)).toBe(utc(due));
  });

  it.each<Row>([
    [SHANGHAI, '2026-03-10T23:59:59.999+08:00', 'PT24H', '2026-03-11T23:59:59.999+08:00'],
    [SHANGHAI, '2026-03-10T23:59:59.999+08:00', 'PT1S', '2026-03-11T00:00:00.999+08:00'],
    [NEW_YORK, '2026-03-07T12:00:00-05:00', 'PT24H', '2026-03-08T13:00:00-04:00'],
    [NEW_YORK, '2026-10-31T12:00:00-04:00', 'PT24H', '2026-11-01T11:00:00-05:00'],
    [NEW_YORK, '2026-03-07T12:00:00-05:00', 'P1DT1H', '2026-03-08T13:00:00-04:00'],
    [BERLIN, '2026-10-24T12:00:00+02:00', 'PT24H', '2026-10-25T11:00:00+01:00'],
    [SANTIAGO, '2026-09-05T12:00:00-04:00', 'PT24H', '2026-09-06T13:00:00-03:00'],
  ])('in %s, hours are counted on the clock: %s and %s are %s', (zone, moment, after, due) => {
    expect(matures(zone, moment, after)).toBe(utc(due));
  });
});

describe('expiry at the end of a month', () => {
  const months = Array.from({ length: 12 }, (_, index) => index + 1);
  const first = (year: number, month: number): string =>
    `${month === 13 ? year + 1 : year}-${String(month === 13 ? 1 : month).padStart(2, '0')}-01T00:00:00+08:00`;

  it.each(months)('begins with the next one: month %i', (month) => {
    for (const year of [2026, 2028]) {
      const end = utc(first(year, month + 1));
      const lastMoment = new Date(new Date(end).getTime() - 1).toISOString();
      expect(expires(SHANGHAI, first(year, month), 'P0D', 'END_OF_MONTH')).toBe(end);
      expect(expires(SHANGHAI, lastMoment, 'P0D', 'END_OF_MONTH')).toBe(end);
      expect(expires(SHANGHAI, lastMoment, 'P12M', 'END_OF_MONTH')).toBe(utc(first(year + 1, month + 1)));
    }
  });

  it.each<Row>([
    [SHANGHAI, '2026-01-31T10:00:00+08:00', 'P1M', '2026-03-01T00:00:00+08:00'],
    [SHANGHAI, '2028-01-31T10:00:00+08:00', 'P1M', '2028-03-01T00:00:00+08:00'],
    [SHANGHAI, '2026-11-30T10:00:00+08:00', 'P3M', '2027-03-01T00:00:00+08:00'],
    [SHANGHAI, '2028-02-29T10:00:00+08:00', 'P1Y', '2029-03-01T00:00:00+08:00'],
    [SHANGHAI, '2028-02-29T10:00:00+08:00', 'P12M', '2029-03-01T00:00:00+08:00'],
    [SHANGHAI, '2026-12-31T16:00:00Z', 'P12M', '2028-02-01T00:00:00+08:00'],
    [SHANGHAI, '2026-12-31T15:59:59.999Z', 'P12M', '2028-01-01T00:00:00+08:00'],
    [NEW_YORK, '2026-02-10T10:00:00-05:00', 'P1M', '2026-04-01T00:00:00-04:00'],
    [NEW_YORK, '2026-10-31T23:59:59.999-04:00', 'P0D', '2026-11-01T00:00:00-04:00'],
    [NEW_YORK, '2026-11-01T00:00:00-04:00', 'P0D', '2026-12-01T00:00:00-05:00'],
    // In Asunción the clocks sprang forward as October 2017 began, so that month began at 01:00.
    ['America/Asuncion', '2017-10-15T12:00:00-03:00', 'P0D', '2017-11-01T00:00:00-03:00'],
    ['America/Asuncion', '2017-09-15T12:00:00-04:00', 'P0D', '2017-10-01T01:00:00-03:00'],
    [HAVANA, '2026-10-15T12:00:00-04:00', 'P0D', '2026-11-01T00:00:00-04:00'],
  ])('in %s, %s and %s reach to %s', (zone, moment, after, end) => {
    expect(expires(zone, moment, after, 'END_OF_MONTH')).toBe(utc(end));
  });
});

describe('expiry', () => {
  it.each<[...Row, Alignment]>([
    [SHANGHAI, '2026-01-31T10:00:00+08:00', 'P1M', '2026-02-28T10:00:00+08:00', 'MOMENT'],
    [SHANGHAI, '2026-03-31T10:00:00+08:00', 'P1M', '2026-04-30T10:00:00+08:00', 'MOMENT'],
    [SHANGHAI, '2028-02-29T10:00:00+08:00', 'P1Y', '2029-02-28T10:00:00+08:00', 'MOMENT'],
    [SHANGHAI, '2028-02-29T10:00:00+08:00', 'P12M', '2029-02-28T10:00:00+08:00', 'MOMENT'],
    [SHANGHAI, '2028-02-29T10:00:00+08:00', 'P4Y', '2032-02-29T10:00:00+08:00', 'MOMENT'],
    [NEW_YORK, '2026-03-07T02:30:00-05:00', 'P1D', '2026-03-08T03:30:00-04:00', 'MOMENT'],
    [NEW_YORK, '2026-03-07T12:00:00-05:00', 'P1D', '2026-03-08T12:00:00-04:00', 'MOMENT'],
    [NEW_YORK, '2026-03-07T12:00:00-05:00', 'PT24H', '2026-03-08T13:00:00-04:00', 'MOMENT'],
    [NEW_YORK, '2026-03-08T12:00:00-04:00', 'P0D', '2026-03-09T00:00:00-04:00', 'END_OF_DAY'],
    [NEW_YORK, '2026-11-01T00:30:00-04:00', 'P0D', '2026-11-02T00:00:00-05:00', 'END_OF_DAY'],
    [SHANGHAI, '2026-03-10T23:59:59.999+08:00', 'P0D', '2026-03-11T00:00:00+08:00', 'END_OF_DAY'],
    [SHANGHAI, '2026-03-11T00:00:00+08:00', 'P0D', '2026-03-12T00:00:00+08:00', 'END_OF_DAY'],
    [SANTIAGO, '2026-09-05T12:00:00-04:00', 'P0D', '2026-09-06T01:00:00-03:00', 'END_OF_DAY'],
    [SANTIAGO, '2026-09-06T12:00:00-03:00', 'P0D', '2026-09-07T00:00:00-03:00', 'END_OF_DAY'],
    [SANTIAGO, '2026-04-04T23:30:00-03:00', 'P0D', '2026-04-05T00:00:00-04:00', 'END_OF_DAY'],
    [BEIRUT, '2026-03-29T12:00:00+03:00', 'P0D', '2026-03-30T00:00:00+03:00', 'END_OF_DAY'],
    [BEIRUT, '2026-10-24T23:30:00+02:00', 'P0D', '2026-10-25T00:00:00+02:00', 'END_OF_DAY'],
    [HAVANA, '2026-10-31T12:00:00-04:00', 'P0D', '2026-11-01T00:00:00-04:00', 'END_OF_DAY'],
    [HAVANA, '2026-11-01T00:30:00-04:00', 'P0D', '2026-11-02T00:00:00-05:00', 'END_OF_DAY'],
    [SHANGHAI, '2026-12-31T23:59:59.999+08:00', 'P0D', '2027-01-01T00:00:00+08:00', 'END_OF_YEAR'],
    [SHANGHAI, '2027-01-01T00:00:00+08:00', 'P0D', '2028-01-01T00:00:00+08:00', 'END_OF_YEAR'],
    [SHANGHAI, '2026-06-15T12:00:00+08:00', 'P1Y', '2028-01-01T00:00:00+08:00', 'END_OF_YEAR'],
    [NEW_YORK, '2026-06-15T12:00:00-04:00', 'P0D', '2027-01-01T00:00:00-05:00', 'END_OF_YEAR'],
  ])('in %s, %s and %s reach to %s (%s)', (zone, moment, after, end, until) => {
    expect(expires(zone, moment, after, until)).toBe(utc(end));
  });
});

describe('days before and after', () => {
  it.each([
    [NEW_YORK, '2026-03-08T12:00:00-04:00', 'P1D', '2026-03-07T12:00:00-05:00'],
    [NEW_YORK, '2026-03-08T12:00:00-04:00', 'PT24H', '2026-03-07T11:00:00-05:00'],
    [NEW_YORK, '2026-11-01T12:00:00-05:00', 'P1D', '2026-10-31T12:00:00-04:00'],
    [SHANGHAI, '2026-05-30T12:00:00+08:00', 'P90D', '2026-03-01T12:00:00+08:00'],
    [SHANGHAI, '2028-03-31T12:00:00+08:00', 'P1M', '2028-02-29T12:00:00+08:00'],
  ])('in %s, %s less %s is %s', (zone, moment, span, before) => {
    expect(minus(new Date(moment), duration(span), zone).toISOString()).toBe(utc(before));
  });

  it('are as many in each direction', () => {
    const moment = new Date('2026-02-20T12:00:00-05:00');
    const span = duration('P90D');
    expect(minus(plus(moment, span, NEW_YORK), span, NEW_YORK)).toEqual(moment);
  });

  it.each([
    ['2026-12-31T15:59:59.999Z', SHANGHAI, '2026-12-31'],
    ['2026-12-31T16:00:00.000Z', SHANGHAI, '2027-01-01'],
    ['2026-12-31T16:00:00.000Z', NEW_YORK, '2026-12-31'],
  ])('have a local date: %s in %s is %s', (moment, zone, date) => {
    expect(localDate(new Date(moment), zone)).toBe(date);
  });
});

describe('what is read', () => {
  it.each(['P1D', 'P12M', 'P1Y2M3W4DT5H6M7S', 'PT24H', 'PT0S', 'P0D', 'P90D', 'PT86400S', 'P1000Y'])(
    '%s is a duration',
    (text) => {
      expect(parseDuration(text)).not.toBeNull();
    },
  );

  it.each([
    '',
    'P',
    'PT',
    'P1DT',
    '1D',
    'p1d',
    'P-1D',
    '-P1D',
    'P1.5D',
    'PT1.5S',
    'P1D ',
    'P1D\n',
    'P1S',
    'P１D',
    'P1001Y',
    'P999999999Y',
    'P12001M',
    'P99999999999999999999D',
    `P${'1'.repeat(63)}D`,
    `P${'0'.repeat(100)}D`,
  ])('%j is none', (text) => {
    expect(parseDuration(text)).toBeNull();
  });

  it.each([
    ['2028-02-29', true],
    ['2027-02-29', false],
    ['2026-13-01', false],
    ['2026-04-31', false],
    ['today', false],
  ])('%s is a day of the calendar: %s', (text, isDay) => {
    expect(isCalendarDate(text)).toBe(isDay);
  });

  it.each([
    [SHANGHAI, true],
    ['UTC', true],
    ['Asia/Atlantis', false],
    ['', false],
    ['+08:00', false],
    ['-05', false],
  ])('%s is a time zone: %s', (text, isZone) => {
    expect(isTimeZone(text)).toBe(isZone);
  });
});
