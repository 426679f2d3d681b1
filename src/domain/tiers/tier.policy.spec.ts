import fc from 'fast-check';
import { ladderOf, withLadders } from '../../../test/tiers/ladders.ts';
import { dayPlus, localDate, startOfDay } from '../../kernel/calendar.ts';
import { type Ladder, laddersOf, rankOf } from './ladder.policy.ts';
import { bestOf, type HeldTier, raised, rankKept, rankReached, reviewed, setByHand } from './tier.policy.ts';
import { statusFigures } from './tier-status.policy.ts';
import { yearEnds } from './tier-window.policy.ts';

const timeZone = 'Asia/Shanghai';
const NOW = new Date('2026-11-20T04:00:00Z');
const THRESHOLDS = ['0', '100', '250', '400'];

function ladder(fields = 'metric: growth', thresholds = THRESHOLDS): Ladder {
  const [own] = laddersOf(withLadders(ladderOf('own', fields, thresholds))).all;
  if (own === undefined) throw new Error('There is no ladder.');
  return own;
}

function held(tier: string | null, more: Partial<HeldTier> = {}): HeldTier {
  const since = new Date('2026-01-01T00:00:00Z');
  return { tier, since, belowSince: null, warnedAt: null, hand: null, handUntil: null, ...more };
}

const at = (day: string): Date => new Date(`${day}T12:00:00+08:00`);
const plain = ladder();
const patient = ladder('metric: growth, retention: { percent: 80, monthsBelow: 2, graceMonths: 1 }');

describe('what a sum reaches and keeps', () => {
  it.each([
    [-5n, 1],
    [0n, 1],
    [99n, 1],
    [100n, 2],
    [399n, 3],
    [400n, 4],
    [10n ** 18n, 4],
  ])('%s reaches rank %s', (sum, rank) => {
    expect(rankReached(plain, sum)).toBe(rank);
  });

  it.each([
    ['metric: growth, retention: { percent: 80 }', [0n, 80n, 200n, 320n]],
    ['metric: growth, retention: { percent: 33 }', [0n, 33n, 83n, 132n]],
    ['metric: spend, retention: { percent: 1 }', [0n, 100n, 250n, 400n]],
    ['metric: growth', [0n, 100n, 250n, 400n]],
  ])('%s keeps by a share, rounded up', (fields, keeps) => {
    expect(ladder(fields).steps.map((step) => step.keeps)).toEqual(keeps);
  });

  it('is nothing below a lowest tier that asks something', () => {
    const strict = ladder('metric: growth', ['10', '20']);
    expect([rankReached(strict, 9n), rankReached(strict, 10n)]).toEqual([0, 1]);
    expect([rankKept(strict, 2, 9n), rankKept(strict, 2, 19n), rankKept(strict, 1, 99n)]).toEqual([0, 1, 1]);
  });

  it('counts last year as well as this one, whichever is better', () => {
    expect(bestOf({ current: 1n, previous: 2n })).toBe(2n);
    expect(bestOf({ current: 3n, previous: 2n })).toBe(3n);
  });
});

describe('who reaches more', () => {
  it.each<[string, HeldTier, bigint, Partial<HeldTier> | null]>([
    ['is raised', held('t1'), 100n, { tier: 't2', since: NOW }],
    ['is raised as far as it goes', held(null), 400n, { tier: 't4', since: NOW }],
    ['stays where that is what they hold', held('t2'), 249n, null],
    ['is never lowered', held('t4'), 0n, null],
    [
      'forgets a warning',
      held('t2', { belowSince: NOW, warnedAt: NOW }),
      250n,
      { warnedAt: null, tier: 't3' },
    ],
    [
      'is an ordinary holder of what was given',
      held('t2', { hand: 'RAISED' }),
      100n,
      { hand: null, tier: 't2' },
    ],
    ['keeps what was given above', held('t3', { hand: 'RAISED' }), 100n, null],
    ['is not raised from what was given below', held('t1', { hand: 'LOWERED' }), 400n, null],
    ['nor before its end', held('t1', { hand: 'LOWERED', handUntil: at('2026-11-21') }), 400n, null],
    [
      'but from its end on',
      held('t1', { hand: 'LOWERED', handUntil: NOW }),
      400n,
      { tier: 't4', hand: null },
    ],
    ['waits for the review in a tier that the program dropped', held('gone'), 400n, null],
  ])('%s', (_what, before, sum, after) => {
    const next = raised(plain, before, sum, NOW);
    if (after === null) expect(next).toBeNull();
    else expect(next).toMatchObject(after);
  });
});

