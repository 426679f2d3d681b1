import { momentsAround, problemOfCron } from './cron.ts';

function around(line: string, zone: string, now: string): string[] {
  const { last, next } = momentsAround(line, zone, new Date(now));
  return [last.toISOString(), next.toISOString()];
}

describe('a cron line', () => {
  it.each([
    ['0 3 * * *', 'UTC', '2026-11-22T02:59:59.999Z', '2026-11-21T03:00:00.000Z', '2026-11-22T03:00:00.000Z'],
    ['0 3 * * *', 'UTC', '2026-11-22T03:00:00.000Z', '2026-11-22T03:00:00.000Z', '2026-11-23T03:00:00.000Z'],
    [
      '0 3 * * *',
      'Asia/Shanghai',
      '2026-11-22T03:00:00Z',
      '2026-11-21T19:00:00.000Z',
      '2026-11-22T19:00:00.000Z',
    ],
    [
      '*/15 8-9 * * 1-5',
      'UTC',
      '2026-11-22T08:00:00Z',
      '2026-11-20T09:45:00.000Z',
      '2026-11-23T08:00:00.000Z',
    ],
    ['0 0 29 2 *', 'UTC', '2026-11-22T08:00:00Z', '2024-02-29T00:00:00.000Z', '2028-02-29T00:00:00.000Z'],
  ])('%s in %s names moments around %s', (line, zone, now, last, next) => {
    expect(around(line, zone, now)).toEqual([last, next]);
  });

  it('makes up for an hour that the zone’s clock skips, and takes one that comes twice once', () => {
    const skipped = around('30 2 * * *', 'Europe/Berlin', '2026-03-29T12:00:00Z');
    expect(skipped).toEqual(['2026-03-29T01:30:00.000Z', '2026-03-30T00:30:00.000Z']);
    for (const now of ['2026-10-25T00:45:00Z', '2026-10-25T12:00:00Z']) {
      const twice = ['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z'];
      expect(around('30 2 * * *', 'Europe/Berlin', now)).toEqual(twice);
    }
    const hourly = ['2026-10-25T01:30:00.000Z', '2026-10-25T02:30:00.000Z'];
    expect(around('30 * * * *', 'Europe/Berlin', '2026-10-25T01:45:00Z')).toEqual(hourly);
  });

  it.each([
    ['* * * *', /five fields/],
    ['0 * * * * *', /five fields/],
    ['@daily', /five fields/],
    ['60 * * * *', /60/],
    ['0 0 31 2 *', /day of month/],
    ['H 3 * * *', /H names no moment/],
    ['a b c d e', /./],
  ])('is refused: %s', (line, why) => {
    expect(problemOfCron(line)).toMatch(why);
  });

  it('is taken with names of days and months', () => {
    expect(problemOfCron('0 3 * mar,thu thu')).not.toBeNull();
    expect(problemOfCron('0 3 * MAR THU')).toBeNull();
  });
});
