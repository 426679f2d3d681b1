import { fromPublicId } from '../../src/kernel/ids.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Answer, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { newRequestKey } from '../support/members.ts';
import { cny, NOON, type TierTenant, tierTenant } from '../tiers/tenants.ts';

let gateway: TestGateway;
let tenant: TierTenant;
beforeAll(async () => {
  gateway = await startTestGateway();
  tenant = await tierTenant(gateway);
});
afterAll(() => gateway.close());
beforeEach(() => tenant.setClock(NOON));

describe('a tier is reached', () => {
  it('at its threshold, not before, whoever gives what is missing', async () => {
    const memberId = await tenant.enrol();
    expect(await tenant.tierOf(memberId)).toBe('bronze');
    await tenant.earn(memberId, 499);
    expect(await tenant.tierOf(memberId)).toBe('bronze');
    await tenant.adjust(memberId, 1);
    expect(await tenant.tierOf(memberId)).toBe('silver');
    const { member } = await tenant.record(memberId, { type: 'purchase', amount: cny('1500.00') });
    expect(member.tier.code).toBe('gold');
    const { tierHistory } = await tenant.card(memberId);
    expect(tierHistory.edges.map(({ node }: { node: object }) => node)).toEqual([
      {
        id: expect.stringMatching(/^tch_/),
        ladder: 'tea-friends',
        from: { code: 'silver', rank: 2 },
        to: { code: 'gold', name: 'Gold', rank: 3 },
        cause: 'REACHED',
        reason: null,
        until: null,
        changedAt: expect.stringMatching(/^2026-11-20T04:00:/),
      },
      expect.objectContaining({
        from: { code: 'bronze', rank: 1 },
        to: expect.objectContaining({ rank: 2 }),
      }),
    ]);
  });

  it('in one leap, by an identity that is enrolled with its first purchase', async () => {
    const identity = { kind: 'EXTERNAL', value: newRequestKey() };
    const input = { identity, enrolIfUnknown: true, type: 'purchase', amount: cny('10000.00') };
    const { member } = await tenant.act(
      'recordActivity',
      { idempotencyKey: newRequestKey(), ...input },
      'member { id tier { code } }',
    );
    expect(member.tier.code).toBe('black');
    const { tierHistory } = await tenant.card(member.id);
    expect(tierHistory.edges).toHaveLength(1);
  });

  it('by 50 purchases at once, of different days, that reach it together', async () => {
    const memberId = await tenant.enrol();
    const purchases = Array.from({ length: 50 }, (_, index) =>
      tenant.record(memberId, {
        type: 'purchase',
        amount: cny('40.00'),
        occurredAt: `2026-11-${String(1 + (index % 19)).padStart(2, '0')}T12:00:00+08:00`,
      }),
    );
    const answers = await Promise.all(purchases);
    expect(answers.flatMap(({ userErrors }) => userErrors)).toEqual([]);
    const { tier, tierStatus, tierHistory } = await tenant.card(memberId);
    expect(tier.code).toBe('gold');
    expect(tierStatus.retention.current).toBe('2000');
    const codes = tierHistory.edges.map(({ node }: { node: { to: { code: string } } }) => node.to.code);
    expect(codes).toEqual(['gold', 'silver']);
  });

  it('by what is earned for later; spending and points count for nothing', async () => {
    const memberId = await tenant.enrol();
    await tenant.earn(memberId, 5_000, 'points');
    expect(await tenant.tierOf(memberId)).toBe('bronze');
    const later = { availableAt: '2027-06-01T00:00:00Z', asset: 'growth', amount: '600' };
    await tenant.act(
      'earnPoints',
      { idempotencyKey: newRequestKey(), memberId, ...later },
      'operation { id }',
    );
    expect(await tenant.tierOf(memberId)).toBe('silver');
  });

  it('not by a dry run, nor twice by a key', async () => {
    const memberId = await tenant.enrol();
    const input = { idempotencyKey: newRequestKey(), memberId, asset: 'growth', amount: '600' };
    await expectNothingWritten(tenant, () =>
      tenant.act('earnPoints', { ...input, dryRun: true }, 'operation { id }'),
    );
    expect(await tenant.tierOf(memberId)).toBe('bronze');
    for (let times = 0; times < 2; times += 1) await tenant.act('earnPoints', input, 'operation { id }');
    expect((await tenant.card(memberId)).tierStatus.retention.current).toBe('600');
  });

  it('and what a refund takes back is missing on the day of its purchase', async () => {
    const memberId = await tenant.enrol();
    const order = { number: newRequestKey() };
    const occurredAt = '2026-11-05T12:00:00+08:00';
    await tenant.record(memberId, { type: 'purchase', amount: cny('600.00'), order, occurredAt });
    expect(await tenant.tierOf(memberId)).toBe('silver');
    const { userErrors } = await tenant.record(memberId, { type: 'refund', order, amount: cny('250.00') });
    expect(userErrors).toEqual([]);
    expect((await tenant.card(memberId)).tierStatus.retention).toMatchObject({
      current: '350',
      required: '400',
      remaining: '50',
      atRisk: true,
    });
    expect(await days(memberId, 'growth')).toEqual([['2026-11-05', '350']]);
    expect(await tenant.tierOf(memberId)).toBe('silver');
    await tenant.review();
    expect(await tenant.tierOf(memberId)).toBe('bronze');
  });
});