describe('a review', () => {
  const june = at('2026-06-15');
  it.each<[string, Ladder, HeldTier, bigint, Partial<HeldTier>, string | null]>([
    ['raises to what was reached', plain, held('t1'), 250n, { tier: 't3', since: NOW }, 'REVIEWED'],
    ['lowers at once, as far as it must', plain, held('t4'), 120n, { tier: 't2', since: NOW }, 'REVIEWED'],
    ['keeps what is kept', patient, held('t4'), 320n, { tier: 't4' }, null],
    [
      'notes what is too little',
      patient,
      held('t4'),
      319n,
      { tier: 't4', belowSince: NOW, warnedAt: null },
      null,
    ],
    [
      'forgets it again',
      patient,
      held('t4', { belowSince: june, warnedAt: june }),
      320n,
      { belowSince: null, warnedAt: null },
      null,
    ],
    [
      'warns after the months below',
      patient,
      held('t4', { belowSince: at('2026-09-20') }),
      0n,
      { tier: 't4', warnedAt: NOW },
      null,
    ],
    ['not a day before', patient, held('t4', { belowSince: at('2026-09-21') }), 0n, { warnedAt: null }, null],
    [
      'waits after the warning',
      patient,
      held('t4', { belowSince: june, warnedAt: at('2026-10-21') }),
      0n,
      { tier: 't4' },
      null,
    ],
    [
      'then takes one step',
      patient,
      held('t4', { belowSince: june, warnedAt: at('2026-10-20') }),
      0n,
      { tier: 't3', belowSince: NOW, warnedAt: null },
      'REVIEWED',
    ],
    [
      'and begins again only if that is too much, too',
      patient,
      held('t4', { belowSince: june, warnedAt: june }),
      200n,
      { tier: 't3', belowSince: null },
      'REVIEWED',
    ],
    [
      'leaves what was given',
      plain,
      held('t4', { hand: 'RAISED', belowSince: june }),
      0n,
      { tier: 't4', hand: 'RAISED', belowSince: null },
      null,
    ],
    [
      'until its end',
      plain,
      held('t4', { hand: 'RAISED', handUntil: NOW }),
      120n,
      { tier: 't2', hand: null, handUntil: null },
      'HAND_ENDED',
    ],
    [
      'without months of grace then',
      patient,
      held('t4', { hand: 'RAISED', handUntil: NOW }),
      80n,
      { tier: 't2' },
      'HAND_ENDED',
    ],
    [
      'or until it was earned',
      plain,
      held('t2', { hand: 'RAISED', handUntil: at('2030-01-01') }),
      100n,
      { tier: 't2', hand: null },
      null,
    ],
    [
      'does not raise what was lowered',
      plain,
      held('t1', { hand: 'LOWERED' }),
      400n,
      { tier: 't1', hand: 'LOWERED' },
      null,
    ],
    [
      'but lowers it further',
      plain,
      held('t3', { hand: 'LOWERED' }),
      0n,
      { tier: 't1', hand: 'LOWERED' },
      'REVIEWED',
    ],
    [
      'and raises it at its end',
      plain,
      held('t1', { hand: 'LOWERED', handUntil: NOW }),
      400n,
      { tier: 't4', hand: null },
      'HAND_ENDED',
    ],
    [
      'replaces a tier that the program dropped',
      plain,
      held('gone', { hand: 'LOWERED' }),
      250n,
      { tier: 't3', hand: null },
      'PROGRAM',
    ],
    ['also by none', ladder('metric: growth', ['10', '20']), held('gone'), 9n, { tier: null }, 'PROGRAM'],
  ])('%s', (_what, own, before, sum, after, cause) => {
    const decision = reviewed(own, before, sum, { now: NOW, timeZone });
    expect(decision).toMatchObject({ next: after, cause });
  });

  it('counts months on the local calendar', () => {
    const before = held('t4', { belowSince: new Date('2025-12-30T16:30:00Z') });
    const seen = ['2026-02-27T15:59:00Z', '2026-02-27T16:00:00Z'].map(
      (moment) => reviewed(patient, before, 0n, { now: new Date(moment), timeZone }).next.warnedAt,
    );
    expect(seen).toEqual([null, new Date('2026-02-27T16:00:00Z')]);
  });
});

