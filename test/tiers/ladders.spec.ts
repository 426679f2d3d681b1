import type { ProgramDefinition } from '../../src/domain/programs/index.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { newRequestKey } from '../support/members.ts';
import { ladderOf, withLadders } from './ladders.ts';
import { cny, NOON, type TierTenant, tierTenant } from './tenants.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

function withStoredValue(ladders: string): ProgramDefinition {
  const definition = withLadders(ladderOf('any', 'metric: growth', ['0']));
  const asset = { ...(definition.assets[0] as ProgramDefinition['assets'][number]), code: 'wallet' };
  const whole = {
    ...definition,
    assets: [...definition.assets, { ...asset, kind: 'STORED_VALUE' as const }],
  };
  return { ...whole, ladders: withLadders(ladders.replace('wallet', 'growth')).ladders.map(renamed) };
}

function renamed(ladder: ProgramDefinition['ladders'][number]): ProgramDefinition['ladders'][number] {
  return { ...ladder, metric: 'wallet' };
}

const buy = (amount: string, more: object = {}) => ({ type: 'purchase', amount: cny(amount), ...more });
const changeTags = (tenant: TierTenant, memberId: string, input: object) =>
  tenant.act(
    'changeTags',
    { idempotencyKey: newRequestKey(), memberId, ...input },
    'member { tier { code } }',
  );

/** What each ladder counts: what doesn't reach the second tier yet, and what does. */
const COUNTED: [
  string,
  ProgramDefinition,
  (tenant: TierTenant, memberId: string) => Promise<unknown>,
  (tenant: TierTenant, memberId: string) => Promise<unknown>,
  object,
][] = [
  [
    'points that were earned, though they are spent',
    withLadders(ladderOf('own', 'metric: points', ['0', '300'])),
    async (tenant, memberId) => {
      await tenant.earn(memberId, 100, 'points');
      const input = { memberId, asset: 'points', amount: '150', idempotencyKey: newRequestKey() };
      await tenant.act('redeemPoints', input, 'operation { id }');
    },
    // The enrolment gave a hundred.
    (tenant, memberId) => tenant.earn(memberId, 100, 'points'),
    { metric: 'points', current: '300', required: '300', remaining: '0' },
  ],
  [
    'money that was spent, less refunds',
    withLadders(ladderOf('own', 'metric: spend, retention: {}', ['0', '379.99'])),
    async (tenant, memberId) => {
      const order = { number: newRequestKey() };
      await tenant.record(memberId, buy('400.00', { order }));
      await tenant.record(memberId, { type: 'refund', order, amount: cny('50.00') });
      await tenant.setTier(memberId, 't1');
      await tenant.record(memberId, buy('29.98'));
      await tenant.setTier(memberId, 't1', { until: '2026-11-20T13:00:00+08:00' });
      await tenant.setClock('2026-11-20T14:00:00+08:00');
      await tenant.review();
    },
    (tenant, memberId) => tenant.record(memberId, buy('0.01')),
    { metric: 'spend', current: '379.99', required: '379.99', remaining: '0.00' },
  ],
  [
    'orders, less those that came back as a whole',
    withLadders(ladderOf('own', 'metric: orders', ['0', '2'])),
    async (tenant, memberId) => {
      const order = { number: newRequestKey() };
      await tenant.record(memberId, buy('10.00', { order }));
      await tenant.record(memberId, { type: 'refund', order });
      await tenant.record(memberId, buy('10.00'));
      await tenant.record(memberId, { type: 'sign_in' });
    },
    (tenant, memberId) => tenant.record(memberId, buy('0.00')),
    { metric: 'orders', current: '2' },
  ],
  [
    'activities of one type',
    withLadders(ladderOf('own', '"metric": "activities:review"', ['0', '2'])),
    async (tenant, memberId) => {
      await tenant.record(memberId, { type: 'review' });
      await tenant.record(memberId, { type: 'sign_in' });
    },
    (tenant, memberId) => tenant.record(memberId, { type: 'review' }),
    { metric: 'activities:review', current: '2' },
  ],
  [
    'tags that the member carries',
    withLadders(ladderOf('own', '"metric": "tags:vip,press"', ['0', '2'])),
    (tenant, memberId) => changeTags(tenant, memberId, { add: ['vip', 'other'] }),
    (tenant, memberId) => changeTags(tenant, memberId, { add: ['press'] }),
    { metric: 'tags:vip,press', current: '2', by: null },
  ],
  [
    'money that was paid in',
    withStoredValue(ladderOf('own', 'metric: wallet', ['0', '10000'])),
    (tenant, memberId) => tenant.earn(memberId, 9_999, 'wallet'),
    (tenant, memberId) => tenant.earn(memberId, 1, 'wallet'),
    { metric: 'wallet', current: '10000' },
  ],
];

