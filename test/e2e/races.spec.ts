/**
 * Races over the real API, and where each row of the ledger's abuse is tested:
 *   amounts that are none, sums out of range            bad-amounts.spec.ts, guard.spec.ts
 *   same key and body, other body, in flight            replay.spec.ts, ../ledger/concurrency.spec.ts, here
 *   parallel redeems of a balance that covers one       here, ../ledger/concurrency.spec.ts
 *   self-transfer, cross-asset transfer, A to B with B to A transfers.spec.ts, and here
 *   capture twice, after release or end, above          holds.spec.ts, and here at once
 *   refund twice, above the original, lot expired       reversals.spec.ts, refunds.spec.ts, and here at once
 *   back-dated and far-future activities                activity.spec.ts
 *   two workers sweep the same expiry                   ../ledger/time.spec.ts, and here
 *   another program comes into force meanwhile          ../ledger/batcher.spec.ts, and here
 *   anything at once                                    ../ledger/services-properties.spec.ts
 */
import { settleTenant } from '../../src/jobs/index.ts';
import { definitionOf, exampleText } from '../ledger/programs.ts';
import { auditLedgers } from '../support/audit.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';

let gateway: TestGateway;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});
beforeEach(async () => {
  await gateway.setClock('2026-11-20T12:00:00+08:00');
  memberId = await enrol(gateway);
});

type Given = Record<string, unknown>;
const times = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));

async function act(name: string, input: Given, rest = ''): Promise<Json> {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const query = `mutation($input: ${type}!) { ${name}(input: $input) {
    operation { id entries { amount balanceAfter } } ${rest} userErrors { code } } }`;
  const { data, errors } = await gateway.ask(query, { input: { idempotencyKey: newRequestKey(), ...input } });
  expect(errors).toEqual([]);
  return data[name];
}

/** How often each came out: `done`, or the code of a refusal. */
async function outcomes(running: readonly Promise<Json>[]): Promise<Record<string, number>> {
  const counted: Record<string, number> = {};
  for (const { userErrors } of await Promise.all(running)) {
    const outcome: string = userErrors[0]?.code ?? 'done';
    counted[outcome] = (counted[outcome] ?? 0) + 1;
  }
  return counted;
}

async function balance(id = memberId, asset = 'points'): Promise<Json> {
  const query = `query($id: ID!, $asset: String!) { member(id: $id) { ledger(asset: $asset) {
    balance { available pending held } } } }`;
  return (await gateway.ask(query, { id, asset })).data.member.ledger.balance;
}

const points = (amount: string, input: Given = {}) => ({ memberId, asset: 'points', amount, ...input });
const redeem = (amount: string, input: Given = {}) => act('redeemPoints', points(amount, input));
const hold = async (amount: string, input: Given = {}): Promise<string> =>
  (await act('holdPoints', points(amount, input), 'hold { id }')).hold.id;
const capture = (holdId: string, input: Given = {}) => act('captureHold', { holdId, ...input });
const release = (holdId: string) => act('releaseHold', { holdId });
const reverse = ({ operation }: Json, input: Given = {}) =>
  act('reverseOperation', { operationId: operation.id, reason: 'a test', ...input });
const settle = () => settleTenant(gateway.application.jobs, gateway.tenantKey);

it('a thousand spends of what covers one: exactly one is done', async () => {
  const spends = times(1_000, () => redeem('100'));
  expect(await outcomes(spends)).toEqual({ done: 1, INSUFFICIENT_BALANCE: 999 });
  expect(await balance()).toEqual({ available: '0', pending: '0', held: '0' });
});

it('one key for acts of several kinds, which go different ways: one is done, and all are answered', async () => {
  for (let round = 0; round < 10; round += 1) {
    const own = { idempotencyKey: newRequestKey() };
    const other = await enrol(gateway);
    const gift = { fromMemberId: memberId, toMemberId: other, asset: 'token', amount: '1' };
    const asked = [
      act('earnPoints', points('1', own)),
      act('earnPoints', points('1', { ...own, memberId: other })),
      act('holdPoints', points('1', own)),
      act('transferPoints', { ...gift, ...own }),
      redeem('1', own),
      redeem('1', { ...own, memberId: other }),
    ];
    expect(await outcomes(asked)).toEqual({ done: 1, IDEMPOTENCY_CONFLICT: 5 });
  }
});

it('gifts to and fro, with their reversals: no deadlock reaches anybody', async () => {
  const other = await enrol(gateway);
  const give = (index: number) => {
    const [fromMemberId, toMemberId] = index % 2 === 0 ? [memberId, other] : [other, memberId];
    return act('transferPoints', { fromMemberId, toMemberId, asset: 'token', amount: '1' });
  };
  const given = await Promise.all(times(20, give));
  const done = given.filter(({ operation }) => operation !== null);
  const running = [...times(40, give), ...done.map((one) => reverse(one))];
  const came = await outcomes(running);
  expect(Object.keys(came).every((code) => ['done', 'INSUFFICIENT_BALANCE'].includes(code))).toBe(true);
  const [mine, theirs] = [await balance(memberId, 'token'), await balance(other, 'token')];
  expect(Number(mine.available) + Number(theirs.available)).toBe(20);
});