describe('what a person sets', () => {
  it.each<[string, number, bigint, Partial<HeldTier>]>([
    ['above what was reached', 4, 100n, { tier: 't4', hand: 'RAISED', handUntil: at('2027-01-01') }],
    ['below it', 1, 100n, { tier: 't1', hand: 'LOWERED', handUntil: at('2027-01-01') }],
    ['just that', 2, 100n, { tier: 't2', hand: null, handUntil: null }],
  ])('%s', (_what, rank, sum, after) => {
    const before = held('t3', { belowSince: NOW, hand: 'RAISED' });
    const next = setByHand(plain, before, { rank, sum, until: at('2027-01-01'), now: NOW });
    expect(next).toMatchObject({ ...after, since: NOW, belowSince: null });
  });
});

describe('properties', () => {
  const moments = fc.integer({ min: 0, max: 900 }).map((days) => new Date(NOW.getTime() - days * 86_400_000));
  const tiers = fc.constantFrom(null, 't1', 't2', 't3', 't4', 'gone');
  const holders = fc.record({
    tier: tiers,
    since: moments,
    belowSince: fc.option(moments),
    warnedAt: fc.option(moments),
    hand: fc.constantFrom(null, 'RAISED' as const, 'LOWERED' as const),
    handUntil: fc.option(fc.constantFrom(at('2026-01-01'), at('2027-01-01'))),
  });
  const ladders = fc
    .tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 }))
    .map(([percent, monthsBelow, graceMonths]): Ladder => {
      const keeps = (threshold: bigint): bigint => (threshold * BigInt(percent) + 99n) / 100n;
      const steps = plain.steps.map((step) => ({ ...step, keeps: keeps(step.threshold) }));
      return { ...plain, steps, monthsBelow, graceMonths };
    });
  const sums = fc.bigInt({ min: -50n, max: 500n });
  const when = { now: NOW, timeZone };
  const rank = (own: Ladder, { tier }: HeldTier): number => rankOf(own, tier) ?? -1;

  it('a review never raises above what is reached', () => {
    void fc.assert(
      fc.property(ladders, holders, sums, (own, before, sum) => {
        const { next } = reviewed(own, before, sum, when);
        expect(rank(own, next)).toBeLessThanOrEqual(Math.max(rank(own, before), rankReached(own, sum)));
      }),
    );
  });

  it('a review at the same moment changes nothing more', () => {
    void fc.assert(
      fc.property(ladders, holders, sums, (own, before, sum) => {
        const { next } = reviewed(own, before, sum, when);
        expect(reviewed(own, next, sum, when)).toEqual({ next, cause: null });
      }),
    );
  });

  it('who has what keeps their tier is never lowered', () => {
    void fc.assert(
      fc.property(ladders, holders, sums, (own, before, sum) => {
        const step = own.steps[rank(own, before) - 1];
        fc.pre(step !== undefined && sum >= step.keeps);
        expect(rank(own, reviewed(own, before, sum, when).next)).toBeGreaterThanOrEqual(rank(own, before));
      }),
    );
  });

  it('with months of grace it is one step at a time, but for an end that was set', () => {
    void fc.assert(
      fc.property(ladders, holders, sums, (own, before, sum) => {
        fc.pre(own.monthsBelow + own.graceMonths > 0 && before.hand === null && before.tier !== 'gone');
        expect(rank(own, reviewed(own, before, sum, when).next)).toBeGreaterThanOrEqual(
          rank(own, before) - 1,
        );
      }),
    );
  });

  it('what a purchase raises, a review leaves alone', () => {
    void fc.assert(
      fc.property(ladders, holders, sums, (own, before, sum) => {
        const next = raised(own, before, sum, NOW);
        fc.pre(next !== null);
        expect(reviewed(own, next, sum, when)).toEqual({ next, cause: null });
      }),
    );
  });

  it('who stays away long enough ends in the lowest tier', () => {
    void fc.assert(
      fc.property(ladders, fc.constantFrom('t2', 't3', 't4'), (own, tier) => {
        let now = held(tier);
        let day = localDate(NOW, timeZone);
        for (let month = 0; month <= 3 * (own.monthsBelow + own.graceMonths) + 3; month += 1) {
          now = reviewed(own, now, 0n, { now: startOfDay(day, timeZone), timeZone }).next;
          day = dayPlus(day, { months: 1, days: 1 });
        }
        expect(now.tier).toBe('t1');
      }),
    );
  });
});

