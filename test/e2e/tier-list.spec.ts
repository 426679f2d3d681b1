import { answers, definePlugin, tierList } from '../../src/extension/index.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Answer, type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol } from '../support/members.ts';
import { type OwnTenant, tenantWith } from '../support/own-tenant.ts';
import { act, register } from '../support/registered.ts';

// The list of tiers that a storefront shows: the program's own, or the enterprise's.

const NOW = '2026-11-20T04:00:00Z';
const PROGRAM = `name: { en: Teas }
timeZone: Asia/Shanghai
currency: CNY
assets:
  - { code: growth, kind: GROWTH, name: { en: Growth }, spendable: false }
ladders:
  - code: main
    name: { en: Main, zh-CN: 会员 }
    metric: growth
    tiers:
      - { code: bronze, name: { en: Bronze, zh-CN: 青铜 }, threshold: "0" }
      - { code: silver, name: { en: Silver, zh-CN: 白银 }, threshold: "200", benefits: [gift] }
      - { code: secret, name: { en: Secret }, threshold: "500", hidden: true }
  - code: orders
    name: { en: Orders }
    metric: orders
    tiers: [{ code: regular, name: { en: Regular }, threshold: "3" }]
benefits:
  - { code: gift, name: { en: Gift, zh-CN: 礼物 }, kind: GIFT, value: CUP }`;

const asked: { plugin: string; input: Json }[] = [];
let answering: Record<string, Json> = {};

function plugin(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    ...{ id, version: 3, priority, onFailure, deadlineMs: 10_000, description: 'Answers what a test says.' },
    answers: [
      answers(tierList, (input): Json => {
        asked.push({ plugin: id, input });
        return answering[id] ?? { tiers: null };
      }),
    ],
  });
}

let gateway: TestGateway;
let tenant: OwnTenant;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway({
    plugins: [plugin('open', 10, 'FAIL_OPEN'), plugin('closed', 20, 'FAIL_CLOSED')],
  });
});
afterAll(() => gateway.close());
beforeEach(async () => {
  answering = {};
  // Each with a tenant of its own, so that nobody's failures are counted together.
  tenant = await tenantWith(gateway, PROGRAM, NOW);
  // What `gateway.sql` sees, and so whether anything was written.
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  memberId = await enrol(tenant);
  asked.length = 0;
});

const QUERY = `query($memberId: ID!, $ladder: String) { tierList(memberId: $memberId, ladder: $ladder) {
  origin ladder { code } items { tier { code rank } name description requirement benefits imageUrl
    progressPercent isHeld } } }`;
const ask = (variables: Json = {}, headers: Json = { 'x-api-key': tenant.key }): Promise<Answer<Json>> =>
  gateway.ask(QUERY, { memberId, ...variables }, headers);
async function listOf(variables?: Json, headers?: Json): Promise<Json> {
  const { data, errors } = await ask(variables, headers);
  expect(errors).toEqual([]);
  return data.tierList;
}
const codesOf = ({ items }: Json): string[] => items.map(({ tier }: Json) => tier.code);
const own = {
  ...{ description: null, requirement: null, imageUrl: null, progressPercent: null, benefits: [] },
};
const BRONZE = { ...own, tier: { code: 'bronze', rank: 1 }, name: 'Bronze', isHeld: true };
const SILVER = {
  ...own,
  tier: { code: 'silver', rank: 2 },
  name: 'Silver',
  isHeld: false,
  benefits: ['Gift'],
};

it('is the program’s own where nobody says anything, in the caller’s language', async () => {
  const list = await expectNothingWritten(gateway, () => listOf());
  expect(list).toEqual({ origin: 'OWN', ladder: { code: 'main' }, items: [BRONZE, SILVER] });
  expect(asked.map(({ plugin: id }) => id)).toEqual(['open', 'closed']);
  expect(asked[0]?.input).toMatchObject({
    member: { id: memberId, tier: { code: 'bronze', rank: 1 } },
    ...{ language: 'en', ladder: { code: 'main', name: 'Main', metric: 'growth' } },
    tiers: [
      { code: 'bronze', rank: 1, name: 'Bronze', threshold: '0', benefits: [], isHeld: true },
      { code: 'silver', rank: 2, name: 'Silver', threshold: '200', benefits: ['gift'], isHeld: false },
    ],
  });
  const chinese = await listOf({}, { 'x-api-key': tenant.key, 'accept-language': 'zh-CN' });
  expect(chinese.items[1]).toMatchObject({ name: '白银', benefits: ['礼物'] });
  expect(asked.at(-1)?.input.language).toBe('zh-CN');
});

