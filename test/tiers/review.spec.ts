import type pg from 'pg';
import { TierReview } from '../../src/domain/tiers/index.ts';
import { type Ladder, laddersOf } from '../../src/domain/tiers/ladder.policy.ts';
import { bestOf, type HeldTier, reviewed, type Sums } from '../../src/domain/tiers/tier.policy.ts';
import { dayPlus, localDate } from '../../src/kernel/calendar.ts';
import { newKey } from '../../src/kernel/ids.ts';
import { newTenant, setClock } from '../ledger/tenants.ts';
import { connect, startApplication, type TestApplication } from '../persistence/furnished.ts';
import { ladderOf, withLadders } from './ladders.ts';

const MEMBERS = 300;

let application: TestApplication;
let owner: pg.Client;
beforeAll(async () => {
  application = await startApplication();
  owner = await connect(application.testDatabase.adminUrl);
});
afterAll(async () => {
  await owner.end();
  await application.close();
});

const LADDERS = [
  ladderOf('rolling', 'metric: growth, window: ROLLING_DAYS, windowDays: 30, retention: { percent: 80 }', [
    '0',
    '100',
    '250',
    '400',
  ]),
  ladderOf('lifetime', 'metric: growth', ['50', '100', '333']),
  ladderOf(
    'calendar',
    'metric: growth, window: CALENDAR_YEAR, retention: { percent: 33, monthsBelow: 2, graceMonths: 1 }',
    ['0', '100', '250', '400'],
  ),
  ladderOf('anniversary', 'metric: growth, window: ENROLMENT_YEAR, retention: { graceMonths: 3 }', [
    '10',
    '100',
    '250',
  ]),
  ladderOf('spending', 'metric: spend, window: ENROLMENT_YEAR, retention: { monthsBelow: 1, percent: 1 }', [
    '0',
    '0.01',
    '2.50',
  ]),
  ladderOf('tagged', 'metric: "tags:a,b,c", retention: { percent: 50, graceMonths: 2 }', ['0', '1', '3']),
].join('');

interface Person {
  readonly memberKey: string;
  readonly enrolledAt: Date;
  readonly tags: string[];
  readonly days: Map<string, [string, bigint][]>;
  readonly held: Map<string, HeldTier | null>;
}

