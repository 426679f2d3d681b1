import {
  answers,
  type CallContext,
  definePlugin,
  type PointsRuleInput,
  pointsRule,
} from '../../src/extension/index.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { untilNothingIsOpen } from '../support/open-transactions.ts';
import { applyProgram, type OwnTenant, tenantWith } from '../support/own-tenant.ts';
import { TEA_PROGRAM } from '../support/tea-program.ts';
import { untilHolds } from '../support/until-holds.ts';

// What extensions give for activities, beside the rules of the program or in their place.

type Asked = { plugin: string; input: PointsRuleInput; context: Omit<CallContext, 'signal'> };

/** What the plugins were asked, in order, and what they answer now. */
const asked: Asked[] = [];
const NOTHING = { postings: [] };
let answering: Record<string, (input: PointsRuleInput) => Json> = {};

function plugin(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    ...{ id, version: 3, priority, onFailure, deadlineMs: 10_000, description: 'Answers what a test says.' },
    answers: [
      answers(pointsRule, (input, { signal: _, ...context }): Json => {
        asked.push({ plugin: id, input, context });
        return answering[id]?.(input) ?? NOTHING;
      }),
    ],
  });
}

/** One answer, whatever is asked. */
function give(id: string, output: Json): void {
  answering = { ...answering, [id]: () => output };
}

function posting(amount: string, more: Record<string, string> = {}): Record<string, string> {
  return { asset: 'points', amount, reason: 'tea-lovers', ...more };
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
  memberId = await enrol(tenant, {
    ...{ profile: { birthday: '1995-05-20', locale: 'zh-CN' }, tags: ['vip'] },
    ...{ attributes: { crm: 7 }, source: { channel: 'app', store: 'sh-1' } },
  });
  asked.length = 0;
});

const FIELDS = `activity { id explanations { rule { code } extension { name version } outcome summary } }
  member { id tags { code } tier { code } }
  operations { id kind reason explanation { rule { code } extension { name version } outcome summary }
    entries { amount status asset { code } availableAt expiresAt } }`;

async function record(input: Record<string, unknown>): Promise<Json> {
  const own = 'identity' in input || input.type === 'refund' ? {} : { memberId };
  return await tenant.act('recordActivity', { idempotencyKey: newRequestKey(), ...own, ...input }, FIELDS);
}

const money = (value: string) => ({ value, currency: 'CNY' });
const buy = (value = '238.00', more: Record<string, unknown> = {}) =>
  record({ type: 'purchase', amount: money(value), ...more });

async function balance(asset = 'points'): Promise<Json> {
  const { data } = await tenant.ask(
    `query($id: ID!, $asset: String!) { member(id: $id) {
       ledger(asset: $asset) { balance { available pending } } } }`,
    { id: memberId, asset },
  );
  return data?.member.ledger.balance;
}

/** E.g. `EARN points 20 crm APPLIED`. */
const gave = ({ operations }: Json): string[] =>
  operations.map(({ kind, explanation, entries: [entry] }: Json) => {
    const giver = explanation.rule?.code ?? explanation.extension?.name;
    return `${kind} ${entry.asset.code} ${entry.amount} ${giver} ${explanation.outcome}`;
  });
const outcomes = ({ activity }: Json): string[] =>
  activity.explanations.map(({ rule, extension, outcome }: Json) => {
    return `${rule?.code ?? extension.name} ${outcome}`;
  });

