import { exampleText } from '../ledger/programs.ts';
import { auditLedgers } from '../support/audit.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { applyProgram, demoWithRules, points } from '../support/programs.ts';

const NOON = '2026-11-20T12:00:00+08:00';

const RECORD = `mutation Record($input: RecordActivityInput!) {
  recordActivity(input: $input) {
    activity {
      id type amount { value } refunded { value } refundOf { id order { number } }
      explanations { rule { code version } outcome summary }
    }
    member { id tags { code } tier { code } }
    operations {
      id kind reference { id } explanation { rule { code } outcome summary }
      entries { asset { code } amount postedDelta pendingDelta }
    }
    userErrors { code field message }
  }
}`;
const CARD = `query Card($id: ID!) {
  member(id: $id) {
    tier { code }
    tierStatus { progress { current } }
    points: ledger(asset: "points") { balance { available pending } version }
    growth: ledger(asset: "growth") { balance { available } }
    grants(first: 10) { edges { node { status benefit { code } } } }
    activities(first: 10) { edges { node { type refunded { value } } } }
  }
}`;

let gateway: TestGateway;
let memberId: string;
let order: string;

beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});
beforeEach(async () => {
  await gateway.setClock(NOON);
  memberId = await enrol(gateway);
  order = newRequestKey();
});

async function record(input: Record<string, unknown>) {
  const whole = { idempotencyKey: newRequestKey(), ...input };
  const { data, errors } = await gateway.ask(RECORD, { input: whole });
  expect(errors).toEqual([]);
  return data.recordActivity;
}

async function card() {
  return (await gateway.ask(CARD, { id: memberId })).data.member;
}

const money = (value: string) => ({ value, currency: 'CNY' });
const line = (sku: string, quantity: number, value: string) => ({ sku, quantity, amount: money(value) });

async function buy(value: string, lines?: object[]) {
  return await record({ memberId, type: 'purchase', amount: money(value), order: { number: order, lines } });
}

/** A refund of the order; all that is left when nothing else is said. */
async function refund(rest: Record<string, unknown> = {}) {
  return await record({ type: 'refund', order: { number: order }, ...rest });
}

/** What the operations did to each asset. */
const deltas = ({ operations }: Json): [asset: string, amount: string][] =>
  operations.flatMap(({ entries }: Json) => entries.map(({ asset, amount }: Json) => [asset.code, amount]));
const balances = async () => {
  const { points, growth } = await card();
  return [points.balance.available, points.balance.pending, growth.balance.available];
};

