import { signToken } from '../../src/boot/index.ts';
import { describeDocuments, readDocument } from '../support/documents.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ladderOf, withLadders } from '../tiers/ladders.ts';
import { NOON, type TierTenant, tierTenant } from '../tiers/tenants.ts';

let gateway: TestGateway;
let tenant: TierTenant;
beforeAll(async () => {
  gateway = await startTestGateway();
  tenant = await tierTenant(gateway);
});
afterAll(() => gateway.close());

describe('a ladder', () => {
  it('is shown to staff with how many hold each tier, to members without', async () => {
    const own = await tierTenant(gateway, withLadders(SECRET));
    const people = await Promise.all([own.enrol(), own.enrol(), own.enrol()]);
    await own.earn(people[0] ?? '', 400);
    const query = `{ tierLadder { code name tiers { code rank memberCount } } nothing: tierLadder(code: "rope") { code } }`;
    const { data } = await own.ask(query);
    expect((await own.ask('{ tierLadders { code } }')).data.tierLadders).toEqual([
      { code: 'primary' },
      { code: 'second' },
    ]);
    expect(data).toEqual({
      tierLadder: {
        code: 'primary',
        name: 'primary',
        tiers: [
          { code: 't1', rank: 1, memberCount: 2 },
          { code: 't2', rank: 2, memberCount: 0 },
          { code: 't3', rank: 3, memberCount: 1 },
        ],
      },
      nothing: null,
    });
    const claims = { subject: people[1] ?? '', tenant: own.code, role: 'member', expiresIn: '1h' } as const;
    const headers = { authorization: `Bearer ${await signToken(gateway.config, claims)}` };
    const seen = await gateway.ask(query, {}, headers);
    expect(seen.errors).toEqual([]);
    expect(seen.data.tierLadder.tiers).toEqual([
      { code: 't1', rank: 1, memberCount: null },
      { code: 't3', rank: 3, memberCount: null },
    ]);
    // Hidden tiers are never the next one.
    expect((await own.card(people[1] ?? '')).tierStatus.progress).toMatchObject({
      nextTier: { code: 't3' },
      required: '400',
    });
  });
});

const SECRET = [
  ladderOf('primary', 'metric: growth', ['0', '200', '400']).replace(
    'threshold: "200"',
    'threshold: "200", hidden: true',
  ),
  ladderOf('second', 'metric: orders', ['1']),
].join('');

describeDocuments('what the clients send about tiers', () => {
  it('14 shows the ladder', async () => {
    const own = await tierTenant(gateway);
    const memberId = await own.enrol();
    await own.earn(memberId, 2_000);
    const { query, variables } = await readDocument('14');
    const { data, errors } = await own.ask(query, variables);
    expect(errors).toEqual([]);
    const asks = (threshold: string, keeps: string) => ({
      qualification: [{ metric: 'growth', window: 'ROLLING_DAYS', threshold }],
      retention: { metric: 'growth', window: 'ROLLING_DAYS', threshold: keeps, graceMonths: 0 },
    });
    const shipping = {
      code: 'free-shipping',
      name: 'Free shipping',
      kind: 'FREE_SHIPPING',
      level: 'ADVANCED',
    };
    const discount = { code: 'gold-discount', name: 'Gold discount', kind: 'PERCENT_OFF', level: 'TOP' };
    const named = (code: string, name: string, rank: number) => ({ code, name, rank });
    expect(data.tierLadder).toEqual({
      code: 'tea-friends',
      tiers: [
        { ...named('bronze', 'Bronze', 1), qualification: [], retention: null, benefits: [], memberCount: 0 },
        { ...named('silver', 'Silver', 2), ...asks('500', '400'), benefits: [shipping], memberCount: 0 },
        {
          ...named('gold', 'Gold', 3),
          ...asks('2000', '1600'),
          benefits: [shipping, discount],
          memberCount: 1,
        },
        {
          ...named('black', 'Black', 4),
          ...asks('10000', '8000'),
          benefits: [shipping, discount],
          memberCount: 0,
        },
      ],
    });
  });

  it('04 shows how a tier is held', async () => {
    await tenant.setClock(NOON);
    const memberId = await tenant.enrol();
    await tenant.earn(memberId, 1_700);
    const { query, variables } = await readDocument('04', { memberId });
    const { data, errors } = await tenant.ask(query, variables);
    expect(errors).toEqual([]);
    expect(data.member).toMatchObject({
      tier: { code: 'silver', name: 'Silver', rank: 2 },
      tierStatus: {
        since: expect.stringMatching(/^2026-11-20T04:00:/),
        until: null,
        progress: {
          nextTier: { code: 'gold', name: 'Gold' },
          metric: 'growth',
          current: '1700',
          required: '2000',
          remaining: '300',
          by: null,
        },
        retention: {
          metric: 'growth',
          current: '1700',
          required: '400',
          remaining: '0',
          by: null,
          atRisk: false,
        },
      },
    });
  });
});
