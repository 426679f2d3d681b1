import { expectNothingWritten } from '../support/contents.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { execute } from '../support/typed-client.ts';
import {
  CardDocument,
  MemberByIdentityDocument,
  type RecordActivityInput,
  RecordDocument,
  type RecordMutation,
} from './generated/graphql.ts';

const NOON = '2026-11-20T12:00:00+08:00';

let gateway: TestGateway;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  await gateway.setClock(NOON);
  memberId = await enrol(gateway);
});

async function record(input: Partial<RecordActivityInput> = {}): Promise<RecordMutation['recordActivity']> {
  const member = 'identity' in input ? {} : { memberId };
  const whole = { idempotencyKey: newRequestKey(), type: 'purchase', ...member, ...input };
  return (await execute(gateway, RecordDocument, { input: whole })).recordActivity;
}

const money = (value: string, currency = 'CNY') => ({ value, currency });
const line = (value: string, currency?: string) => ({
  sku: 'TEA-01',
  category: 'tea',
  quantity: 2,
  amount: money(value, currency),
});
const refused = (code: string, field: string[]) => ({
  activity: null,
  member: null,
  operations: [],
  userErrors: [{ code, field, message: expect.any(String) }],
});

describe('a purchase', () => {
  it('gives points for tomorrow and growth for today, and says why', async () => {
    const number = newRequestKey();
    const { activity, member, operations, userErrors } = await record({
      occurredAt: '2026-11-20T11:30:00+08:00',
      amount: money('1238.50'),
      order: { number, lines: [line('1000.00'), line('238.5')] },
      source: { channel: 'POS', store: 'SH-001' },
    });
    expect(userErrors).toEqual([]);
    const rule = (code: string) => ({ rule: { code, version: 1 }, extension: null, outcome: 'APPLIED' });
    const points = { ...rule('purchase-points'), summary: '消费积分：+120 积分' };
    const growth = { ...rule('purchase-growth'), summary: '消费成长值：+1238 成长值' };
    expect(activity).toEqual({
      id: expect.stringMatching(/^act_/),
      type: 'purchase',
      amount: money('1238.50'),
      order: { number, lines: [line('1000.00'), line('238.50')] },
      source: { channel: 'POS', store: 'SH-001' },
      occurredAt: '2026-11-20T03:30:00.000Z',
      recordedAt: expect.stringMatching(/^2026-11-20T04:00:/),
      explanations: [points, growth],
    });
    expect(member).toMatchObject({
      id: memberId,
      tier: { code: 'silver' },
      ledger: { balance: { available: '1238' } },
    });
    expect(operations).toMatchObject([
      {
        kind: 'EARN',
        reason: 'purchase',
        reference: { type: 'order', id: number },
        explanation: points,
        entries: [
          {
            amount: '120',
            pendingDelta: '120',
            postedDelta: '0',
            availableAt: '2026-11-20T16:00:00.000Z',
            occurredAt: '2026-11-20T03:30:00.000Z',
          },
        ],
      },
      {
        kind: 'EARN',
        explanation: growth,
        entries: [{ amount: '1238', pendingDelta: '0', postedDelta: '1238', expiresAt: null }],
      },
    ]);
  });

  it.each([
    ['99.99', ['ZERO', 'APPLIED'], ['99']],
    ['0.99', ['ZERO', 'ZERO'], []],
    ['0.00', ['ZERO', 'ZERO'], []],
  ])('of %s is explained where it gives nothing', async (value, outcomes, amounts) => {
    const { activity, operations } = await record({ amount: money(value) });
    expect(activity?.explanations.map(({ outcome }) => outcome)).toEqual(outcomes);
    expect(activity?.explanations[0]?.summary).toBe('消费积分：金额未达到要求');
    expect(operations.map(({ entries }) => entries[0]?.amount)).toEqual(amounts);
  });

  it('of days ago counts from then: what is due by now is posted at once', async () => {
    const { operations } = await record({ amount: money('200'), occurredAt: '2026-11-18T23:59:59+08:00' });
    expect(operations[0]?.entries).toMatchObject([
      {
        amount: '20',
        postedDelta: '20',
        pendingDelta: '0',
        availableAt: '2026-11-18T16:00:00.000Z',
        expiresAt: '2027-11-30T16:00:00.000Z',
      },
    ]);
    const { operations: next } = await record({
      amount: money('200'),
      occurredAt: '2026-11-19T00:00:00+08:00',
    });
    expect(next[0]?.entries).toMatchObject([{ availableAt: '2026-11-19T16:00:00.000Z', postedDelta: '20' }]);
  });

  it('finds its member by any spelling of an identity', async () => {
    const id = await enrol(gateway, { identities: [{ kind: 'PHONE', value: '+8613800138000' }] });
    const { member } = await record({ identity: { kind: 'PHONE', value: '+86 138 0013 8000' } });
    expect(member?.id).toBe(id);
  });
});