describe('a refund of a whole order', () => {
  it('takes back what it gave, the pending part from what is pending, and says why', async () => {
    const { activity: purchase } = await buy('238.00');
    const answer = await refund();
    expect(answer).toMatchObject({
      activity: {
        type: 'refund',
        amount: { value: '238.00' },
        refundOf: { id: purchase.id, order: { number: order } },
        explanations: [
          {
            rule: { code: 'purchase-points', version: 1 },
            outcome: 'APPLIED',
            summary: '消费积分：−20 积分',
          },
          { rule: { code: 'purchase-growth' }, outcome: 'APPLIED', summary: '消费成长值：−238 成长值' },
        ],
      },
      member: { id: memberId },
      userErrors: [],
    });
    expect(answer.operations.map(({ kind }: { kind: string }) => kind)).toEqual(['REVERSE', 'REVERSE']);
    expect(answer.operations[0]).toMatchObject({ reference: { id: order } });
    expect(deltas(answer).sort()).toEqual([
      ['growth', '-238'],
      ['points', '-20'],
    ]);
    expect(await balances()).toEqual(['100', '0', '0']);
    expect((await card()).activities.edges).toEqual([
      { node: { type: 'refund', refunded: { value: '0.00' } } },
      { node: { type: 'purchase', refunded: { value: '238.00' } } },
    ]);
  });

  it('takes back what fell due meanwhile', async () => {
    await buy('238.00');
    await gateway.setClock('2026-11-21T12:00:00+08:00');
    expect(await balances()).toEqual(['120', '0', '238']);
    await refund();
    expect(await balances()).toEqual(['100', '0', '0']);
  });

  it('happens once, however often it is asked for', async () => {
    await buy('238.00');
    const answers = await Promise.all(Array.from({ length: 20 }, () => refund()));
    const codes = answers.map(({ userErrors }) => userErrors[0]?.code ?? 'done');
    expect(codes.filter((code) => code === 'done')).toHaveLength(1);
    expect(new Set(codes)).toEqual(new Set(['done', 'REFUND_EXCEEDS_ORDER']));
    expect(await balances()).toEqual(['100', '0', '0']);
  });

  it('is replayed by its key', async () => {
    await buy('238.00');
    const idempotencyKey = newRequestKey();
    const first = await refund({ idempotencyKey });
    expect(await refund({ idempotencyKey })).toEqual(first);
    expect((await refund({ idempotencyKey, amount: money('1.00') })).userErrors).toMatchObject([
      { code: 'IDEMPOTENCY_CONFLICT' },
    ]);
  });

  it('of which the points are spent takes what there is, and no more', async () => {
    await buy('1000.00');
    await gateway.setClock('2026-11-21T12:00:00+08:00');
    const redeem = `mutation($input: RedeemPointsInput!) { redeemPoints(input: $input) { userErrors { code } } }`;
    const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: '150' };
    expect((await gateway.ask(redeem, { input })).data.redeemPoints.userErrors).toEqual([]);
    const answer = await refund();
    expect(deltas(answer)).toContainEqual(['points', '-50']);
    expect(await balances()).toEqual(['0', '0', '0']);
    // The explanations say what was taken, not what was wanted.
    expect(answer.activity.explanations[0].summary).toBe('消费积分：−50 积分');
    const summaries = answer.operations.map(({ explanation }: Json) => explanation.summary);
    expect(summaries).toContain('消费积分：−50 积分');
  });

  it('of which the points have expired takes them from nobody else', async () => {
    await buy('1000.00');
    await gateway.setClock('2027-11-30T23:59:59+08:00');
    const earn = `mutation($input: EarnPointsInput!) { earnPoints(input: $input) { userErrors { code } } }`;
    await gateway.ask(earn, {
      input: { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: '70' },
    });
    await gateway.setClock('2027-12-01T00:00:01+08:00');
    const { data } = await gateway.ask(
      `query($id: ID!) { member(id: $id) { activities(first: 1, type: "purchase") { edges { node { id } } } } }`,
      { id: memberId },
    );
    const answer = await record({ type: 'refund', refundOf: data.member.activities.edges[0].node.id });
    expect(answer.userErrors).toEqual([]);
    expect(deltas(answer)).toEqual([['growth', '-1000']]);
    expect(await balances()).toEqual(['70', '0', '0']);
  });
});