describe('an extension', () => {
  it('is told what happened, whose it is and what the rules propose', async () => {
    const lines = [{ sku: 'TEA', category: 'tea', quantity: 2, amount: money('238.00') }];
    const occurredAt = '2026-11-20T11:00:00+08:00';
    const source = { channel: 'pos', store: 'sh-2' };
    const idempotencyKey = newRequestKey();
    const { activity } = await buy('238.00', {
      ...{ idempotencyKey, occurredAt, source, order: { number: 'SO-1', lines } },
    });
    expect(asked.map(({ plugin: id }) => id)).toEqual(['first', 'second']);
    expect(asked[0]?.input).toEqual({
      activity: {
        ...{ id: activity.id, type: 'purchase', occurredAt: '2026-11-20T03:00:00.000Z' },
        amount: money('238.00'),
        order: { number: 'SO-1', lines },
        source,
      },
      member: {
        ...{ id: memberId, enrolledAt: expect.stringMatching(/^2026-11-20T04:00:\d\d\.\d{3}Z$/) },
        tier: { code: 'bronze', rank: 1 },
        ...{ tags: ['vip'], birthday: '1995-05-20', gender: null, locale: 'zh-CN', region: null },
        ...{ source: { channel: 'app', store: 'sh-1' }, attributes: { crm: 7 } },
      },
      proposed: [
        { rule: 'spend', asset: 'points', amount: '238' },
        { rule: 'grow', asset: 'growth', amount: '238' },
      ],
    });
    expect(asked[0]?.context).toMatchObject({ mode: 'LIVE', idempotencyKey, tenant: tenant.code });
  });

  it('is told of who enrols by the activity that they have no past', async () => {
    const { member } = await record({ type: 'sign_in', identity: newIdentity(), enrolIfUnknown: true });
    expect(asked[0]?.input).toMatchObject({
      activity: { amount: null, order: null },
      member: { id: member.id, enrolledAt: null, tier: { code: null, rank: 0 } },
      proposed: [],
    });
  });

  it('is asked with no transaction open', async () => {
    let looked = 0;
    answering = {
      first: async () => {
        await untilNothingIsOpen(gateway);
        looked += 1;
        return NOTHING;
      },
    };
    await buy();
    expect(looked).toBe(1);
  });

  it('is not asked about refunds', async () => {
    await buy('238.00', { order: { number: 'SO-1' } });
    asked.length = 0;
    const { userErrors } = await record({ type: 'refund', order: { number: 'SO-1' } });
    expect([userErrors, asked]).toEqual([[], []]);
  });
});

describe('what extensions give', () => {
  it('is posted beside what the rules give, each with its reason, and explained', async () => {
    give('first', {
      postings: [
        posting('20'),
        { asset: 'credit', amount: '500', reason: 'a present' },
        { asset: 'growth', amount: '9007199254740993', reason: 'more than a number holds' },
      ],
    });
    give('second', {
      postings: [
        posting('5', { availableAt: '2026-12-01T00:00:00+08:00', expiresAt: '2026-12-31T00:00:00Z' }),
      ],
    });
    const answer = await buy();
    expect(answer.userErrors).toEqual([]);
    expect(gave(answer)).toEqual([
      'EARN points 238 spend APPLIED',
      'EARN growth 238 grow APPLIED',
      'EARN points 20 first APPLIED',
      'EARN credit 500 first APPLIED',
      'EARN growth 9007199254740993 first APPLIED',
      'EARN points 5 second APPLIED',
    ]);
    expect(answer.operations.map(({ reason }: Json) => reason)).toEqual([
      ...['purchase', 'purchase', 'tea-lovers', 'a present', 'more than a number holds', 'tea-lovers'],
    ]);
    expect(answer.operations[5]).toMatchObject({
      explanation: { rule: null, extension: { name: 'second', version: 3 }, summary: 'second: +5 Points' },
      entries: [
        {
          ...{ status: 'PENDING', availableAt: '2026-11-30T16:00:00.000Z' },
          expiresAt: '2026-12-31T00:00:00.000Z',
        },
      ],
    });
    expect(outcomes(answer)).toEqual([
      ...['spend APPLIED', 'grow APPLIED', 'little NOT_MATCHED', 'first APPLIED', 'second APPLIED'],
    ]);
    // What is earned counts toward tiers, whoever gives it.
    expect(answer.member.tier.code).toBe('silver');
    expect(await balance()).toEqual({ available: '258', pending: '5' });
  });

  it('is the same when the key is sent again, and nobody is asked', async () => {
    give('first', { postings: [posting('20')] });
    const idempotencyKey = newRequestKey();
    const first = await buy('238.00', { idempotencyKey });
    give('first', { postings: [posting('999')] });
    asked.length = 0;
    expect(await buy('238.00', { idempotencyKey })).toEqual(first);
    expect(asked).toEqual([]);
  });

  it('is only worked out in a dry run', async () => {
    give('first', { postings: [posting('20')], replace: true });
    const answer = await expectNothingWritten(gateway, () => buy('238.00', { dryRun: true }));
    expect(gave(answer)).toEqual(['EARN points 20 first APPLIED']);
    expect(asked[0]?.context.mode).toBe('DRY_RUN');
  });

  it('is nothing where it is no more than the neutral answer', async () => {
    const answer = await buy();
    expect(outcomes(answer).slice(3)).toEqual(['first ZERO', 'second ZERO']);
    expect(answer.activity.explanations[3].summary).toBe('first: it gives nothing');
  });

  it('is what the asset’s limit a day leaves, after the rules', async () => {
    give('first', { postings: [posting('1000')] });
    give('second', { postings: [posting('900')] });
    const answer = await buy('400.00');
    expect(gave(answer).filter((text) => text.includes('points'))).toEqual([
      'EARN points 400 spend APPLIED',
      'EARN points 1000 first APPLIED',
      'EARN points 100 second CAPPED',
    ]);
    const next = await record({ type: 'sign_in' });
    expect(next.operations).toEqual([]);
    expect(outcomes(next)).toEqual(['first CAPPED', 'second CAPPED']);
    expect(await balance()).toEqual({ available: '1500', pending: '0' });
  });

  it('waits for what its asset waits for', async () => {
    give('first', { postings: [{ asset: 'stars', amount: '3', reason: 'stars' }] });
    await record({ type: 'review', order: { number: 'SO-1' } });
    await buy('238.00', { order: { number: 'SO-1' } });
    answering = {};
    expect(await balance('stars')).toEqual({ available: '0', pending: '6' });
    await record({ type: 'order_completed', order: { number: 'SO-1' } });
    // A review is no activity that the program knows, so its stars wait for their thirty days.
    expect(await balance('stars')).toEqual({ available: '3', pending: '3' });
  });
});

