import { auditLedgers } from '../support/audit.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { applyProgram, demoWithRules, points } from '../support/programs.ts';

const NOON = '2026-11-20T12:00:00+08:00';

const RECORD = `mutation Record($input: RecordActivityInput!) {
  recordActivity(input: $input) {
    activity { id type explanations { rule { code version } outcome summary } }
    member { id tags { code } tier { code } }
    operations { kind entries { asset { code } amount balanceAfter } explanation { outcome summary } }
    userErrors { code field message }
  }
}`;
const CARD = `query Card($id: ID!) {
  member(id: $id) {
    tags { code }
    points: ledger(asset: "points") { balance { available pending } version }
    growth: ledger(asset: "growth") { balance { available } }
    grants(first: 10) { edges { node { status source reason benefit { code } } } }
    activities(first: 10) { edges { node { type } } }
  }
}`;

let gateway: TestGateway;
let memberId: string;

beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

async function record(input: Record<string, unknown>) {
  const member = 'identity' in input ? {} : { memberId };
  const whole = { idempotencyKey: newRequestKey(), ...member, ...input };
  const { data, errors } = await gateway.ask(RECORD, { input: whole });
  expect(errors).toEqual([]);
  return data.recordActivity;
}

async function card() {
  return (await gateway.ask(CARD, { id: memberId })).data.member;
}

const outcomesOf = (answer: { activity: { explanations: { rule: { code: string }; outcome: string }[] } }) =>
  Object.fromEntries(answer.activity.explanations.map(({ rule, outcome }) => [rule.code, outcome]));
const pointsOf = (answer: { operations: { entries: { amount: string }[] }[] }) =>
  answer.operations.flatMap(({ entries }) => entries.map(({ amount }) => Number(amount)));
const sum = (amounts: readonly number[]) => amounts.reduce((total, amount) => total + amount, 0);
const money = (value: string) => ({ value, currency: 'CNY' });

describe('the first sign-in of a local day', () => {
  beforeEach(async () => {
    await gateway.setClock(NOON);
    memberId = await enrol(gateway);
  });

  it('gives 2 points once, under 100 calls at once', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => record({ type: 'sign_in' })));
    expect(answers.filter((answer) => pointsOf(answer).length > 0).map(pointsOf)).toEqual([[2]]);
    expect(answers.filter((answer) => outcomesOf(answer)['daily-sign-in'] === 'CAPPED')).toHaveLength(99);
    expect((await card()).points).toEqual({ balance: { available: '102', pending: '0' }, version: '2' });
  });

  it('is counted by the tenant’s midnight', async () => {
    await gateway.setClock('2026-11-20T23:59:00+08:00');
    const lastSecond = { type: 'sign_in', occurredAt: '2026-11-20T23:59:59+08:00' };
    expect(pointsOf(await record(lastSecond))).toEqual([2]);
    await gateway.setClock('2026-11-21T00:00:01+08:00');
    const again = await record({ type: 'sign_in' });
    expect(pointsOf(again)).toEqual([2]);
    expect(pointsOf(await record({ type: 'sign_in' }))).toEqual([]);
  });

  it('is that of the day on which it happened, even when it is told later', async () => {
    const yesterday = '2026-11-19T08:00:00+08:00';
    expect(pointsOf(await record({ type: 'sign_in', occurredAt: yesterday }))).toEqual([2]);
    expect(pointsOf(await record({ type: 'sign_in' }))).toEqual([2]);
    expect(pointsOf(await record({ type: 'sign_in', occurredAt: yesterday }))).toEqual([]);
  });

  it('is each member’s own', async () => {
    await record({ type: 'sign_in' });
    memberId = await enrol(gateway);
    expect(pointsOf(await record({ type: 'sign_in' }))).toEqual([2]);
  });

  it('isn’t used up by a dry run, nor by a replay', async () => {
    const input = { type: 'sign_in', idempotencyKey: newRequestKey() };
    expect(pointsOf(await record({ ...input, dryRun: true }))).toEqual([2]);
    expect(pointsOf(await record(input))).toEqual([2]);
    expect(pointsOf(await record(input))).toEqual([2]);
    expect((await card()).points.balance.available).toBe('102');
  });
});