describe('a ladder counts', () => {
  it.each(COUNTED)('%s', async (_what, definition, before, reaching, figures) => {
    const tenant = await tierTenant(gateway, definition);
    const memberId = await tenant.enrol();
    expect(await tenant.tierOf(memberId)).toBe('t1');
    await before(tenant, memberId);
    expect(await tenant.tierOf(memberId)).toBe('t1');
    await reaching(tenant, memberId);
    const { tier, tierStatus } = await tenant.card(memberId);
    expect(tier.code).toBe('t2');
    if (tierStatus.retention !== null) expect(tierStatus.retention).toMatchObject(figures);
    await tenant.review();
    expect(await tenant.tierOf(memberId)).toBe('t2');
  });

  it('tags from the first moment on, and what is lost with one is lost at the next review', async () => {
    const tenant = await tierTenant(
      gateway,
      withLadders(ladderOf('own', '"metric": "tags:vip,press"', ['1', '2'])),
    );
    const [none, both] = await Promise.all([tenant.enrol(), tenant.enrol({ tags: ['vip', 'press'] })]);
    expect(await tenant.card(none)).toMatchObject({ tier: null, tierStatus: null });
    expect(await tenant.tierOf(both)).toBe('t2');
    expect((await tenant.card(both)).tierHistory.edges).toEqual([]);
    await changeTags(tenant, both, { remove: ['vip', 'press'] });
    expect(await tenant.tierOf(both)).toBe('t2');
    await tenant.review();
    expect(await tenant.tierOf(both)).toBeNull();
  });

  it('for no tier at all below a lowest one that asks something', async () => {
    const tenant = await tierTenant(
      gateway,
      withLadders(ladderOf('own', 'metric: growth, retention: {}', ['10', '20'])),
    );
    const memberId = await tenant.enrol();
    expect(await tenant.tierOf(memberId)).toBeNull();
    await tenant.earn(memberId, 10);
    expect((await tenant.card(memberId)).tierStatus).toMatchObject({ retention: { required: '10' } });
    await tenant.adjust(memberId, -1);
    await tenant.review();
    expect((await tenant.card(memberId)).tierHistory.edges[0].node).toMatchObject({
      from: { code: 't1' },
      to: null,
    });
  });
});

describe('a calendar year', () => {
  it('keeps what was reached in it to the end of the next one', async () => {
    const ladder = ladderOf('own', 'metric: growth, window: CALENDAR_YEAR, retention: { percent: 50 }', [
      '0',
      '100',
    ]);
    const tenant = await tierTenant(gateway, withLadders(ladder));
    await tenant.setClock('2025-12-31T23:30:00+08:00');
    const memberId = await tenant.enrol();
    await tenant.earn(memberId, 100);
    expect((await tenant.card(memberId)).tierStatus).toMatchObject({
      until: '2026-12-31T16:00:00.000Z',
      progress: null,
      retention: { current: '100', by: '2025-12-31T16:00:00.000Z', atRisk: false },
    });
    await tenant.setClock('2026-01-01T00:00:00+08:00');
    await tenant.review();
    expect(await tenant.card(memberId)).toMatchObject({
      tier: { code: 't2' },
      tierStatus: {
        until: '2026-12-31T16:00:00.000Z',
        retention: {
          current: '0',
          required: '50',
          remaining: '50',
          by: '2026-12-31T16:00:00.000Z',
          atRisk: true,
        },
      },
    });
    await tenant.setClock('2026-12-31T23:30:00+08:00');
    await tenant.review();
    expect(await tenant.tierOf(memberId)).toBe('t2');
    await tenant.setClock('2027-01-01T00:00:00+08:00');
    await tenant.review();
    expect(await tenant.card(memberId)).toMatchObject({
      tier: { code: 't1' },
      tierStatus: {
        until: null,
        progress: { current: '0', remaining: '100', by: '2027-12-31T16:00:00.000Z' },
      },
    });
  });
});