describe('a refund in parts', () => {
  it.each([
    ['138.00', '-10', '100.00'],
    ['138.01', '-20', '99.99'],
    ['38.00', 'nothing', '200.00'],
    ['38.01', '-10', '199.99'],
  ])('of %s takes back the difference to what %s gives for the rest', async (amount, points) => {
    await buy('238.00');
    const answer = await refund({ amount: money(amount) });
    expect(Object.fromEntries(deltas(answer)).points ?? 'nothing').toBe(points);
    expect(answer.activity.amount.value).toBe(amount);
  });

  it('goes on up to the whole, and comes to the same', async () => {
    await buy('238.00');
    for (const part of ['50.00', '88.00', '0.01']) {
      expect((await refund({ amount: money(part) })).userErrors).toEqual([]);
    }
    expect((await refund({ amount: money('100.00') })).userErrors).toMatchObject([
      { code: 'REFUND_EXCEEDS_ORDER', field: ['amount'] },
    ]);
    expect((await refund()).activity.amount.value).toBe('99.99');
    expect(await balances()).toEqual(['100', '0', '0']);
  });

  it('names lines, and each piece comes back once', async () => {
    await buy('300.00', [line('TEA', 2, '200.00'), line('CUP', 1, '100.00')]);
    const one = await refund({ order: { number: order, lines: [line('TEA', 1, '100.00')] } });
    expect(one.activity.amount.value).toBe('100.00');
    expect(deltas(one).sort()).toEqual([
      ['growth', '-100'],
      ['points', '-10'],
    ]);
    const tooMany = await refund({ order: { number: order, lines: [line('TEA', 2, '100.00')] } });
    expect(tooMany.userErrors).toMatchObject([
      { code: 'REFUND_EXCEEDS_ORDER', field: ['order', 'lines', '0'] },
    ]);
    const other = await refund({ order: { number: order, lines: [line('POT', 1, '1.00')] } });
    expect(other.userErrors).toMatchObject([{ code: 'REFUND_LINE_UNKNOWN', field: ['order', 'lines', '0'] }]);
    const odd = { amount: money('99.00'), order: { number: order, lines: [line('CUP', 1, '100.00')] } };
    expect((await refund(odd)).userErrors).toMatchObject([{ code: 'ORDER_TOTAL_MISMATCH' }]);
    expect((await refund()).activity.amount.value).toBe('200.00');
  });

  it('never takes more than there is, when many come at once', async () => {
    await buy('1000.00');
    const answers = await Promise.all(Array.from({ length: 30 }, () => refund({ amount: money('50.00') })));
    expect(answers.filter(({ userErrors }) => userErrors.length === 0)).toHaveLength(20);
    expect(await balances()).toEqual(['100', '0', '0']);
  });
});

describe('a refund', () => {
  it('lowers no tier at once, and the metric on the day of its purchase', async () => {
    await buy('600.00');
    expect(await card()).toMatchObject({ tier: { code: 'silver' } });
    await gateway.setClock('2026-11-25T12:00:00+08:00');
    await refund({ amount: money('500.00') });
    expect(await card()).toMatchObject({
      tier: { code: 'silver' },
      tierStatus: { progress: { current: '100' } },
    });
  });

  it.each([
    ['nothing is named', { order: undefined }, 'REFUND_OF_REQUIRED', ['refundOf']],
    ['no such order', { order: { number: 'nowhere' } }, 'REFUND_OF_UNKNOWN', ['order', 'number']],
    ['no such activity', { refundOf: 'act_1' }, 'REFUND_OF_UNKNOWN', ['refundOf']],
    ['more than was paid', { amount: money('238.01') }, 'REFUND_EXCEEDS_ORDER', ['amount']],
    ['nothing', { amount: money('0.00') }, 'REFUND_EMPTY', ['amount']],
    ['less than nothing', { amount: money('-1.00') }, 'MONEY_INVALID', ['amount', 'value']],
    [
      'another currency',
      { amount: { value: '1.00', currency: 'USD' } },
      'CURRENCY_MISMATCH',
      ['amount', 'currency'],
    ],
    ['the far future', { occurredAt: '2030-01-01T00:00:00Z' }, 'OCCURRED_IN_FUTURE', ['occurredAt']],
  ])('is refused when it says %s', async (_what, rest, code, field) => {
    await buy('238.00');
    const before = await balances();
    expect((await refund(rest)).userErrors).toEqual([{ code, field, message: expect.any(String) }]);
    expect(await balances()).toEqual(before);
  });

  it('is refused for another member’s order, and for what is no purchase', async () => {
    const { activity } = await buy('238.00');
    const stranger = await enrol(gateway);
    expect((await refund({ memberId: stranger })).userErrors).toMatchObject([{ code: 'REFUND_OF_UNKNOWN' }]);
    expect((await refund({ memberId })).userErrors).toEqual([]);
    const own = await record({ type: 'refund', refundOf: activity.id });
    expect(own.userErrors).toMatchObject([{ code: 'REFUND_EXCEEDS_ORDER' }]);
    const { activity: visit } = await record({ memberId, type: 'sign_in' });
    const none = await record({ type: 'refund', refundOf: visit.id });
    expect(none.userErrors).toMatchObject([{ code: 'NOT_REFUNDABLE', field: ['refundOf'] }]);
  });

  it('in a dry run is told and not done', async () => {
    await buy('238.00');
    expect(deltas(await refund({ dryRun: true }))).toHaveLength(2);
    expect(await balances()).toEqual(['100', '20', '238']);
    expect((await refund()).userErrors).toEqual([]);
  });
});