it('an activity that no rule answers to is kept all the same', async () => {
  const { activity, operations, userErrors } = await record({ type: 'visit' });
  expect(userErrors).toEqual([]);
  expect(operations).toEqual([]);
  expect(activity).toMatchObject({ type: 'visit', amount: null, order: null, explanations: [] });
  expect(activity?.occurredAt).toBe(activity?.recordedAt);
});

describe('an unknown identity', () => {
  it('is refused', async () => {
    const answer = await expectNothingWritten(gateway, () => record({ identity: newIdentity() }));
    expect(answer).toEqual(refused('MEMBER_NOT_FOUND', ['identity']));
  });

  it('is enrolled where that is asked for, with all that enrolling gives', async () => {
    const identity = newIdentity();
    const { member, operations, userErrors } = await record({
      identity,
      enrolIfUnknown: true,
      amount: money('100'),
    });
    expect(userErrors).toEqual([]);
    expect(
      operations.map(({ reason, entries }) => [reason, entries[0]?.asset.code, entries[0]?.amount]),
    ).toEqual([
      ['enrolment', 'points', '100'],
      ['enrolment', 'token', '10'],
      ['purchase', 'points', '10'],
      ['purchase', 'growth', '100'],
    ]);
    const found = await execute(gateway, MemberByIdentityDocument, { identity });
    expect(found.memberByIdentity).toMatchObject({
      id: member?.id,
      identities: [{ ...identity, verified: false }],
    });
    const again = await record({ identity, enrolIfUnknown: true, amount: money('100') });
    expect(again.member?.id).toBe(member?.id);
    expect(again.operations).toHaveLength(2);
  });

  it('is enrolled once, however many bring it at once', async () => {
    const identity = newIdentity();
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => record({ identity, enrolIfUnknown: true, amount: money('100') })),
    );
    expect(answers.flatMap(({ userErrors }) => userErrors)).toEqual([]);
    const [id, ...others] = new Set(answers.map(({ member }) => member?.id));
    expect(others).toEqual([]);
    const { member } = await execute(gateway, CardDocument, { id: id ?? '', soon: 'P1D' });
    expect(member?.ledger?.balance).toEqual({ available: '100', pending: '60', held: '0' });
  });
});

describe('an order', () => {
  it('counts once for its type', async () => {
    const order = { number: newRequestKey() };
    await record({ order, amount: money('100') });
    const other = await enrol(gateway);
    for (const memberId of [undefined, other]) {
      const again = await expectNothingWritten(gateway, () =>
        record({ order, amount: money('100'), ...(memberId === undefined ? {} : { memberId }) }),
      );
      expect(again).toEqual(refused('DUPLICATE_ORDER', ['order', 'number']));
    }
    expect((await record({ type: 'share', order })).userErrors).toEqual([]);
  });

  it('counts once, however many report it at once', async () => {
    const order = { number: newRequestKey() };
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => record({ order, amount: money('100') })),
    );
    expect(answers.filter(({ activity }) => activity !== null)).toHaveLength(1);
    const codes = answers.flatMap(({ userErrors }) => userErrors.map(({ code }) => code));
    expect(codes).toEqual(Array(5).fill('DUPLICATE_ORDER'));
  });

  it('may come without lines', async () => {
    const number = newRequestKey();
    expect((await record({ order: { number } })).activity?.order).toEqual({ number, lines: [] });
  });
});