describe('the year around a moment', () => {
  it.each([
    ['CALENDAR_YEAR', '2024-02-29T12:00:00+08:00', '2026-12-31T23:59:59+08:00', '2027-01-01', '2028-01-01'],
    ['CALENDAR_YEAR', '2024-02-29T12:00:00+08:00', '2027-01-01T00:00:00+08:00', '2028-01-01', '2029-01-01'],
    ['ENROLMENT_YEAR', '2024-02-29T12:00:00+08:00', '2024-02-29T12:00:00+08:00', '2025-02-28', '2026-02-28'],
    ['ENROLMENT_YEAR', '2024-02-29T12:00:00+08:00', '2025-02-27T23:59:59+08:00', '2025-02-28', '2026-02-28'],
    ['ENROLMENT_YEAR', '2024-02-29T12:00:00+08:00', '2025-02-28T00:00:00+08:00', '2026-02-28', '2027-02-28'],
    ['ENROLMENT_YEAR', '2024-02-29T12:00:00+08:00', '2028-02-28T00:00:00+08:00', '2028-02-29', '2029-02-28'],
    ['ENROLMENT_YEAR', '2025-12-31T23:30:00+08:00', '2026-06-01T00:00:00+08:00', '2026-12-31', '2027-12-31'],
  ] as const)('%s, enrolled %s, at %s ends with %s and %s', (window, enrolled, now, thisYear, nextYear) => {
    const ends = yearEnds(window, { now: new Date(now), enrolledAt: new Date(enrolled), timeZone });
    expect(ends).toEqual({
      thisYear: startOfDay(thisYear, timeZone),
      nextYear: startOfDay(nextYear, timeZone),
    });
  });

  it('is none in other windows', () => {
    expect(yearEnds('ROLLING_DAYS', { now: NOW, enrolledAt: NOW, timeZone })).toBeNull();
  });
});

describe('the figures of a tier', () => {
  const standing = (tier: string | null, current: bigint, more: object = {}) => ({
    ...held(tier),
    ...{ current, previous: 0n, enrolledAt: NOW, now: NOW },
    ...more,
  });
  const yearly = ladder('metric: spend, window: CALENDAR_YEAR, retention: { percent: 50 }');
  const [thisYear, nextYear] = [startOfDay('2027-01-01', timeZone), startOfDay('2028-01-01', timeZone)];

  it.each([
    ['what this year reached, to the end of the next', 2, standing('t2', 5_000n), nextYear, false],
    [
      'what last year reached, to the end of this one',
      2,
      standing('t2', 4_999n, { previous: 9_000n }),
      thisYear,
      true,
    ],
    [
      'what neither did, to the next review',
      2,
      standing('t2', 4_999n),
      startOfDay('2026-11-21', timeZone),
      true,
    ],
    ['what was given, to its end', 2, standing('t2', 0n, { hand: 'RAISED', handUntil: NOW }), NOW, true],
    ['what was given for ever', 2, standing('t2', 0n, { hand: 'RAISED' }), null, false],
  ])('say until when is held %s', (_what, rank, own, until, atRisk) => {
    expect(statusFigures(yearly, rank, own, timeZone)).toMatchObject({
      until,
      retention: { required: 5_000n, current: own.current, by: thisYear, atRisk },
      progress: { nextRank: 3, required: 25_000n, remaining: 25_000n - own.current, by: thisYear },
    });
  });

  it('are none without a tier, and without an end where nothing is asked', () => {
    expect(statusFigures(yearly, 0, standing(null, 0n), timeZone)).toBeNull();
    expect(statusFigures(yearly, 1, standing('t1', -5n), timeZone)).toMatchObject({
      until: null,
      retention: null,
      progress: { current: -5n, remaining: 10_005n },
    });
    expect(statusFigures(plain, 4, standing('t4', 400n), timeZone)).toEqual({
      since: held('t4').since,
      until: null,
      progress: null,
      retention: null,
    });
  });
});
