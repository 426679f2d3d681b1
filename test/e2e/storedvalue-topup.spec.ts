import {
  answers,
  type CallContext,
  definePlugin,
  type StoredValueTopUpInput,
  storedValueTopUp,
} from '../../src/extension/index.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, tenantWith } from '../support/own-tenant.ts';
import { act } from '../support/registered.ts';

// What extensions are asked about before stored value is topped up, and what they give on top.

const PROGRAM = `name: { en: Wallets }
timeZone: Europe/Berlin
currency: EUR
assets:
  - { code: wallet, kind: STORED_VALUE, name: { en: Wallet }, limits: { earn: { perOperation: "50000" } } }
  - { code: points, kind: POINTS, name: { en: Points, zh-CN: 积分 }, limits: { earn: { perDay: "100" } } }
rules: []`;

const asked: { input: StoredValueTopUpInput; mode: CallContext['mode'] }[] = [];
let way: () => Json = () => ({ decision: 'APPROVE' });

const plugin = definePlugin({
  ...{ id: 'topping', version: 3, description: 'Does what a test says.', deadlineMs: 10_000 },
  answers: [
    answers(storedValueTopUp, (input, { mode }) => {
      asked.push({ input, mode });
      return way();
    }),
  ],
});

let gateway: TestGateway;
let tenant: OwnTenant;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway({ plugins: [plugin] });
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});
beforeEach(async () => {
  way = () => ({ decision: 'APPROVE' });
  tenant = await tenantWith(gateway, PROGRAM, '2026-02-10T11:00:00Z');
  memberId = await enrol(tenant);
  asked.length = 0;
});

const OPERATION = `operation { id reference { type id } entries { asset { code } amount } }
  ledger { balance { available } }`;
const ENTRIES = `query($id: ID!, $asset: String!) { member(id: $id) { ledger(asset: $asset) {
  entries(first: 10) { edges { node { amount operation { kind reason reference { id }
    explanation { rule { code } extension { name version } outcome summary } } } } } } } }`;

async function topUp(input: Json = {}): Promise<Json> {
  const whole = { idempotencyKey: newRequestKey(), memberId, asset: 'wallet', paid: '10000', ...input };
  return await tenant.act('topUpStoredValue', whole, OPERATION);
}

async function entries(asset: string): Promise<Json[]> {
  const { data, errors } = await tenant.ask(ENTRIES, { id: memberId, asset });
  expect(errors).toEqual([]);
  return data.member.ledger.entries.edges.map(({ node }: Json) => node);
}

const giving = (...postings: Json[]) => ({ decision: 'APPROVE', postings });
const posting = (asset: string, amount: unknown, more: Json = {}) => ({
  ...{ asset, amount, reason: 'gold-top-up' },
  ...more,
});

/** Registers the plugin as the tenant's own, with these settings. */
async function registered(settings: Json): Promise<void> {
  const { userErrors } = await act(tenant, 'registerExtension', {
    ...{ name: 'own', point: 'storedvalue.topup', runtime: 'IN_PROCESS', stage: 'LIVE' },
    ...{ plugin: { id: plugin.id }, deadlineMs: 10_000, ...settings },
  });
  expect(userErrors).toEqual([]);
}

it('is asked about with what was paid and what is given on top', async () => {
  const reference = { type: 'payment', id: 'PAY-1' };
  const { userErrors } = await topUp({ bonus: '500', reason: 'cash', reference });
  expect(userErrors).toEqual([]);
  expect(asked).toMatchObject([
    {
      input: {
        ...{ member: { id: memberId }, asset: 'wallet', amount: '10500', paid: '10000', bonus: '500' },
        ...{ reason: 'cash', reference },
      },
      mode: 'LIVE',
    },
  ]);
});

