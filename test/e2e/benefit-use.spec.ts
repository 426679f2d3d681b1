import {
  answers,
  benefitRule,
  benefitUse,
  type CallContext,
  definePlugin,
} from '../../src/extension/index.ts';
import { acting, NOON, PROGRAM } from '../benefits/acting.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';

// What is asked last before a use of a benefit is booked.

/** What was asked, in order, and what each of them answers; it approves when missing. */
const asked: { by: string; point: string; input: Json; mode: CallContext['mode'] }[] = [];
const ways = new Map<string, () => Json>();
/** Runs while a plugin is asked. */
let meanwhile: () => Promise<void> = async () => undefined;

function answerer(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  const told = (point: string, neutral: Json) => async (input: Json, context: CallContext) => {
    asked.push({ by: id, point, input, mode: context.mode });
    await meanwhile();
    return (ways.get(`${id} ${point}`) ?? (() => neutral))();
  };
  return definePlugin({
    ...{ id, version: 1, description: 'Does what a test says.', priority, onFailure, deadlineMs: 10_000 },
    answers: [
      answers(benefitRule, told('benefit.rule', { eligible: true })),
      answers(benefitUse, told('benefit.use', { decision: 'APPROVE' })),
    ],
  });
}

let gateway: TestGateway;
let memberId: string;
let grantId: string;
beforeAll(async () => {
  gateway = await startTestGateway({
    plugins: [answerer('strict', 20, 'FAIL_CLOSED'), answerer('lax', 10, 'FAIL_OPEN')],
  });
  await gateway.application.services.programs.apply(gateway.tenantKey, PROGRAM, 'a test');
});
afterAll(() => gateway.close());
beforeEach(async () => {
  ways.clear();
  meanwhile = async () => undefined;
  await gateway.setClock(NOON);
  memberId = await enrol(gateway);
  grantId = (await done('grantBenefit', { memberId, benefit: 'tea' })).grant.id;
  asked.length = 0;
});

const { done, send } = acting(() => gateway);

async function refusalOf(input: Json): Promise<Json> {
  const { use, userErrors } = await expectNothingWritten(gateway, () => send('useBenefit', input));
  expect(use).toBeNull();
  return userErrors;
}

it('is asked about after benefit.rule, by priority, with the effect that it leaves', async () => {
  ways.set('strict benefit.rule', () => ({
    eligible: true,
    effect: { kind: 'AMOUNT_OFF', value: '9.90' },
  }));
  ways.set('lax benefit.use', () => ({ decision: 'APPROVE', value: '8.80' }));
  ways.set('strict benefit.use', () => ({ decision: 'APPROVE', value: '7.70' }));
  const order = { number: 'SO-1', amount: { value: '88.50', currency: 'CNY' } };
  const input = { grantId, order, source: { channel: 'pos' }, idempotencyKey: newRequestKey() };
  const first = await done('useBenefit', input);
  expect(first.use.effect).toEqual({ kind: 'AMOUNT_OFF', value: '7.70' });
  expect(asked.map(({ by, point }) => `${by} ${point}`)).toEqual([
    ...['lax benefit.rule', 'strict benefit.rule', 'lax benefit.use', 'strict benefit.use'],
  ]);
  expect(asked.at(-1)?.input).toMatchObject({
    ...{ benefit: { code: 'tea', kind: 'GIFT', value: 'TEA' }, member: { id: memberId }, order },
    ...{ grant: { id: grantId, usesLeft: 2 }, source: { channel: 'pos', store: null } },
    effect: { kind: 'AMOUNT_OFF', value: '9.90' },
  });
  // A replay is what was done, and nobody is asked again.
  expect(await done('useBenefit', input)).toEqual(first);
  expect(asked).toHaveLength(4);
});

it('does what the catalogue says where nobody says otherwise', async () => {
  expect((await done('useBenefit', { grantId })).use.effect).toEqual({ kind: 'GIFT', value: 'TEA' });
  expect(asked.at(-1)?.input).toMatchObject({ order: null, effect: { kind: 'GIFT', value: 'TEA' } });
});

it('is not asked about a grant, nor where benefit.rule refuses', async () => {
  await done('grantBenefit', { memberId, benefit: 'tea' });
  ways.set('lax benefit.rule', () => ({ eligible: false, reason: 'no' }));
  expect(await refusalOf({ grantId })).toMatchObject([{ message: 'no' }]);
  expect(asked.filter(({ point }) => point === 'benefit.use')).toEqual([]);
});

it('is refused by one that says so, with its reason; the first of them wins, and no use is taken', async () => {
  ways.set('lax benefit.use', () => ({ decision: 'REFUSE', reason: '券已使用' }));
  ways.set('strict benefit.use', () => ({ decision: 'REFUSE', reason: 'never' }));
  const input = { grantId, idempotencyKey: newRequestKey() };
  expect(await refusalOf(input)).toEqual([{ code: 'EXTENSION_REFUSED', field: null, message: '券已使用' }]);
  ways.clear();
  expect((await done('useBenefit', input)).grant.usesLeft).toBe(1);
});

it('is only tried on a dry run', async () => {
  await expectNothingWritten(gateway, () => send('useBenefit', { grantId, dryRun: true }));
  expect(asked.map(({ mode }) => mode)).toEqual(Array(4).fill('DRY_RUN'));
});

it('that another one made impossible meanwhile is refused', async () => {
  await done('useBenefit', { grantId });
  let isFirst = true;
  meanwhile = async () => {
    if (!isFirst) return;
    isFirst = false;
    await done('useBenefit', { grantId });
  };
  expect((await send('useBenefit', { grantId })).userErrors).toMatchObject([{ code: 'NO_USES_LEFT' }]);
});

it.each<[string, Json, Json]>([
  ['throws', null, null],
  ['gives another kind', null, { decision: 'APPROVE', kind: 'AMOUNT_OFF', value: '5.00' }],
  ['decides nothing', null, { value: 'TEA' }],
  ['gives text that can’t be kept', null, { decision: 'APPROVE', value: 'a\0b' }],
  ['gives half of a character as its reason', null, { decision: 'REFUSE', reason: '\ud83d' }],
  ['takes off more than all', { kind: 'PERCENT_OFF', value: '10' }, { decision: 'APPROVE', value: '101' }],
  ['takes off less than nothing', { kind: 'AMOUNT_OFF', value: '1' }, { decision: 'APPROVE', value: '-1' }],
])('one that %s fails: closed or open, as it is registered', async (_what, effect, output) => {
  const lie = () => {
    if (output === null) throw new Error('away');
    return output;
  };
  if (effect !== null) ways.set('lax benefit.rule', () => ({ eligible: true, effect }));
  ways.set('strict benefit.use', lie);
  expect(await refusalOf({ grantId })).toMatchObject([
    { code: 'EXTENSION_UNAVAILABLE', message: expect.stringContaining('strict') },
  ]);
  ways.delete('strict benefit.use');
  ways.set('lax benefit.use', lie);
  const { use } = await done('useBenefit', { grantId });
  expect(use.effect).toEqual(effect ?? { kind: 'GIFT', value: 'TEA' });
});