describe('caps', () => {
  const cap = (per: string, window: string, most: number) => ({ asset: 'points', per, window, most });
  const LIMITED = [
    { code: 'capped', trigger: 'share', caps: [cap('member', 'day', 95)], ...points(10) },
    { code: 'budget', trigger: 'review', caps: [cap('program', 'lifetime', 123)], ...points(10) },
    {
      ...{ code: 'both', trigger: 'invite', once: { per: 'member', window: 'week' } },
      ...{ caps: [cap('program', 'month', 30)], ...points(10) },
    },
  ];
  beforeAll(async () => {
    await gateway.setClock(NOON);
    await applyProgram(gateway, demoWithRules(LIMITED));
  });
  beforeEach(async () => {
    await gateway.setClock(NOON);
    memberId = await enrol(gateway);
  });

  it('of a member hold under 500 activities at once, to the last point', async () => {
    const answers = await Promise.all(Array.from({ length: 500 }, () => record({ type: 'share' })));
    expect(sum(answers.flatMap(pointsOf))).toBe(95);
    const outcomes = Map.groupBy(answers, (answer) => outcomesOf(answer).capped);
    expect(outcomes.get('APPLIED')).toHaveLength(9);
    expect(outcomes.get('CAPPED')).toHaveLength(491);
    expect((await card()).points.balance.available).toBe('95');
    const [{ used }] = await gateway.sql(`select used from limit_counter where subject like 'rule:capped:%'`);
    expect(used).toBe('95');
  });

  it('of the program hold over all members, and say that the budget is spent', async () => {
    const members = await Promise.all(Array.from({ length: 40 }, () => enrol(gateway)));
    const answers = await Promise.all(
      members.map((id) => record({ memberId: id, identity: undefined, type: 'review' })),
    );
    expect(sum(answers.flatMap(pointsOf))).toBe(123);
    const outcomes = Map.groupBy(answers, (answer) => outcomesOf(answer).budget);
    expect([...outcomes].map(([outcome, all]) => [outcome, all.length]).sort()).toEqual([
      ['APPLIED', 12],
      ['BUDGET_EXHAUSTED', 27],
      ['CAPPED', 1],
    ]);
  });

  it('begin anew with the next window of the tenant’s calendar', async () => {
    const first = await Promise.all(Array.from({ length: 4 }, () => record({ type: 'invite' })));
    expect(sum(first.flatMap(pointsOf))).toBe(10);
    // 20 November 2026 is a Friday: the week ends on Sunday.
    await gateway.setClock('2026-11-22T23:59:00+08:00');
    expect(pointsOf(await record({ type: 'invite' }))).toEqual([]);
    await gateway.setClock('2026-11-23T00:00:01+08:00');
    expect(pointsOf(await record({ type: 'invite' }))).toEqual([10]);
    await gateway.setClock('2026-11-30T00:00:01+08:00');
    expect(pointsOf(await record({ type: 'invite' }))).toEqual([10]);
    memberId = await enrol(gateway);
    expect(outcomesOf(await record({ type: 'invite' }))).toEqual({ both: 'BUDGET_EXHAUSTED' });
    await gateway.setClock('2026-12-01T00:00:01+08:00');
    expect(pointsOf(await record({ type: 'invite' }))).toEqual([10]);
  });
});

describe('what rules do besides', () => {
  const IS_TEA = 'l.category == "tea"';
  const EFFECTS = [
    {
      ...{ code: 'bonus', trigger: 'enrolment', when: 'member.channel == "POS"' },
      ...{ once: { per: 'member', window: 'lifetime' }, tags: { add: ['pos'] }, ...points(5) },
    },
    {
      ...{ code: 'tea', trigger: 'purchase', when: `order.lines.exists(l, ${IS_TEA})` },
      ...points({ expression: `mulDiv(sum(order.lines.filter(l, ${IS_TEA}).map(l, l.amount)), 1, 100)` }),
      tags: { add: ['tea-lover'], remove: ['newcomer'] },
    },
    { code: 'gift', trigger: 'review', grants: ['birthday-gift'] },
    { code: 'double', trigger: 'purchase', exclusive: 'extra', when: 'tier.rank >= 2', ...points(200) },
    { code: 'single', trigger: 'purchase', exclusive: 'extra', ...points(100) },
    { code: 'growth', trigger: 'purchase', ...points({ each: '1.00', gives: 1 }, 'growth') },
  ];
  beforeAll(async () => {
    await gateway.setClock(NOON);
    await applyProgram(gateway, demoWithRules(EFFECTS));
  });
  beforeEach(async () => {
    await gateway.setClock(NOON);
    memberId = await enrol(gateway, { tags: ['newcomer'] });
  });

  const lines = (tea: string, ware: string) => [
    { sku: 'TEA', category: 'tea', quantity: 1, amount: money(tea) },
    { sku: 'CUP', category: 'ware', quantity: 1, amount: money(ware) },
  ];

  it('tags, and takes tags away', async () => {
    const order = { number: newRequestKey(), lines: lines('60.00', '40.00') };
    const answer = await record({ type: 'purchase', amount: money('100.00'), order });
    expect(answer.member.tags).toEqual([{ code: 'tea-lover' }]);
    expect((await card()).tags).toEqual([{ code: 'tea-lover' }]);
    expect(pointsOf(answer)).toEqual([60, 100, 100]);
    expect(outcomesOf(answer)).toEqual({
      tea: 'APPLIED',
      double: 'NOT_MATCHED',
      single: 'APPLIED',
      growth: 'APPLIED',
    });
  });

  it('grants benefits', async () => {
    expect(outcomesOf(await record({ type: 'review' }))).toEqual({ gift: 'APPLIED' });
    expect((await card()).grants.edges).toEqual([
      { node: { status: 'AVAILABLE', source: 'RULE', reason: 'review', benefit: { code: 'birthday-gift' } } },
    ]);
  });

  it('looks at the tier that is held when it is asked', async () => {
    const number = () => ({ number: newRequestKey(), lines: lines('0.00', '500.00') });
    const first = await record({ type: 'purchase', amount: money('500.00'), order: number() });
    expect(outcomesOf(first)).toMatchObject({ double: 'NOT_MATCHED', single: 'APPLIED' });
    expect(first.member.tier).toEqual({ code: 'silver' });
    const second = await record({ type: 'purchase', amount: money('500.00'), order: number() });
    expect(outcomesOf(second)).toMatchObject({ double: 'APPLIED', single: 'NOT_MATCHED' });
  });

  it('is done for who enrols, too, as their data say', async () => {
    memberId = await enrol(gateway, { source: { channel: 'POS' } });
    expect((await card()).tags).toEqual([{ code: 'pos' }]);
    expect((await card()).points.balance.available).toBe('5');
    const identity = newIdentity();
    const answer = await record({
      type: 'visit',
      identity,
      enrolIfUnknown: true,
      source: { channel: 'POS' },
    });
    expect(answer.operations).toMatchObject([{ entries: [{ asset: { code: 'points' }, amount: '5' }] }]);
  });

  it('leaves the ledgers in order', async () => {
    expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  });
});