const lines = (count: number) => Array.from({ length: count }, () => line('0'));

it.each<[string, Partial<RecordActivityInput>, string[], string]>([
  ['another currency', { amount: money('1', 'EUR') }, ['amount', 'currency'], 'CURRENCY_MISMATCH'],
  [
    'another currency in a line',
    { amount: money('1'), order: { number: '1', lines: [line('1', 'JPY')] } },
    ['order', 'lines', '0', 'amount', 'currency'],
    'CURRENCY_MISMATCH',
  ],
  ['a part of a cent', { amount: money('1.001') }, ['amount', 'value'], 'MONEY_INVALID'],
  ['less than nothing', { amount: money('-1') }, ['amount', 'value'], 'MONEY_INVALID'],
  [
    'lines that come to less',
    { amount: money('238'), order: { number: '1', lines: [line('237.99')] } },
    ['order', 'lines'],
    'ORDER_TOTAL_MISMATCH',
  ],
  [
    'lines without an amount',
    { order: { number: '1', lines: [line('1')] } },
    ['order', 'lines'],
    'ORDER_TOTAL_MISMATCH',
  ],
  ['an order without a number', { order: { number: '' } }, ['order', 'number'], 'ORDER_INVALID'],
  [
    '501 lines',
    { amount: money('0'), order: { number: '1', lines: lines(501) } },
    ['order', 'lines'],
    'ORDER_INVALID',
  ],
  [
    'a line of nothing',
    { amount: money('0'), order: { number: '1', lines: [{ ...line('0'), quantity: 0 }] } },
    ['order', 'lines', '0'],
    'ORDER_INVALID',
  ],
  [
    'a moment 5 minutes and a bit ahead',
    { occurredAt: '2026-11-20T12:06:00+08:00' },
    ['occurredAt'],
    'OCCURRED_IN_FUTURE',
  ],
  ['the far future', { occurredAt: '9999-12-31T23:59:59Z' }, ['occurredAt'], 'OCCURRED_IN_FUTURE'],
  ['more than 90 days ago', { occurredAt: '2026-08-22T12:00:00+08:00' }, ['occurredAt'], 'OCCURRED_TOO_OLD'],
  ['the year 1', { occurredAt: '0001-01-01T00:00:00Z' }, ['occurredAt'], 'OCCURRED_TOO_OLD'],
  ['nobody', { memberId: null }, ['memberId'], 'MEMBER_OR_IDENTITY'],
  ['an id that is none', { memberId: 'mem_1' }, ['memberId'], 'MEMBER_NOT_FOUND'],
  [
    'an invalid phone',
    { identity: { kind: 'PHONE', value: '12' }, enrolIfUnknown: true },
    ['identity', 'value'],
    'IDENTITY_INVALID',
  ],
  ['a refund of nothing', { type: 'refund' }, ['refundOf'], 'REFUND_OF_REQUIRED'],
  ['a change of tier', { type: 'tier_change' }, ['type'], 'ACTIVITY_TYPE_RESERVED'],
  ['an enrolment', { type: 'enrolment' }, ['type'], 'ACTIVITY_TYPE_RESERVED'],
  ['a type that is no code', { type: 'Sign In' }, ['type'], 'ACTIVITY_TYPE_INVALID'],
  ['a long store', { source: { store: 'x'.repeat(65) } }, ['source', 'store'], 'TEXT_TOO_LONG'],
])('%s is refused', async (_, input, field, code) => {
  expect(await expectNothingWritten(gateway, () => record(input))).toEqual(refused(code, field));
});

it('names the member once: by id or by identity', async () => {
  const answer = await record({ memberId, identity: { kind: 'EXTERNAL', value: 'demo-member' } });
  expect(answer).toEqual(refused('MEMBER_OR_IDENTITY', ['memberId']));
});

it('takes moments up to 5 minutes ahead and 90 days back', async () => {
  for (const occurredAt of ['2026-11-20T12:05:00+08:00', '2026-08-22T12:05:00+08:00']) {
    expect((await record({ occurredAt })).userErrors).toEqual([]);
  }
});