describe('a year of enrolment', () => {
  it('of 29 February begins on 28 February where there is no other', async () => {
    const ladder = ladderOf('own', 'metric: orders, window: ENROLMENT_YEAR', ['0', '1']);
    const tenant = await tierTenant(gateway, withLadders(ladder));
    await tenant.setClock('2024-02-29T08:00:00+08:00');
    const memberId = await tenant.enrol();
    await tenant.setClock('2025-02-27T23:00:00+08:00');
    await tenant.record(memberId, buy('1.00'));
    expect((await tenant.card(memberId)).tierStatus.until).toBe('2026-02-27T16:00:00.000Z');
    await tenant.setClock('2025-02-28T00:00:00+08:00');
    await tenant.review();
    expect((await tenant.card(memberId)).tierStatus.until).toBe('2026-02-27T16:00:00.000Z');
    await tenant.setClock('2026-02-27T23:00:00+08:00');
    await tenant.review();
    expect(await tenant.tierOf(memberId)).toBe('t2');
    await tenant.setClock('2026-02-28T00:00:00+08:00');
    await tenant.review();
    expect(await tenant.tierOf(memberId)).toBe('t1');
  });
});

describe('months of grace', () => {
  it('are a warning after the months below, then a step down at a time', async () => {
    const ladder = ladderOf(
      'own',
      'metric: growth, window: ROLLING_DAYS, windowDays: 10, retention: { monthsBelow: 2, graceMonths: 1 }',
      ['0', '100', '200'],
    );
    const tenant = await tierTenant(gateway, withLadders(ladder));
    await tenant.setClock('2026-01-20T12:00:00+08:00');
    const memberId = await tenant.enrol();
    await tenant.earn(memberId, 200);
    const seen: string[] = [];
    const at = async (day: string): Promise<void> => {
      await tenant.setClock(`${day}T00:10:00+08:00`);
      await tenant.review();
      const { tier, tierStatus } = await tenant.card(memberId);
      seen.push(`${day} ${tier.code} ${tierStatus.until?.slice(0, 10) ?? 'open'}`);
    };
    for (const day of ['2026-01-29', '2026-01-30', '2026-03-29', '2026-03-30', '2026-04-29', '2026-04-30']) {
      await at(day);
    }
    for (const day of ['2026-06-29', '2026-06-30', '2026-07-30', '2026-08-30']) await at(day);
    // Ends are exclusive moments: 30 April begins in Shanghai when it is 29 April, 16:00 in UTC.
    expect(seen).toEqual([
      '2026-01-29 t3 open',
      '2026-01-30 t3 2026-04-29',
      '2026-03-29 t3 2026-04-29',
      '2026-03-30 t3 2026-04-29',
      '2026-04-29 t3 2026-04-29',
      '2026-04-30 t2 2026-07-29',
      '2026-06-29 t2 2026-07-29',
      '2026-06-30 t2 2026-07-29',
      '2026-07-30 t1 open',
      '2026-08-30 t1 open',
    ]);
  });

  it('end when enough is there again', async () => {
    const ladder = ladderOf('own', 'metric: growth, retention: { graceMonths: 1, percent: 50 }', [
      '0',
      '100',
    ]);
    const tenant = await tierTenant(gateway, withLadders(ladder));
    const memberId = await tenant.enrol();
    await tenant.earn(memberId, 100);
    await tenant.adjust(memberId, -51);
    await tenant.review();
    expect((await tenant.card(memberId)).tierStatus.until).toBe('2026-12-19T16:00:00.000Z');
    await tenant.adjust(memberId, 1);
    expect((await tenant.card(memberId)).tierStatus).toMatchObject({
      until: null,
      retention: { atRisk: false },
    });
    await tenant.setClock('2026-12-19T12:00:00+08:00');
    await tenant.review();
    await tenant.adjust(memberId, -1);
    await tenant.setClock('2026-12-20T12:00:00+08:00');
    await tenant.review();
    expect(await tenant.tierOf(memberId)).toBe('t2');
  });
});

