import { describeDocuments, readDocument } from '../support/documents.ts';
import { type Answer, type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { statementsOf } from '../support/read-statements.ts';

const NOON = '2026-11-20T12:00:00+08:00';

/** What the documents found out, each for those behind it. */
const known: Record<string, Json> = { now: '2026-11-20T12:00:00+08:00' };

let gateway: TestGateway;

async function send(
  number: string,
  changes: Record<string, unknown> = {},
  headers?: Record<string, string>,
): Promise<Answer> {
  const { query, variables } = await readDocument(number, known);
  return await gateway.ask(query, { ...variables, ...changes }, headers);
}

async function run(number: string, changes?: Record<string, unknown>): Promise<Json> {
  const { data, errors } = await send(number, changes);
  expect(errors).toEqual([]);
  return data;
}

/** Earns growth, which raises tiers at once. */
async function grow(memberId: string, amount: string): Promise<void> {
  const earn = 'mutation($input: EarnPointsInput!) { earnPoints(input: $input) { userErrors { code } } }';
  const input = { idempotencyKey: newRequestKey(), memberId, asset: 'growth', amount };
  expect((await gateway.ask(earn, { input })).data.earnPoints.userErrors).toEqual([]);
}

describeDocuments('what the clients send about the program', () => {
  beforeAll(async () => {
    gateway = await startTestGateway();
    await gateway.setClock(NOON);
    known.memberId = (await run('01')).createMember.member.id;
    await run('02');
  });
  afterAll(() => gateway.close());

  it('14 shows the tiers, what each asks and what each gives', async () => {
    const counts = { bronze: 2, silver: 0, gold: 0, black: 0 };
    const asked = (threshold: string) => ({ metric: 'growth', window: 'ROLLING_DAYS', threshold });
    const kept = (threshold: string) => ({ ...asked(threshold), graceMonths: 0 });
    const shipping = { code: 'free-shipping', name: '免运费', kind: 'FREE_SHIPPING', level: 'ADVANCED' };
    const discount = { code: 'gold-discount', name: '黄金会员折扣', kind: 'PERCENT_OFF', level: 'TOP' };
    const { tierLadder } = await run('14');
    expect(tierLadder).toEqual({
      code: 'tea-friends',
      tiers: [
        { code: 'bronze', name: '青铜', rank: 1, qualification: [], retention: null, benefits: [] },
        {
          ...{ code: 'silver', name: '白银', rank: 2, qualification: [asked('500')] },
          ...{ retention: kept('400'), benefits: [shipping] },
        },
        {
          ...{ code: 'gold', name: '黄金', rank: 3, qualification: [asked('2000')] },
          ...{ retention: kept('1600'), benefits: [shipping, discount] },
        },
        {
          ...{ code: 'black', name: '黑金', rank: 4, qualification: [asked('10000')] },
          ...{ retention: kept('8000'), benefits: [shipping, discount] },
        },
      ].map((tier) => ({ ...tier, memberCount: counts[tier.code as keyof typeof counts] })),
    });
  });

  it('14 tells a member everything but how many there are', async () => {
    const { data } = await send('14', {}, await gateway.asMember(known.memberId));
    expect(data.tierLadder.tiers.map(({ code, memberCount }: Json) => [code, memberCount])).toEqual([
      ['bronze', null],
      ['silver', null],
      ['gold', null],
      ['black', null],
    ]);
  });

  it('15 grants a benefit by hand, once, for 30 days', async () => {
    const { grantBenefit } = await run('15');
    known.grantId = grantBenefit.grant.id;
    expect(grantBenefit).toEqual({
      grant: {
        id: expect.stringMatching(/^grt_/),
        status: 'AVAILABLE',
        usesLeft: 1,
        validFrom: expect.stringMatching(/^2026-11-20T04:00:/),
        validUntil: '2026-12-20T16:00:00.000Z',
        benefit: { code: 'birthday-gift', name: '生日礼', kind: 'GIFT', level: 'BASIC' },
      },
      userErrors: [],
    });
    expect((await run('15')).grantBenefit).toEqual(grantBenefit);
  });

  it('04 shows the whole card: tier, progress, retention, ledgers and benefits', async () => {
    await grow(known.memberId, '2000');
    const { member } = await run('04');
    expect(member.tier).toEqual({ code: 'gold', name: '黄金', rank: 3 });
    expect(member.tierStatus).toEqual({
      since: expect.stringMatching(/^2026-11-20T04:00:/),
      until: null,
      progress: {
        ...{ nextTier: { code: 'black', name: '黑金' }, metric: 'growth', by: null },
        ...{ current: '2238', required: '10000', remaining: '7762' },
      },
      retention: {
        ...{ metric: 'growth', current: '2238', required: '1600', remaining: '0' },
        ...{ by: null, atRisk: false },
      },
    });
    const grants = member.grants.edges.map(({ node }: Json) => [
      node.benefit.code,
      node.status,
      node.usesLeft,
    ]);
    expect(grants.sort()).toEqual([
      ['birthday-gift', 'AVAILABLE', 1],
      ['free-shipping', 'AVAILABLE', null],
      ['gold-discount', 'AVAILABLE', null],
    ]);
  });

  it('16 uses it once, however often the till asks', async () => {
    const first = (await run('16')).useBenefit;
    expect(first).toEqual({
      use: {
        id: expect.stringMatching(/^use_/),
        usedAt: expect.stringMatching(/^2026-11-20T04:00:/),
        channel: 'POS',
        effect: { kind: 'GIFT', value: 'TEA-GIFT-BOX' },
      },
      grant: { id: known.grantId, status: 'USED_UP', usesLeft: 0 },
      userErrors: [],
    });
    expect((await run('16')).useBenefit).toEqual(first);
    const { variables } = await readDocument('16', known);
    const again = await run('16', { input: { ...variables.input, idempotencyKey: 'use-0002' } });
    expect(again.useBenefit).toEqual({
      use: null,
      grant: null,
      userErrors: [{ code: 'NO_USES_LEFT', field: ['grantId'], message: expect.any(String) }],
    });
  });

  it('05 lists members with tier, balance and last entries', async () => {
    const members = await Promise.all(Array.from({ length: 30 }, () => enrol(gateway)));
    for (const [index, id] of members.entries()) if (index % 3 === 0) await grow(id, '500');
    const { members: page } = await run('05');
    expect(page.totalCount).toBe(31);
    expect(page.edges).toHaveLength(20);
    expect(page.pageInfo).toEqual({ hasNextPage: true, endCursor: page.edges[19].cursor });
    const enrolled = page.edges.map(({ node }: Json) => node.enrolledAt);
    expect(enrolled).toEqual([...enrolled].sort().reverse());
    expect(new Set(page.edges.map(({ node }: Json) => node.tier.code))).toEqual(
      new Set(['bronze', 'silver']),
    );
    const { ledger } = page.edges[0].node;
    expect(ledger).toEqual({
      balance: { available: '100' },
      entries: {
        edges: [
          {
            node: {
              id: expect.stringMatching(/^ent_/),
              ...{ kind: 'EARN', amount: '100', balanceAfter: '100' },
              occurredAt: expect.any(String),
            },
          },
        ],
      },
    });
    const rest = (await run('05', { after: page.pageInfo.endCursor })).members;
    const ids = [...page.edges, ...rest.edges].map(({ node }: Json) => node.id);
    expect(new Set(ids).size).toBe(31);
    // Gold members are not asked for.
    expect(ids).not.toContain(known.memberId);
    expect(rest.pageInfo.hasNextPage).toBe(false);
  });

  it('05 is filtered by each condition, and counts what it lists', async () => {
    const tagged = await enrol(gateway, { tags: ['vip'] });
    const list = async (filter: object): Promise<string[]> => {
      const { members } = await run('05', { first: 100, filter });
      expect(members.totalCount).toBe(members.edges.length);
      const ids: string[] = members.edges.map(({ node }: Json) => node.id);
      // Enrolled before the clock was set: whenever that is.
      return ids.filter((id) => id !== gateway.demo.memberId);
    };
    expect(await list({ tier: ['gold'] })).toEqual([known.memberId]);
    expect(await list({ tag: ['vip', 'other'] })).toEqual([tagged]);
    expect(await list({ tier: ['bronze'], tag: ['vip'] })).toEqual([tagged]);
    expect(await list({ tier: ['silver'], tag: ['vip'] })).toEqual([]);
    expect(await list({ tier: [] })).toEqual([]);
    expect(await list({ tier: ['nowhere'] })).toEqual([]);
    expect(await list({ status: ['BLOCKED'] })).toEqual([]);
    expect(await list({ enrolledBefore: NOON })).toEqual([]);
    expect(await list({ enrolledFrom: NOON, tier: ['bronze', 'silver', 'gold'] })).toHaveLength(32);
  });

  it('05 refuses a cursor of another filter, and a page without a size', async () => {
    const { members } = await run('05');
    const { endCursor } = members.pageInfo;
    const other = await send('05', { after: endCursor, filter: { tier: ['gold'] } });
    expect(other.errors).toMatchObject([{ extensions: { code: 'CURSOR_INVALID', field: ['after'] } }]);
    expect((await send('05', { first: 101 })).errors).toMatchObject([{ extensions: { code: 'PAGE_SIZE' } }]);
    const asMember = await send('05', {}, await gateway.asMember(known.memberId));
    expect(asMember.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });

  it('05 takes the same few statements for one member and for a hundred', async () => {
    await run('05');
    const few = await statementsOf(() => run('05', { first: 1 }));
    const many = await statementsOf(() => run('05', { first: 100 }));
    expect(many).toBe(few);
    // The page with its tiers, its count, ledgers and entries.
    expect(many).toBe(4);
  });
});
