import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { newRequestKey } from '../support/members.ts';
import { ladderOf, withLadders } from './ladders.ts';
import { cny, NOON, type TierTenant, tierTenant } from './tenants.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

const LADDERS = [
  ladderOf('growing', 'metric: growth, window: ROLLING_DAYS, windowDays: 30', ['0', '100', '300', '900']),
  ladderOf('buying', 'metric: spend, window: CALENDAR_YEAR, retention: { percent: 50 }', [
    '0',
    '100.00',
    '500.00',
  ]),
  ladderOf('coming', 'metric: orders', ['1', '5', '10']),
].join('');

async function rows(tenant: TierTenant, text: string): Promise<object[]> {
  return await tenant.sql(text, [tenant.tenantKey]);
}

describe('at once', () => {
  it('many buy, take back and are set by hand while reviews run, and nothing is lost', async () => {
    const tenant = await tierTenant(gateway, withLadders(LADDERS));
    const people = await Promise.all(Array.from({ length: 6 }, () => tenant.enrol()));
    const acts = Array.from({ length: 180 }, async (_, index) => {
      const memberId = people[index % people.length] ?? '';
      const order = { number: newRequestKey() };
      const occurredAt = `2026-11-${String(1 + (index % 20)).padStart(2, '0')}T11:00:00+08:00`;
      const bought = await tenant.record(memberId, {
        type: 'purchase',
        amount: cny('25.50'),
        order,
        occurredAt,
      });
      if (index % 5 === 0) await tenant.record(memberId, { type: 'refund', order });
      if (index % 30 === 0) await tenant.setTier(memberId, 't3', { ladder: 'buying' });
      return bought.userErrors;
    });
    const reviews = Array.from({ length: 8 }, () => tenant.review());
    expect((await Promise.all(acts)).flat()).toEqual([]);
    await Promise.all(reviews);

    await Promise.all([tenant.review(), tenant.review(), tenant.review()]);
    expect(await tenant.review()).toMatchObject({ changed: 0 });
    // Thirty purchases each, of which six came back: 24 orders, 612.00, and 25 for each.
    expect(
      await rows(
        tenant,
        'select distinct ladder, tier from member_tier where tenant_id = $1 order by ladder',
      ),
    ).toEqual([
      { ladder: 'buying', tier: 't3' },
      { ladder: 'coming', tier: 't3' },
      { ladder: 'growing', tier: 't3' },
    ]);
    expect(
      await rows(
        tenant,
        `select metric, min(amount)::integer as least, max(amount)::integer as most
           from (select metric, member_id, sum(amount) as amount from metric_day
                  where tenant_id = $1 group by metric, member_id) m group by metric order by metric`,
      ),
    ).toEqual([
      { metric: 'growth', least: 600, most: 600 },
      { metric: 'orders', least: 24, most: 24 },
      { metric: 'spend', least: 61_200, most: 61_200 },
    ]);
    // Every change begins where another one ended: what was left as often as it was reached, and one is held.
    const changes = await tenant.sql<{ place: string; from: string | null; to: string | null }>(
      `select member_id || ladder as place, from_tier as "from", to_tier as "to" from tier_change
        where tenant_id = $1`,
      [tenant.tenantKey],
    );
    const balance = (tier: string | null, place: string): number => {
      const own = changes.filter((one) => one.place === place);
      return own.filter(({ to }) => to === tier).length - own.filter(({ from }) => from === tier).length;
    };
    for (const place of new Set(changes.map((one) => one.place))) {
      const first = place.endsWith('coming') ? null : 't1';
      expect([balance(first, place), balance('t2', place), balance('t3', place)]).toEqual([-1, 0, 1]);
    }
  });

  it('a tier that is lost today is kept by whoever buys just now, or raised again', async () => {
    const tenant = await tierTenant(gateway, withLadders(LADDERS));
    const people = await Promise.all(Array.from({ length: 30 }, () => tenant.enrol()));
    await Promise.all(people.map((memberId) => tenant.earn(memberId, 100)));
    await tenant.setClock('2027-01-05T12:00:00+08:00');
    const buying = people.map((memberId) =>
      tenant.record(memberId, { type: 'purchase', amount: cny('100.00') }),
    );
    await Promise.all([tenant.review(), ...buying, tenant.review()]);
    expect(new Set(await Promise.all(people.map(tenant.tierOf)))).toEqual(new Set(['t2']));
    await tenant.setClock(NOON);
  });
});