async function days(memberId: string, metric: string): Promise<[string, string][]> {
  const found = await tenant.sql<{ day: string; amount: string }>(
    `select day::text, amount::text from metric_day where tenant_id = $1 and member_id = $2 and metric = $3
      order by day`,
    [tenant.tenantKey, fromPublicId('member', memberId), metric],
  );
  return found.map(({ day, amount }) => [day, amount]);
}

describe('a tier that is kept no longer', () => {
  it('is lost by the review, on the local day on which its last days fall out', async () => {
    const memberId = await tenant.enrol();
    await tenant.setClock('2026-11-20T23:59:00+08:00');
    await tenant.earn(memberId, 500);
    // 365 days, that day included, end with 19 November.
    await tenant.setClock('2027-11-19T23:59:00+08:00');
    await tenant.review();
    expect(await tenant.tierOf(memberId)).toBe('silver');
    await tenant.setClock('2027-11-20T00:00:00+08:00');
    expect((await tenant.card(memberId)).tierStatus).toMatchObject({
      until: '2027-11-20T16:00:00.000Z',
      retention: { current: '0', atRisk: true },
    });
    expect(await tenant.tierOf(memberId)).toBe('silver');
    await tenant.review();
    const { tier, tierHistory } = await tenant.card(memberId);
    expect(tier.code).toBe('bronze');
    expect(tierHistory.edges[0].node).toMatchObject({ cause: 'REVIEWED', from: { code: 'silver' } });
    await tenant.setClock(NOON);
  });

  it('is kept by eight tenths, and lost below them, as far as it must', async () => {
    const [kept, lost, deep] = await Promise.all([tenant.enrol(), tenant.enrol(), tenant.enrol()]);
    for (const memberId of [kept, lost, deep]) await tenant.earn(memberId, 2_000);
    await tenant.adjust(kept, -400);
    await tenant.adjust(lost, -401);
    await tenant.adjust(deep, -1_601);
    expect(await Promise.all([kept, lost, deep].map(tenant.tierOf))).toEqual(['gold', 'gold', 'gold']);
    await tenant.review();
    expect(await Promise.all([kept, lost, deep].map(tenant.tierOf))).toEqual(['gold', 'silver', 'bronze']);
    expect(await tenant.review()).toMatchObject({ changed: 0 });
  });
});

