import {
  answers,
  type CallContext,
  definePlugin,
  type TierSetInput,
  tierSet,
} from '../../src/extension/index.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, tenantWith } from '../support/own-tenant.ts';

// What extensions make of a tier that is given by hand: refuse it, or name another one.

type Asked = { plugin: string; input: TierSetInput; context: Omit<CallContext, 'signal'> };

/** What the plugins were asked, in order, and what they answer now. */
const asked: Asked[] = [];
const APPROVE = { decision: 'APPROVE' };
let answering: Record<string, Json> = {};

function plugin(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    ...{ id, version: 3, priority, onFailure, deadlineMs: 2_000, description: 'Answers what a test says.' },
    answers: [
      answers(tierSet, (input, { signal: _, ...context }): Json => {
        asked.push({ plugin: id, input, context });
        return answering[id] ?? APPROVE;
      }),
    ],
  });
}

const TIERS = ['bronze', 'silver', 'gold'].map(
  (code, index) => `{ code: ${code}, name: { en: ${code} }, threshold: "${index * 100}" }`,
);
const PROGRAM = `name: { en: Tiers }
timeZone: UTC
currency: EUR
assets: [{ code: growth, kind: GROWTH, name: { en: Growth }, spendable: false }]
ladders:
  - { code: main, name: { en: Main }, metric: growth, window: LIFETIME, tiers: [${TIERS.join(', ')}] }
  - { code: guests, name: { en: Guests }, metric: 'activities:visit', window: LIFETIME,
      tiers: [{ code: guest, name: { en: Guest }, threshold: "0" }, { code: host, name: { en: Host }, threshold: "9" }] }
rules: []`;

let gateway: TestGateway;
let tenant: OwnTenant;
let memberId: string;
beforeAll(async () => {
  const plugins = [plugin('second', 20, 'FAIL_OPEN'), plugin('first', 10, 'FAIL_CLOSED')];
  gateway = await startTestGateway({ plugins });
  tenant = await tenantWith(gateway, PROGRAM, '2026-11-20T04:00:00Z');
});
afterAll(() => gateway.close());
beforeEach(async () => {
  answering = {};
  // What `gateway.sql` sees, and so whether anything was written.
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  memberId = await enrol(tenant, { tags: ['vip'] });
  asked.length = 0;
});

const FIELDS = 'member { id tier { code } } change { ladder cause reason from { code } to { code } }';
const set = (tier: string, more: Json = {}): Promise<Json> => {
  const input = { idempotencyKey: newRequestKey(), memberId, tier, reason: 'a complaint', ...more };
  return tenant.act('setTier', input, FIELDS);
};
const changed = ({ change }: Json): string => `${change.from?.code} ${change.to?.code}`;

it('is told who gets which tier of which ladder, why and until when', async () => {
  const idempotencyKey = newRequestKey();
  const answer = await set('gold', { idempotencyKey, until: '2027-01-01T08:00:00+08:00' });
  expect(changed(answer)).toBe('bronze gold');
  expect(asked.map(({ plugin: id }) => id)).toEqual(['first', 'second']);
  expect(asked[0]?.input).toEqual({
    member: expect.objectContaining({ id: memberId, tier: { code: 'bronze', rank: 1 }, tags: ['vip'] }),
    ...{
      ladder: 'main',
      from: 'bronze',
      to: 'gold',
      until: '2027-01-01T00:00:00.000Z',
      reason: 'a complaint',
    },
  });
  expect(asked[0]?.context).toMatchObject({ mode: 'LIVE', idempotencyKey, tenant: tenant.code });
  asked.length = 0;
  answering = { first: { decision: 'REFUSE' } };
  expect(await set('gold', { idempotencyKey, until: '2027-01-01T08:00:00+08:00' })).toEqual(answer);
  expect(asked).toEqual([]);
});

it('refuses with its reason: nothing is written, and nobody later is asked', async () => {
  answering = { first: { decision: 'REFUSE', reason: 'never by hand' } };
  const idempotencyKey = newRequestKey();
  const { change, userErrors } = await expectNothingWritten(gateway, () => set('gold', { idempotencyKey }));
  expect(change).toBeNull();
  expect(userErrors).toEqual([{ code: 'EXTENSION_REFUSED', field: null, message: 'never by hand' }]);
  expect(asked.map(({ plugin: id }) => id)).toEqual(['first']);
  // A refusal binds no key.
  answering = {};
  expect(changed(await set('gold', { idempotencyKey }))).toBe('bronze gold');
});

it('names another tier of the ladder, the last one wins; a dry run only works it out', async () => {
  answering = { first: { ...APPROVE, tier: 'bronze' }, second: { ...APPROVE, tier: 'silver' } };
  const dry = await expectNothingWritten(gateway, () => set('gold', { dryRun: true }));
  expect([changed(dry), asked[0]?.context.mode]).toEqual(['bronze silver', 'DRY_RUN']);
  const answer = await set('gold');
  expect([changed(answer), answer.member.tier.code]).toEqual(['bronze silver', 'silver']);
  expect(answer.change).toMatchObject({ cause: 'BY_HAND', reason: 'a complaint' });
});

it('is asked about other ladders, too', async () => {
  expect(changed(await set('host', { ladder: 'guests' }))).toBe('guest host');
  expect(asked[0]?.input).toMatchObject({
    ...{ member: { tier: { code: 'bronze' } }, ladder: 'guests', from: 'guest', to: 'host' },
  });
});

it.each<[string, Json, string]>([
  ['a stranger', { memberId: 'mem_01jdb4g8vse3aaaaaaaaaaaaaa' }, 'MEMBER_NOT_FOUND'],
  ['an unknown tier', { tier: 'host' }, 'TIER_NOT_FOUND'],
  ['an end in the past', { until: '2026-01-01T00:00:00Z' }, 'UNTIL_NOT_AHEAD'],
])('what could not be is refused before anybody is asked: %s', async (_what, input, code) => {
  const { userErrors } = await expectNothingWritten(gateway, () => set('gold', input));
  expect(userErrors).toMatchObject([{ code }]);
  expect(asked).toEqual([]);
});

describe.each([
  ['with a tier of another ladder', { ...APPROVE, tier: 'host' }],
  ['of another decision', { decision: 'MAYBE' }],
  ['with something else', { ...APPROVE, until: null }],
])('an answer %s', (_what, output) => {
  it('is no answer: nothing is changed where it fails closed', async () => {
    answering = { first: output };
    const { userErrors } = await expectNothingWritten(gateway, () => set('gold'));
    expect(userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE', field: null }]);
  });

  it('is as if it weren’t there where it fails open', async () => {
    answering = { second: output };
    expect(changed(await set('gold'))).toBe('bronze gold');
  });
});