/** Small and repeatable: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function population(
  ladders: readonly Ladder[],
  clock: Date,
  timeZone: string,
  random: () => number,
): Person[] {
  const one = <Value>(values: readonly Value[]): Value =>
    values[Math.floor(random() * values.length)] as Value;
  const today = localDate(clock, timeZone);
  const ago = (days: number): Date => new Date(clock.getTime() - days * 86_400_000);
  const year = Number(today.slice(0, 4));
  const edges = [
    ...[0, 1, 28, 29, 30, 31, 364, 365, 366, 367].map((days) => dayPlus(today, { days: -days })),
    ...[year - 2, year - 1, year].flatMap((own) => [`${own}-01-01`, `${own}-12-31`]),
    dayPlus(today, { days: 1 }),
  ];
  return Array.from({ length: MEMBERS }, () => {
    const enrolledAt = one([
      new Date('2024-02-29T04:00:00Z'),
      new Date('2024-02-28T17:00:00Z'),
      new Date('2023-12-31T16:30:00Z'),
      ago(365),
      ago(366),
      ago(Math.floor(random() * 1_500)),
      ago(1),
    ]);
    const anniversary = dayPlus(localDate(enrolledAt, timeZone), { years: Math.floor(random() * 4) });
    const days = new Map(
      ['growth', 'spend'].map((metric): [string, [string, bigint][]] => {
        const own = new Map<string, bigint>();
        for (let count = Math.floor(random() * 6); count > 0; count -= 1) {
          const day = one([...edges, anniversary, dayPlus(anniversary, { days: -1 })]);
          own.set(day, BigInt(one([1, 9, 10, 33, 50, 79, 80, 83, 100, 199, 200, 250, 320, 400, -60])));
        }
        return [metric, [...own]];
      }),
    );
    const held = new Map(
      ladders.map(({ code, steps }): [string, HeldTier | null] => {
        const codes = steps.map(({ code }) => code);
        const tier = one([null, 'dropped', ...codes, ...codes, ...codes, ...codes]);
        const belowSince = one([null, null, ago(1), ago(29), ago(31), ago(32), ago(62), ago(93)]);
        const hand = one([null, null, 'RAISED', 'LOWERED'] as const);
        return [
          code,
          random() < 0.1
            ? null
            : {
                tier,
                since: ago(200),
                belowSince,
                warnedAt:
                  belowSince === null ? null : one([null, ago(1), ago(30), ago(31), ago(32), ago(95)]),
                hand,
                handUntil: hand === null ? null : one([null, ago(1), ago(-1)]),
              },
        ];
      }),
    );
    return {
      memberKey: newKey(),
      enrolledAt,
      tags: one([[], ['a'], ['b', 'x'], ['a', 'b'], ['a', 'b', 'c']]),
      days,
      held,
    };
  });
}

/** What windows hold, worked out apart from the statements. */
function sumsOf(ladder: Ladder, person: Person, clock: Date, timeZone: string): Sums {
  if (ladder.metric.of === 'TAGS') {
    const { tags } = ladder.metric;
    return { current: BigInt(person.tags.filter((tag) => tags.includes(tag)).length), previous: 0n };
  }
  const today = localDate(clock, timeZone);
  const days = person.days.get(ladder.definition.metric) ?? [];
  const between = (from: string, to: string): bigint =>
    days.reduce((sum, [day, amount]) => (day >= from && day < to ? sum + amount : sum), 0n);
  if (ladder.window === 'LIFETIME') return { current: between('0000', '9999'), previous: 0n };
  if (ladder.window === 'ROLLING_DAYS') {
    const first = dayPlus(today, { days: 1 - ladder.windowDays });
    return { current: between(first, dayPlus(today, { days: 1 })), previous: 0n };
  }
  const enrolledOn = localDate(person.enrolledAt, timeZone);
  const starts = Array.from({ length: 12 }, (_, index) =>
    ladder.window === 'CALENDAR_YEAR'
      ? `${Number(enrolledOn.slice(0, 4)) + index - 2}-01-01`
      : dayPlus(enrolledOn, { years: index - 2 }),
  );
  const current = starts.findLastIndex((start) => start <= today);
  const at = (index: number): string => starts[index] ?? '';
  return { current: between(at(current), at(current + 1)), previous: between(at(current - 1), at(current)) };
}

async function fill(tenantKey: string, people: readonly Person[]): Promise<void> {
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
  await owner.query(
    `insert into member (tenant_id, member_id, status, display_name, consents, attributes, tags, enrolled_at, updated_at)
     select $1, p.member_id, 'ACTIVE', 'x', '[]', '{}', array(select json_array_elements_text(p.tags)), p.at, p.at
       from json_to_recordset($2) as p (member_id uuid, tags json, at timestamptz)`,
    [
      tenantKey,
      JSON.stringify(
        people.map(({ memberKey, tags, enrolledAt }) => ({ member_id: memberKey, tags, at: enrolledAt })),
      ),
    ],
  );
  const days = people.flatMap(({ memberKey, days: own }) =>
    [...own].flatMap(([metric, list]) =>
      list.map(([day, amount]) => ({ member_id: memberKey, metric, day, amount: String(amount) })),
    ),
  );
  await owner.query(
    `insert into metric_day select $1, d.* from json_to_recordset($2) as d (member_id uuid, metric text, day date, amount bigint)`,
    [tenantKey, JSON.stringify(days)],
  );
  const tiers = people.flatMap(({ memberKey, enrolledAt, held }) =>
    [...held].flatMap(([ladder, row]) => (row === null ? [] : [{ memberKey, ladder, enrolledAt, ...row }])),
  );
  await owner.query(
    `insert into member_tier
     select $1, t."memberKey", t.ladder, t.tier, t.since, t."belowSince", t."warnedAt", t.hand, t."handUntil", t."enrolledAt"
       from json_to_recordset($2) as t ("memberKey" uuid, ladder text, tier text, since timestamptz, "belowSince" timestamptz,
            "warnedAt" timestamptz, hand text, "handUntil" timestamptz, "enrolledAt" timestamptz)`,
    [tenantKey, JSON.stringify(tiers)],
  );
}

type StoredRow = HeldTier & { readonly memberKey: string; readonly ladder: string };