describe('an extension that replaces', () => {
  it('drops what the rules proposed, with their tags and benefits, and not what others give', async () => {
    give('first', { postings: [posting('20')] });
    give('second', { postings: [posting('5')], replace: true });
    const answer = await buy();
    expect(gave(answer)).toEqual(['EARN points 20 first APPLIED', 'EARN points 5 second APPLIED']);
    expect(outcomes(answer)).toEqual([
      ...['spend EXTENSION_REFUSED', 'grow EXTENSION_REFUSED', 'little NOT_MATCHED'],
      ...['first APPLIED', 'second APPLIED'],
    ]);
    expect(answer.activity.explanations[0].summary).toBe(
      'Spend: the extension "second" put its own in its place',
    );
    expect(answer.member).toMatchObject({ tags: [{ code: 'vip' }], tier: { code: 'bronze' } });
    const granted = await gateway.sql('select 1 from benefit_grant where tenant_id = $1', [tenant.tenantKey]);
    expect(granted).toEqual([]);
  });

  it('leaves its rules nothing of a purchase that is refunded in part', async () => {
    give('first', { postings: [posting('20')], replace: true });
    await buy('238.00', { order: { number: 'SO-1' } });
    // Of what is left "little" would give something, had it not been replaced.
    const first = await record({ type: 'refund', order: { number: 'SO-1' }, amount: money('178.50') });
    expect(gave(first)).toEqual(['REVERSE points -15 first APPLIED']);
    expect(first.activity.explanations).toMatchObject([
      { rule: null, extension: { name: 'first', version: 3 }, summary: 'first: −15 Points' },
    ]);
    const rest = await record({ type: 'refund', order: { number: 'SO-1' } });
    expect(gave(rest)).toEqual(['REVERSE points -5 first APPLIED']);
    expect(await balance()).toEqual({ available: '0', pending: '0' });
  });
});

it('a refund takes back an extension’s share in proportion, and of rules the difference', async () => {
  give('first', { postings: [posting('40')] });
  await buy('400.00', { order: { number: 'SO-1' } });
  const answer = await record({ type: 'refund', order: { number: 'SO-1' }, amount: money('100.00') });
  expect(gave(answer)).toEqual([
    'REVERSE points -100 spend APPLIED',
    'REVERSE growth -100 grow APPLIED',
    'REVERSE points -10 first APPLIED',
  ]);
  expect(await balance()).toEqual({ available: '330', pending: '0' });
});