describe('a new program', () => {
  const first = withLadders(ladderOf('own', 'metric: growth', ['0', '500']));
  const second = withLadders(
    [
      ladderOf('own', 'metric: growth', ['0', '400']),
      ladderOf('buyers', 'metric: spend', ['0', '100.00', '250.00']),
      ladderOf('often', 'metric: orders', ['1']),
      ladderOf('guests', '"metric": "activities:visit"', ['0', '2']),
      ladderOf('savers', 'metric: points, window: ROLLING_DAYS, windowDays: 30', ['0', '90']),
    ].join(''),
  );
  const tiersOf = async (tenant: TierTenant): Promise<Record<string, string | null>> => {
    const rows = await tenant.sql<{ ladder: string; tier: string | null }>(
      'select ladder, tier from member_tier where tenant_id = $1',
      [tenant.tenantKey],
    );
    return Object.fromEntries(rows.map(({ ladder, tier }) => [ladder, tier]));
  };

  it('sees the past: what was bought, refunded, earned and done before its ladders were there', async () => {
    const tenant = await tierTenant(gateway, first);
    const memberId = await tenant.enrol();
    const order = { number: newRequestKey() };
    await tenant.setClock('2026-10-01T12:00:00+08:00');
    await tenant.record(memberId, buy('300.00', { order }));
    await tenant.setClock(NOON);
    await tenant.record(memberId, { type: 'refund', order, amount: cny('60.00') });
    const whole = { number: newRequestKey() };
    await tenant.record(memberId, buy('5000.00', { order: whole }));
    await tenant.record(memberId, { type: 'refund', order: whole });
    await tenant.record(memberId, { type: 'visit' });
    await tenant.record(memberId, { type: 'visit' });
    await tenant.adjust(memberId, 160);
    const { programs } = gateway.application.services;
    await programs.apply(tenant.tenantKey, second, 'a test');
    // It was t2 by the 5,000 that came back: the review after the program says what is left, 400.
    expect(await tiersOf(tenant)).toEqual({
      own: 't2',
      buyers: 't2',
      often: 't1',
      guests: 't2',
      savers: 't2',
    });
    const before = await sums(tenant);
    // The ladders go and come again: what was counted meanwhile is there, too.
    await programs.apply(tenant.tenantKey, first, 'a test');
    await tenant.record(memberId, buy('10.00'));
    await programs.apply(tenant.tenantKey, second, 'a test');
    expect(await tiersOf(tenant)).toMatchObject({ buyers: 't3' });
    expect(await sums(tenant)).toEqual({
      ...before,
      growth: String(Number(before.growth) + 10),
      spend: String(Number(before.spend) + 1_000),
      orders: String(Number(before.orders) + 1),
    });
    // And all of it is what the ledger and the activities say, however it came to be there.
    expect(before).toEqual({
      growth: '400',
      spend: '24000',
      orders: '1',
      'activities:visit': '2',
      points: '120',
    });
  });

  it('counts the same as it goes as it does afterwards', async () => {
    const early = await tierTenant(gateway, second);
    const late = await tierTenant(gateway, first);
    for (const tenant of [early, late]) {
      const memberId = await tenant.enrol();
      const order = { number: 'A-1' };
      await tenant.record(memberId, buy('333.33', { order, occurredAt: '2026-11-11T23:59:59+08:00' }));
      await tenant.record(memberId, { type: 'refund', order, amount: cny('33.33') });
      await tenant.record(memberId, { type: 'refund', order, amount: cny('100.00') });
      await tenant.record(memberId, { type: 'visit', occurredAt: '2026-11-12T00:00:00+08:00' });
      await tenant.adjust(memberId, -7, 'points');
    }
    await gateway.application.services.programs.apply(late.tenantKey, second, 'a test');
    expect(await daysOf(late)).toEqual(await daysOf(early));
    expect(await daysOf(early)).toContainEqual({ metric: 'spend', day: '2026-11-11', amount: '20000' });
  });

  it('may drop a tier that members hold: they get what they have reached', async () => {
    const tenant = await tierTenant(
      gateway,
      withLadders(ladderOf('own', 'metric: growth', ['0', '100', '200'])),
    );
    const memberId = await tenant.enrol();
    await tenant.earn(memberId, 200);
    const fewer = withLadders(ladderOf('own', 'metric: growth', ['0', '150']));
    await gateway.application.services.programs.apply(tenant.tenantKey, fewer, 'a test');
    const { tier, tierHistory } = await tenant.card(memberId);
    expect(tier.code).toBe('t2');
    expect(tierHistory.edges[0].node).toMatchObject({ cause: 'PROGRAM', from: { code: 't3', rank: 0 } });
  });
});

async function sums(tenant: TierTenant): Promise<Record<string, string>> {
  const rows = await tenant.sql<{ metric: string; amount: string }>(
    'select metric, sum(amount)::text as amount from metric_day where tenant_id = $1 group by metric',
    [tenant.tenantKey],
  );
  return Object.fromEntries(rows.map(({ metric, amount }) => [metric, amount]));
}

async function daysOf(tenant: TierTenant): Promise<object[]> {
  return await tenant.sql(
    `select metric, day::text, amount::text from metric_day where tenant_id = $1 and amount <> 0 order by metric, day`,
    [tenant.tenantKey],
  );
}