it('a hold that is captured twice at once is captured once', async () => {
  const holdId = await hold('60');
  expect(await outcomes([capture(holdId), capture(holdId)])).toEqual({ done: 1, HOLD_NOT_ACTIVE: 1 });
  expect(await balance()).toEqual({ available: '40', pending: '0', held: '0' });
});

it('a hold that is captured and released at once ends one way', async () => {
  for (let round = 0; round < 5; round += 1) {
    const before = Number((await balance()).available);
    const holdId = await hold('10');
    const [captured, released] = await Promise.all([capture(holdId), release(holdId)]);
    const ends = [captured, released].map(({ userErrors }) => userErrors[0]?.code ?? 'done');
    expect(ends.toSorted()).toEqual(['HOLD_NOT_ACTIVE', 'done']);
    const after = before - (ends[0] === 'done' ? 10 : 0);
    expect(await balance()).toEqual({ available: String(after), pending: '0', held: '0' });
  }
});

it('a hold that is captured at the moment of its end is captured or gone, whoever writes the end', async () => {
  const holdId = await hold('60', { expiresIn: 'PT1H' });
  await gateway.advanceClock('1 hour');
  const [captured, , late] = await Promise.all([capture(holdId), settle(), redeem('100'), settle()]);
  expect(captured.userErrors).toEqual([{ code: 'HOLD_NOT_ACTIVE' }]);
  expect(late.userErrors).toEqual([]);
  expect(await balance()).toEqual({ available: '0', pending: '0', held: '0' });
  expect(await settle()).toBe(0);
});

it('a spend that is undone twice at once comes back once', async () => {
  const spent = await redeem('70');
  expect(await outcomes(times(6, () => reverse(spent)))).toEqual({ done: 1, REVERSAL_EXCEEDS_ORIGINAL: 5 });
  expect(await balance()).toEqual({ available: '100', pending: '0', held: '0' });
});

it('a purchase that is refunded twice at once is refunded once', async () => {
  const number = newRequestKey();
  const record = (input: Given) =>
    gateway.ask(
      `mutation($input: RecordActivityInput!) { recordActivity(input: $input) {
         operations { id } userErrors { code } } }`,
      { input: { idempotencyKey: newRequestKey(), ...input } },
    );
  const amount = { value: '300.00', currency: 'CNY' };
  await record({ memberId, type: 'purchase', amount, order: { number } });
  expect(await balance()).toMatchObject({ pending: '30' });
  const refunds = await Promise.all(times(4, () => record({ type: 'refund', order: { number }, amount })));
  expect(refunds.filter(({ data }) => data.recordActivity.userErrors.length === 0)).toHaveLength(1);
  expect(await balance()).toEqual({ available: '100', pending: '0', held: '0' });
});

it('a credit that is undone while its lot is spent: what was spent isn’t taken twice', async () => {
  for (let round = 0; round < 5; round += 1) {
    const earned = await act('earnPoints', points('40'));
    const before = Number((await balance()).available);
    const [undone, spent] = await Promise.all([reverse(earned), redeem(String(before))]);
    const taken = [undone, spent].map(({ operation }) => -Number(operation?.entries[0].amount ?? 0));
    expect(Number((await balance()).available)).toBe(before - (taken[0] ?? 0) - (taken[1] ?? 0));
    // Whoever is first takes it; the other finds too little, or nothing.
    expect(
      [undone, spent].filter(({ userErrors }) => userErrors[0]?.code === 'INSUFFICIENT_BALANCE'),
    ).toHaveLength(1);
    await act('adjustPoints', points('100', { reason: 'a test' }));
  }
});

it('a lot that expires while it is spent, and while jobs sweep it, goes once', async () => {
  const members = await Promise.all(times(10, () => enrol(gateway)));
  const expiresAt = '2026-11-20T05:00:00Z';
  for (const id of members) await act('earnPoints', points('50', { memberId: id, expiresAt }));
  await gateway.setClock('2026-11-20T05:00:00Z');
  const spends = members.flatMap((id) => [redeem('101', { memberId: id }), redeem('60', { memberId: id })]);
  const [came, ...swept] = await Promise.all([outcomes(spends), settle(), settle()]);
  expect(came).toEqual({ done: 10, INSUFFICIENT_BALANCE: 10 });
  expect(swept.reduce((sum, made) => sum + made, 0)).toBeLessThanOrEqual(10);
  for (const id of members) expect(await balance(id)).toMatchObject({ available: '40' });
  const [{ expired }] = await gateway.sql(
    `select count(*)::int as expired from entry e join operation o using (tenant_id, operation_id)
      where o.kind = 'EXPIRE' and e.amount = -50`,
  );
  expect(expired).toBe(10);
});

it('programs that come into force while everybody posts: each posting is made once, under one of them', async () => {
  const { programs } = gateway.application.services;
  const definition = definitionOf(exampleText('demo'));
  const postings = times(60, (index) => (index % 3 === 0 ? redeem('1') : act('earnPoints', points('2'))));
  const applied = (async () => {
    for (const name of ['A', 'B', 'C'])
      await programs.apply(gateway.tenantKey, { ...definition, name: { en: name } }, 'a test');
  })();
  expect(
    await outcomes([...postings, ...times(6, () => hold('1').then(() => ({ userErrors: [] })))]),
  ).toEqual({
    done: 66,
  });
  await applied;
  expect(await balance()).toEqual({ available: '154', pending: '0', held: '6' });
});