describe.each([
  ['an asset that the program lacks', [{ asset: 'gold', amount: '1', reason: 'x' }]],
  ['an asset twice', [posting('1'), posting('2')]],
  ['more than the asset’s operations may', [posting('1001')]],
  ['a negative amount', [posting('-1')]],
  ['nothing', [posting('0')]],
  ['a number', [{ ...posting('1'), amount: 1 }]],
  ['more than 64 bits hold', [{ asset: 'growth', amount: '9223372036854775808', reason: 'x' }]],
  ['an expiry in the past', [posting('1', { expiresAt: '2026-11-20T03:59:59Z' })]],
  [
    'an expiry before it is due',
    [posting('1', { availableAt: '2026-12-02T00:00:00Z', expiresAt: '2026-12-01T00:00:00Z' })],
  ],
  ['a maturity after the asset’s expiry', [posting('1', { availableAt: '2028-01-01T00:00:00Z' })]],
  [
    'an expiry before the asset’s maturity',
    [{ asset: 'stars', amount: '1', reason: 'x', expiresAt: '2026-11-30T00:00:00Z' }],
  ],
  ['a reason that can’t be kept', [posting('1', { reason: 'a\0b' })]],
])('an answer that posts %s', (_what, postings) => {
  it('is no answer: nothing is written where it fails closed', async () => {
    give('first', { postings });
    const { userErrors } = await expectNothingWritten(gateway, () => buy());
    expect(userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE', field: null }]);
  });

  it('is as if it weren’t there where it fails open', async () => {
    give('second', { postings, replace: true });
    const answer = await buy();
    expect(gave(answer)).toEqual(['EARN points 238 spend APPLIED', 'EARN growth 238 grow APPLIED']);
  });
});

it('asked again because the program changed meanwhile, it is told the same key', async () => {
  let changes = 1;
  answering = {
    first: async () => {
      if (changes-- > 0) await applyProgram(tenant, TEA_PROGRAM.replace('gives: 1 }', 'gives: 2 }'));
      return { postings: [posting('20')] };
    },
  };
  const answer = await buy();
  expect(answer.userErrors).toEqual([]);
  expect(gave(answer)).toEqual([
    ...['EARN points 476 spend APPLIED', 'EARN growth 238 grow APPLIED', 'EARN points 20 first APPLIED'],
  ]);
  const keys = asked.filter(({ plugin: id }) => id === 'first').map(({ context }) => context.idempotencyKey);
  expect([keys.length, new Set(keys).size]).toEqual([2, 1]);
});

it('many activities recorded together are asked about one by one, as what came before left the member', async () => {
  let [now, most] = [0, 0];
  answering = {
    first: async () => {
      now += 1;
      most = Math.max(most, now);
      // The first of them wait for others, who come only where they are asked together.
      await untilHolds(() => most > 8);
      await new Promise((resolve) => setTimeout(resolve, 5));
      now -= 1;
      return { postings: [posting('1')] };
    },
  };
  const others = await Promise.all(Array.from({ length: 40 }, () => enrol(tenant)));
  const inputs = [...others, memberId, memberId, memberId].map((id) => ({
    ...{ idempotencyKey: newRequestKey(), memberId: id, type: 'purchase', amount: money('150.00') },
  }));
  const { activities } = gateway.application.services;
  const caller = { role: 'STAFF', memberKey: null, subject: 'test', expiresAt: null } as const;
  const ctx = { requestId: 'test', tenantKey: tenant.tenantKey, caller, language: 'en' } as const;
  const refusals = await activities.recordAll(ctx, inputs, { isImport: true });
  expect(refusals).toEqual(inputs.map(() => null));
  expect(most).toBeGreaterThan(8);
  expect(most).toBeLessThanOrEqual(32);
  const own = asked.filter(({ plugin: id, input }) => id === 'first' && input.member.id === memberId);
  expect(own.map(({ input: { member } }) => [member.tier.code, member.tags])).toEqual([
    ['bronze', ['vip']],
    ['bronze', ['vip', 'buyer']],
    ['silver', ['vip', 'buyer']],
  ]);
  expect(await balance()).toEqual({ available: '453', pending: '0' });
});