describe('setTier', () => {
  it('raises until an end, and a review ends it', async () => {
    const memberId = await tenant.enrol();
    const until = '2026-12-24T00:00:00+08:00';
    const { change, member, userErrors } = await tenant.setTier(memberId, 'black', {
      until,
      reason: 'guest',
    });
    expect(userErrors).toEqual([]);
    expect(change).toEqual({
      id: expect.stringMatching(/^tch_/),
      from: { code: 'bronze' },
      to: { code: 'black' },
      cause: 'BY_HAND',
      reason: 'guest',
      until: '2026-12-23T16:00:00.000Z',
      changedAt: expect.stringMatching(/^2026-11-20T04:00:/),
    });
    expect(member.tier.code).toBe('black');
    await tenant.review();
    expect((await tenant.card(memberId)).tierStatus).toMatchObject({
      until: '2026-12-23T16:00:00.000Z',
      progress: null,
    });
    await tenant.setClock('2026-12-23T23:59:00+08:00');
    await tenant.review();
    expect(await tenant.tierOf(memberId)).toBe('black');
    await tenant.setClock('2026-12-24T00:00:00+08:00');
    await tenant.review();
    const { tier, tierHistory } = await tenant.card(memberId);
    expect(tier.code).toBe('bronze');
    expect(tierHistory.edges[0].node.cause).toBe('HAND_ENDED');
  });

  it('raises for ever, until what was given is earned', async () => {
    const memberId = await tenant.enrol();
    await tenant.setTier(memberId, 'silver');
    await tenant.setClock('2036-01-01T12:00:00+08:00');
    await tenant.review();
    expect(await tenant.card(memberId)).toMatchObject({
      tier: { code: 'silver' },
      tierStatus: { until: null, retention: { atRisk: false } },
    });
    await tenant.earn(memberId, 500);
    await tenant.setClock('2038-01-01T12:00:00+08:00');
    await tenant.review();
    expect(await tenant.tierOf(memberId)).toBe('bronze');
  });

  it('lowers, and nothing raises before its end', async () => {
    const memberId = await tenant.enrol();
    await tenant.earn(memberId, 2_000);
    await tenant.setTier(memberId, 'bronze', { until: '2026-11-21T00:00:00+08:00' });
    await tenant.earn(memberId, 8_000);
    await tenant.review();
    expect(await tenant.tierOf(memberId)).toBe('bronze');
    await tenant.setClock('2026-11-21T00:00:00+08:00');
    await tenant.review();
    expect(await tenant.tierOf(memberId)).toBe('black');
  });

  it('gives back what was reached: then it is an ordinary tier', async () => {
    const memberId = await tenant.enrol();
    await tenant.earn(memberId, 600);
    await tenant.setTier(memberId, 'gold');
    const { change } = await tenant.setTier(memberId, 'silver', { until: '2030-01-01T00:00:00Z' });
    expect(change.until).toBeNull();
    await tenant.adjust(memberId, -600);
    await tenant.review();
    expect(await tenant.tierOf(memberId)).toBe('bronze');
  });

  it('does it once for a key, and nothing in a dry run', async () => {
    const memberId = await tenant.enrol();
    const input = { idempotencyKey: newRequestKey(), until: '2027-01-01T00:00:00Z' };
    const tried = await expectNothingWritten(tenant, () =>
      tenant.setTier(memberId, 'gold', { ...input, dryRun: true }),
    );
    expect(tried).toMatchObject({ change: { to: { code: 'gold' } }, member: { tier: { code: 'gold' } } });
    const first = await tenant.setTier(memberId, 'gold', input);
    await tenant.setTier(memberId, 'silver');
    const again = await tenant.setTier(memberId, 'gold', input);
    expect(again).toEqual(first);
    expect(await tenant.tierOf(memberId)).toBe('silver');
  });

  it.each([
    ['another member', { memberId: 'mem_01m80egbpyetn9fgbspwx58ysh' }, 'MEMBER_NOT_FOUND', ['memberId']],
    ['no member', { memberId: 'nobody' }, 'MEMBER_NOT_FOUND', ['memberId']],
    ['a tier that there isn’t', { tier: 'iron' }, 'TIER_NOT_FOUND', ['tier']],
    ['a ladder that there isn’t', { ladder: 'rope' }, 'LADDER_NOT_FOUND', ['ladder']],
    ['an end that has passed', { until: '2026-11-20T04:00:00Z' }, 'UNTIL_NOT_AHEAD', ['until']],
    ['a long reason', { reason: 'x'.repeat(501) }, 'TEXT_TOO_LONG', ['reason']],
  ])('is refused for %s', async (_what, input, code, field) => {
    const memberId = await tenant.enrol();
    const refused = await expectNothingWritten(tenant, () =>
      tenant.setTier('memberId' in input ? input.memberId : memberId, 'gold', input),
    );
    expect(refused).toEqual({
      change: null,
      member: null,
      userErrors: [{ code, field, message: expect.any(String) }],
    });
  });

  it('is for staff alone, and of their own tenant', async () => {
    const memberId = await tenant.enrol();
    const headers = await gateway.asMember(memberId);
    const query = `mutation($input: SetTierInput!) { setTier(input: $input) { change { id } userErrors { code } } }`;
    const input = { idempotencyKey: newRequestKey(), memberId, tier: 'gold', reason: 'me' };
    const { errors } = await gateway.ask(query, { input }, headers);
    expect(errors[0]?.extensions.code).toBe('FORBIDDEN');
    const other = await gateway.ask(query, { input });
    expect(other.data.setTier.userErrors).toEqual([{ code: 'MEMBER_NOT_FOUND' }]);
  });
});

describe('tierHistory', () => {
  it('goes on behind a cursor, which is good for its member alone', async () => {
    const [memberId, other] = await Promise.all([tenant.enrol(), tenant.enrol()]);
    for (const tier of ['gold', 'silver', 'black', 'bronze', 'gold']) await tenant.setTier(memberId, tier);
    const query = `query($id: ID!, $after: String) { member(id: $id) { tierHistory(first: 2, after: $after) {
      edges { cursor node { to { code } } } pageInfo { hasNextPage endCursor } } } }`;
    const seen: string[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const answer: Answer = await tenant.ask(query, { id: memberId, after });
      const { edges, pageInfo } = answer.data.member.tierHistory;
      seen.push(...edges.map(({ node }: { node: { to: { code: string } } }) => node.to.code));
      more = pageInfo.hasNextPage;
      after = pageInfo.endCursor;
    }
    expect(seen).toEqual(['gold', 'bronze', 'black', 'silver', 'gold']);
    const { data } = await tenant.ask(query, { id: memberId, after: null });
    const { errors } = await tenant.ask(query, {
      id: other,
      after: data.member.tierHistory.pageInfo.endCursor,
    });
    expect(errors[0]?.extensions.code).toBe('CURSOR_INVALID');
  });
});