async function storedTiers(): Promise<Map<string, StoredRow>> {
  const { rows } = await owner.query<StoredRow>(
    `select member_id as "memberKey", ladder, tier, since, below_since as "belowSince", warned_at as "warnedAt", hand,
            hand_until as "handUntil" from member_tier where tenant_id = current_setting('app.tenant_id')::uuid`,
  );
  return new Map(rows.map((row) => [`${row.memberKey} ${row.ladder}`, row]));
}

describe('a review', () => {
  it.each([
    ['Asia/Shanghai', '2026-11-20T04:00:00Z', 1],
    ['Asia/Shanghai', '2025-12-31T16:00:00Z', 2],
    ['America/New_York', '2026-01-01T04:00:00Z', 3],
    ['America/Santiago', '2024-02-29T12:00:00Z', 4],
    ['Pacific/Apia', '2025-02-28T11:30:00Z', 5],
    ['Pacific/Apia', '2025-03-01T11:30:00Z', 6],
  ])('in %s at %s decides in SQL as the policy says', async (timeZone, moment, seed) => {
    const clock = new Date(moment);
    const definition = withLadders(LADDERS, timeZone);
    const { tenantKey } = await newTenant(application, `review-${seed}`, definition);
    const { all } = laddersOf(definition);
    const people = population(all, clock, timeZone, randomFrom(seed));
    await fill(tenantKey, people);
    await setClock(application, tenantKey, moment);
    const told: string[] = [];
    const listener = {
      changed: async (_tx: unknown, _context: unknown, keys: readonly string[]) => void told.push(...keys),
    };
    const review = new TierReview(
      application.database,
      application.services.programs,
      listener,
      application.watcher,
      77,
    );
    const { reviewed: looked, changed } = await review.review(tenantKey);
    expect(looked).toBe(MEMBERS * all.length);

    const stored = await storedTiers();
    const isNow = (at: Date | null): boolean =>
      at !== null && at >= clock && at.getTime() < clock.getTime() + 600_000;
    const moments = (row: HeldTier | undefined) => ({
      ...row,
      since: isNow(row?.since ?? null) ? 'now' : row?.since.toISOString(),
      belowSince: isNow(row?.belowSince ?? null) ? 'now' : row?.belowSince?.toISOString(),
      warnedAt: isNow(row?.warnedAt ?? null) ? 'now' : row?.warnedAt?.toISOString(),
    });
    const expected = new Map<string, string>();
    const wrong = people.flatMap((person) =>
      all.flatMap((ladder) => {
        const first = ladder.steps[0]?.threshold === 0n ? ladder.steps[0].code : null;
        const held = person.held.get(ladder.code) ?? {
          ...{
            tier: first,
            since: person.enrolledAt,
            belowSince: null,
            warnedAt: null,
            hand: null,
            handUntil: null,
          },
        };
        const sums = sumsOf(ladder, person, clock, timeZone);
        const { next, cause } = reviewed(ladder, held, bestOf(sums), { now: clock, timeZone });
        if (cause !== null) expected.set(`${person.memberKey} ${ladder.code}`, cause);
        const {
          memberKey: _member,
          ladder: _ladder,
          ...actual
        } = stored.get(`${person.memberKey} ${ladder.code}`) ?? {
          memberKey: '',
          ladder: '',
        };
        const pair = [moments(actual as HeldTier), moments(next)];
        return isDeepEqual(pair[0], pair[1])
          ? []
          : [{ ladder: ladder.code, held, sums, actual: pair[0], expected: pair[1] }];
      }),
    );
    expect(wrong).toEqual([]);
    expect(new Set(expected.values())).toEqual(new Set(['REVIEWED', 'HAND_ENDED', 'PROGRAM']));
    expect(changed).toBe(expected.size);
    expect(told).toHaveLength(expected.size);
    const { rows } = await owner.query<{ key: string; cause: string }>(
      `select member_id || ' ' || ladder as key, cause from tier_change where tenant_id = $1`,
      [tenantKey],
    );
    expect(new Map(rows.map(({ key, cause }) => [key, cause]))).toEqual(expected);

    expect(await review.review(tenantKey)).toEqual({ reviewed: looked, changed: 0 });
    expect(await storedTiers()).toEqual(stored);
  });
});

function isDeepEqual(a: object | undefined, b: object | undefined): boolean {
  const sorted = (value: object | undefined): string => JSON.stringify(Object.entries(value ?? {}).sort());
  return sorted(a) === sorted(b);
}