describe('under the program of the purchase', () => {
  const TEA = 'sum(order.lines.filter(l, l.sku == "TEA").map(l, l.amount)) / 100';
  const size = { trigger: 'purchase', exclusive: 'size' };
  const RULES = [
    {
      ...{ code: 'tea', trigger: 'purchase', when: '"vip" in member.tags', grants: ['birthday-gift'] },
      ...points({ expression: TEA }),
    },
    { code: 'size', ...size, when: 'order.total >= 20000', ...points(100, 'token') },
    { code: 'small', ...size, ...points(40, 'token') },
    { code: 'sorry', trigger: 'refund', tags: { add: ['returner'] } },
  ];
  const tags = `mutation($input: ChangeTagsInput!) { changeTags(input: $input) { userErrors { code } } }`;
  beforeEach(async () => {
    await applyProgram(gateway, demoWithRules(RULES));
    memberId = await enrol(gateway, { tags: ['vip'] });
  });
  afterEach(() => applyProgram(gateway, exampleText('demo')));

  const bought = () => buy('300.00', [line('TEA', 2, '200.00'), line('CUP', 1, '100.00')]);

  it('what remains is asked about with what was known then', async () => {
    await bought();
    const input = { idempotencyKey: newRequestKey(), memberId, remove: ['vip'] };
    expect((await gateway.ask(tags, { input })).data.changeTags.userErrors).toEqual([]);
    await applyProgram(gateway, exampleText('demo'));
    const answer = await refund({ order: { number: order, lines: [line('TEA', 1, '100.00')] } });
    expect(deltas(answer)).toEqual([['points', '-100']]);
    expect(answer.activity.explanations).toMatchObject([
      { rule: { code: 'tea' }, outcome: 'APPLIED' },
      { rule: { code: 'size' }, outcome: 'ZERO' },
    ]);
  });

  it('another rule of the group keeps what it gives for the rest', async () => {
    await bought();
    const answer = await refund({
      order: { number: order, lines: [line('CUP', 1, '100.00'), line('TEA', 1, '50.00')] },
    });
    expect(deltas(answer).sort()).toEqual([
      ['points', '-50'],
      ['token', '-60'],
    ]);
  });

  it('rules for refunds see the refund: its amount, its moment, the tier that is held', async () => {
    const seen = 'activity.amount == 6000 && activity.localDate == "2026-11-20" && tier.code == "bronze"';
    const rules = [{ code: 'seen', trigger: 'refund', when: seen, tags: { add: ['seen'] } }];
    await applyProgram(gateway, demoWithRules([...RULES, ...rules]));
    await bought();
    const other = await refund({ amount: money('59.00') });
    expect(other.member.tags).toEqual([{ code: 'vip' }, { code: 'returner' }]);
    const answer = await refund({ amount: money('60.00') });
    expect(answer.member.tags).toContainEqual({ code: 'seen' });
  });

  it('unused grants go when their rule gives nothing any more, and rules for refunds may tag', async () => {
    await bought();
    expect((await card()).grants.edges).toMatchObject([{ node: { status: 'AVAILABLE' } }]);
    const part = await refund({ amount: money('1.00') });
    expect(part.member.tags).toEqual([{ code: 'vip' }, { code: 'returner' }]);
    expect((await card()).grants.edges).toMatchObject([{ node: { status: 'AVAILABLE' } }]);
    await refund();
    expect((await card()).grants.edges).toMatchObject([{ node: { status: 'REVOKED' } }]);
  });
});
