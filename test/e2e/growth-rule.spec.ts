import {
  answers,
  type CallContext,
  definePlugin,
  type GrowthRuleInput,
  growthRule,
  pointsRule,
} from '../../src/extension/index.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { applyProgram, type OwnTenant, tenantWith } from '../support/own-tenant.ts';
import { TEA_PROGRAM } from '../support/tea-program.ts';

// What extensions give in growth, which tiers are reached by: beside the rules, or in place of their growth.

type Asked = { plugin: string; input: GrowthRuleInput; context: Omit<CallContext, 'signal'> };

/** What the plugins were asked, in order, and what they answer now. */
const asked: Asked[] = [];
const NOTHING = { postings: [] };
let answering: Record<string, Json> = {};

function plugin(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    ...{ id, version: 3, priority, onFailure, deadlineMs: 10_000, description: 'Answers what a test says.' },
    answers: [
      answers(growthRule, (input, { signal: _, ...context }): Json => {
        asked.push({ plugin: id, input, context });
        return answering[id] ?? NOTHING;
      }),
      answers(pointsRule, () => answering[`${id} points`] ?? NOTHING),
    ],
  });
}

let gateway: TestGateway;
let tenant: OwnTenant;
let memberId: string;
beforeAll(async () => {
  const plugins = [plugin('second', 20, 'FAIL_OPEN'), plugin('first', 10, 'FAIL_CLOSED')];
  gateway = await startTestGateway({ plugins });
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});
beforeEach(async () => {
  answering = {};
  tenant = await tenantWith(gateway, TEA_PROGRAM, '2026-11-20T04:00:00Z');
  // What `gateway.sql` sees, and so whether anything was written.
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  memberId = await enrol(tenant);
  asked.length = 0;
});

const FIELDS = `activity { explanations { rule { code } extension { name } outcome } }
  member { tags { code } tier { code } }
  operations { kind explanation { rule { code } extension { name } outcome }
    entries { amount asset { code } } }`;
const money = (value: string) => ({ value, currency: 'CNY' });

async function record(input: Record<string, unknown>): Promise<Json> {
  const own = input.type === 'refund' ? {} : { memberId };
  return await tenant.act('recordActivity', { idempotencyKey: newRequestKey(), ...own, ...input }, FIELDS);
}
const buy = (value = '150.00', more: Record<string, unknown> = {}) =>
  record({ type: 'purchase', amount: money(value), ...more });
const growth = (amount: string, more: Record<string, string> = {}) => ({
  ...{ asset: 'growth', amount, reason: 'a faster one', ...more },
});

/** E.g. `EARN growth 20 crm APPLIED`. */
const gave = ({ operations }: Json): string[] =>
  operations.map(({ kind, explanation, entries: [entry] }: Json) => {
    const giver = explanation.rule?.code ?? explanation.extension?.name;
    return `${kind} ${entry.asset.code} ${entry.amount} ${giver} ${explanation.outcome}`;
  });
const outcomes = ({ activity }: Json): string[] =>
  activity.explanations.map(({ rule, extension, outcome }: Json) => {
    return `${rule?.code ?? extension.name} ${outcome}`;
  });

it('is asked with what the rules propose in growth, and adds to it: tiers follow', async () => {
  answering = { first: { postings: [growth('50')] } };
  const answer = await buy();
  expect(asked[0]?.input).toMatchObject({
    activity: { type: 'purchase', amount: money('150.00') },
    member: { id: memberId, tier: { code: 'bronze' } },
  });
  expect(asked[0]?.input.proposed).toEqual([{ rule: 'grow', asset: 'growth', amount: '150' }]);
  expect(gave(answer)).toEqual([
    ...['EARN points 150 spend APPLIED', 'EARN growth 150 grow APPLIED', 'EARN growth 50 first APPLIED'],
  ]);
  expect(answer.member.tier.code).toBe('silver');
});

it('replaces the growth of the rules alone: their points, tags and benefits stay', async () => {
  answering = {
    first: { postings: [growth('20')], replace: true },
    second: { postings: [growth('5')] },
    'second points': { postings: [{ asset: 'points', amount: '7', reason: 'more' }] },
  };
  const answer = await buy();
  expect(gave(answer)).toEqual([
    ...['EARN points 150 spend APPLIED', 'EARN points 7 second APPLIED'],
    ...['EARN growth 20 first APPLIED', 'EARN growth 5 second APPLIED'],
  ]);
  expect(answer.member).toEqual({ tags: [{ code: 'buyer' }], tier: { code: 'bronze' } });
  const granted = await gateway.sql('select 1 from benefit_grant where tenant_id = $1', [tenant.tenantKey]);
  expect(granted).toHaveLength(1);
});