it('is another ladder’s where one is named, and none where there is none', async () => {
  expect(codesOf(await listOf({ ladder: 'orders' }))).toEqual(['regular']);
  expect(asked[0]?.input).toMatchObject({ ladder: { code: 'orders' }, member: { tier: { code: 'bronze' } } });
  expect(await listOf({ ladder: 'nothing' })).toBeNull();
  expect(await listOf({ memberId: 'mem_01jdb4g8vse3aaaaaaaaaaaaaa' })).toBeNull();
});

it('is what the first says who gives one: its order, its words, and nothing of what counts', async () => {
  const said = {
    ...{ name: 'Silver Circle', description: 'For friends.', requirement: '200 points', benefits: ['A cup'] },
    ...{ imageUrl: 'https://img.example.com/silver.png', progressPercent: 40 },
  };
  answering = { closed: { tiers: [{ code: 'silver', ...said }, { code: 'bronze' }] } };
  const list = await expectNothingWritten(gateway, () => listOf());
  expect(list).toEqual({
    ...{ origin: 'OUTSIDE', ladder: { code: 'main' } },
    items: [{ ...SILVER, ...said }, BRONZE],
  });
  const { data } = await tenant.ask(
    'query($id: ID!) { member(id: $id) { tier { name } } tierLadder { tiers { name } } }',
    { id: memberId },
  );
  expect(data).toEqual({
    member: { tier: { name: 'Bronze' } },
    tierLadder: { tiers: [{ name: 'Bronze' }, { name: 'Silver' }, { name: 'Secret' }] },
  });
  answering = { open: { tiers: [] } };
  asked.length = 0;
  expect(await listOf()).toMatchObject({ origin: 'OUTSIDE', items: [] });
  expect(asked.map(({ plugin: id }) => id)).toEqual(['open']);
});

it('shows a hidden tier to whoever holds it alone, whatever is answered', async () => {
  answering = { open: { tiers: [{ code: 'secret' }] } };
  expect(codesOf(await listOf())).toEqual(['bronze', 'silver']);
  await act(tenant, 'setTier', { memberId, tier: 'secret', reason: 'a test' }, 'change { id }');
  expect(await listOf()).toMatchObject({
    origin: 'OUTSIDE',
    items: [{ tier: { code: 'secret' }, isHeld: true }],
  });
  answering = {};
  expect(codesOf(await listOf())).toEqual(['bronze', 'silver', 'secret']);
});

it.each<[string, Json]>([
  ['with a tier of another ladder', { tiers: [{ code: 'regular' }] }],
  ['with a tier twice', { tiers: [{ code: 'silver' }, { code: 'silver' }] }],
  ['with a picture that is a script', { tiers: [{ code: 'silver', imageUrl: 'javascript:alert(1)' }] }],
  ['with more than all', { tiers: [{ code: 'silver', progressPercent: 101 }] }],
  ['that would change what counts', { tiers: [{ code: 'silver', threshold: '0' }] }],
  ['that is no object', 'nothing'],
])(
  'an answer %s is none: the program’s own, and marked; nothing where it fails closed',
  async (_what, output) => {
    answering = { open: output };
    expect(await listOf()).toEqual({ origin: 'FALLBACK', ladder: { code: 'main' }, items: [BRONZE, SILVER] });
    answering = { closed: output };
    const { data, errors } = await ask();
    expect(data).toEqual({ tierList: null });
    expect(errors).toMatchObject([{ path: ['tierList'], extensions: { code: 'EXTENSION_UNAVAILABLE' } }]);
  },
);

it('is the one of the registration where that is to stand for an answer, and marked', async () => {
  await register(tenant, {
    ...{ point: 'tier.list', runtime: 'IN_PROCESS', plugin: { id: 'open' }, stage: 'LIVE' },
    ...{ onFailure: 'DEFAULT', defaultOutput: { tiers: [{ code: 'silver' }] } },
  });
  answering = { open: 'nothing' };
  expect(await listOf()).toEqual({ origin: 'FALLBACK', ladder: { code: 'main' }, items: [SILVER] });
});

it('is shown to members for themselves, and to nobody of another tenant', async () => {
  const mine = await enrol(gateway);
  const headers = await gateway.asMember(mine);
  expect(codesOf(await listOf({ memberId: mine }, headers)).length).toBeGreaterThan(1);
  expect(await listOf({ memberId: gateway.demo.memberId }, headers)).toBeNull();
  asked.length = 0;
  expect(await listOf({ memberId: mine })).toBeNull();
  expect(asked).toEqual([]);
});