it('gives on top in operations of their own, once, and tells the top-up alone', async () => {
  way = () => ({
    ...giving(posting('wallet', '1000'), posting('points', '20')),
    reference: { type: 'crm', id: '7' },
  });
  const input = { idempotencyKey: newRequestKey() };
  const first = await topUp(input);
  expect(first).toMatchObject({
    operation: { reference: { type: 'crm', id: '7' }, entries: [{ amount: '10000' }] },
    userErrors: [],
  });
  expect(await topUp(input)).toMatchObject({ operation: first.operation });
  expect(asked).toHaveLength(1);
  const explanation = { rule: null, extension: { name: 'topping', version: 3 }, outcome: 'APPLIED' };
  expect(await entries('wallet')).toMatchObject([
    {
      amount: '1000',
      operation: { kind: 'EARN', reason: 'gold-top-up', reference: { id: '7' }, explanation },
    },
    { amount: '10000', operation: { explanation: null } },
  ]);
  expect(await entries('points')).toMatchObject([
    { amount: '20', operation: { explanation: { ...explanation, summary: 'topping: +20 Points' } } },
  ]);
});

it('gives what the asset leaves of a day, and the money in any case', async () => {
  way = () => giving(posting('points', '70'));
  for (const _ of [1, 2, 3]) expect((await topUp()).userErrors).toEqual([]);
  const given = (await entries('points')).map(({ amount, operation: { explanation } }) => [
    ...[amount, explanation.outcome],
  ]);
  expect(given).toEqual([
    ['30', 'CAPPED'],
    ['70', 'APPLIED'],
  ]);
  expect(await entries('wallet')).toHaveLength(3);
});

it('is refused by one that says so, with its reason, and binds no key', async () => {
  way = () => ({ decision: 'REFUSE', reason: '请到门店充值' });
  const input = { idempotencyKey: newRequestKey() };
  const refused = await expectNothingWritten(gateway, () => topUp(input));
  expect(refused).toMatchObject({
    operation: null,
    userErrors: [{ code: 'EXTENSION_REFUSED', field: null, message: '请到门店充值' }],
  });
  way = () => ({ decision: 'APPROVE' });
  expect((await topUp(input)).userErrors).toEqual([]);
});

it('is only tried on a dry run', async () => {
  way = () => giving(posting('points', '20'));
  await expectNothingWritten(gateway, () => topUp({ dryRun: true }));
  expect(asked.map(({ mode }) => mode)).toEqual(['DRY_RUN']);
});

it('of what can’t be topped up is refused before anybody is asked', async () => {
  expect((await topUp({ paid: '0' })).userErrors).toMatchObject([{ code: 'AMOUNT_NOT_POSITIVE' }]);
  expect((await topUp({ asset: 'points' })).userErrors).toMatchObject([{ code: 'ASSET_NOT_STORED_VALUE' }]);
  expect(asked).toEqual([]);
});

it.each<[string, () => Json]>([
  ['throws', () => null],
  ['gives a negative amount', () => giving(posting('points', '-5'))],
  ['gives a number', () => giving(posting('points', 5))],
  ['gives more than it may', () => giving(posting('points', '51'))],
  ['gives what it may not', () => giving(posting('wallet', '1'))],
  ['gives an asset that there isn’t', () => giving(posting('gems', '1'))],
  ['gives an asset twice', () => giving(posting('points', '1'), posting('points', '2'))],
  ['gives what is over', () => giving(posting('points', '1', { expiresAt: '2020-01-01T00:00:00Z' }))],
  ['gives to somebody else', () => giving(posting('points', '1', { memberId: 'mem_1' }))],
  ['changes what was paid', () => ({ decision: 'APPROVE', paid: '1' })],
  ['says what can’t be kept', () => giving(posting('points', '1', { reason: 'a\0b' }))],
])('one that %s fails: open or closed, as it is registered', async (_what, lie) => {
  way = () => {
    const output = lie();
    if (output === null) throw new Error('away');
    return output;
  };
  const postingLimits = [{ asset: 'points', most: '50' }];
  await registered({ onFailure: 'FAIL_OPEN', postingLimits });
  expect(await topUp()).toMatchObject({ operation: { entries: [{ amount: '10000' }] }, userErrors: [] });
  expect(await entries('wallet')).toHaveLength(1);
  expect(await entries('points')).toEqual([]);
  await registered({ name: 'closed', onFailure: 'FAIL_CLOSED', postingLimits });
  const refused = await expectNothingWritten(gateway, () => topUp());
  expect(refused.userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE' }]);
});