it('says of a rule that gave nothing but growth who took its place', async () => {
  const plain = `\n  - { code: plain, name: { en: Plain }, trigger: purchase, postings: [{ asset: growth, amount: 9 }] }`;
  await applyProgram(tenant, TEA_PROGRAM + plain);
  answering = { first: { postings: [growth('20')], replace: true } };
  const answer = await buy();
  expect(outcomes(answer)).toEqual([
    ...['spend APPLIED', 'grow APPLIED', 'little NOT_MATCHED', 'plain EXTENSION_REFUSED'],
    ...['first ZERO', 'second ZERO', 'first APPLIED', 'second ZERO'],
  ]);
});

it('leaves rules no growth of a purchase that is refunded in part, but their points', async () => {
  const little = `\n  - { code: small, name: { en: Small }, trigger: purchase, when: 'activity.amount < 10000',
      postings: [{ asset: growth, amount: 9 }] }`;
  await applyProgram(tenant, TEA_PROGRAM + little);
  answering = { first: { postings: [growth('20')], replace: true } };
  await buy('150.00', { order: { number: 'SO-1' } });
  // Of what is left "little" and "small" give something: the points of the first are still due.
  const refund = { type: 'refund', order: { number: 'SO-1' } };
  expect(gave(await record({ ...refund, amount: money('75.00') })).sort()).toEqual([
    ...['REVERSE growth -10 first APPLIED', 'REVERSE points -68 spend APPLIED'],
  ]);
  await record(refund);
  const { data } = await tenant.ask(
    `query($id: ID!) { member(id: $id) { points: ledger(asset: "points") { balance { available } }
       growth: ledger(asset: "growth") { balance { available } } } }`,
    { id: memberId },
  );
  const nothing = { balance: { available: '0' } };
  expect(data?.member).toEqual({ points: nothing, growth: nothing });
});

it('goes with an extension that replaces everything: that one explains it', async () => {
  answering = {
    first: { postings: [growth('20')], replace: true },
    'second points': { postings: [{ asset: 'points', amount: '7', reason: 'all' }], replace: true },
  };
  const answer = await buy();
  expect(gave(answer)).toEqual(['EARN points 7 second APPLIED', 'EARN growth 20 first APPLIED']);
  expect(outcomes(answer).slice(0, 2)).toEqual(['spend EXTENSION_REFUSED', 'grow EXTENSION_REFUSED']);
});

it('is only worked out in a dry run, and not asked again about a replay or about a refund', async () => {
  answering = { first: { postings: [growth('20')] } };
  const dry = await expectNothingWritten(gateway, () => buy('150.00', { dryRun: true }));
  expect(gave(dry)).toContain('EARN growth 20 first APPLIED');
  expect(asked[0]?.context.mode).toBe('DRY_RUN');
  const sent = { idempotencyKey: newRequestKey(), order: { number: 'SO-1' } };
  const first = await buy('150.00', sent);
  asked.length = 0;
  expect(await buy('150.00', sent)).toEqual(first);
  await record({ type: 'refund', order: { number: 'SO-1' } });
  expect(asked).toEqual([]);
});

it('is not asked where the program has no growth', async () => {
  const own = await tenantWith(
    gateway,
    'name: { en: P }\ntimeZone: UTC\ncurrency: EUR\nassets: [{ code: points, kind: POINTS, name: { en: P } }]\nrules: []',
    '2026-11-20T04:00:00Z',
  );
  const id = await enrol(own);
  const input = { idempotencyKey: newRequestKey(), memberId: id, type: 'sign_in' };
  expect((await own.act('recordActivity', input, 'activity { id }')).userErrors).toEqual([]);
  expect(asked).toEqual([]);
});

describe.each([
  ['an asset of another kind', [{ asset: 'points', amount: '1', reason: 'x' }]],
  ['an asset that the program lacks', [{ asset: 'gold', amount: '1', reason: 'x' }]],
  ['an asset twice', [growth('1'), growth('2')]],
  ['a negative amount', [growth('-1')]],
  ['more than 64 bits hold', [growth('9223372036854775808')]],
  ['an expiry in the past', [growth('1', { expiresAt: '2026-11-20T03:59:59Z' })]],
])('an answer that posts %s', (_what, postings) => {
  it('is no answer: nothing is written where it fails closed', async () => {
    answering = { first: { postings, replace: true } };
    const { userErrors } = await expectNothingWritten(gateway, () => buy());
    expect(userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE', field: null }]);
  });

  it('is as if it weren’t there where it fails open', async () => {
    answering = { second: { postings, replace: true } };
    expect(gave(await buy())).toEqual(['EARN points 150 spend APPLIED', 'EARN growth 150 grow APPLIED']);
  });
});
