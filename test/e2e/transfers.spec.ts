import { operatorContext } from '../../src/boot/index.ts';
import { fromPublicId } from '../../src/kernel/ids.ts';
import { outcomesOf } from '../ledger/tenants.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';

/** Everybody begins with ten tokens, which may be given to others, and 100 points, which may not. */
const NOON = '2026-11-20T12:00:00+08:00';

let gateway: TestGateway;
let giver: string;
let friend: string;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});
beforeEach(async () => {
  await gateway.setClock(NOON);
  giver = await enrol(gateway);
  friend = await enrol(gateway);
});

type Given = Record<string, unknown>;

const ANSWER = `
  operation { id kind reason reverses { id }
    entries { kind amount postedDelta balanceAfter version ledger { member { id } } availableAt expiresAt }
    allocations { lot { id amount } amount } }
  userErrors { code field message }`;
const TRANSFER = `mutation($input: TransferPointsInput!) { transferPoints(input: $input) { ${ANSWER} } }`;
const REVERSE = `mutation($input: ReverseOperationInput!) { reverseOperation(input: $input) {
  ${ANSWER} ledger { balance { available } } } }`;
const EARN = 'mutation($input: EarnPointsInput!) { earnPoints(input: $input) { userErrors { code } } }';
const REDEEM = 'mutation($input: RedeemPointsInput!) { redeemPoints(input: $input) { userErrors { code } } }';

async function ask(mutation: string, input: Given, headers?: Record<string, string>): Promise<Json> {
  const whole = { idempotencyKey: newRequestKey(), ...input };
  const { data, errors } = await gateway.ask(mutation, { input: whole }, headers);
  expect(errors).toEqual([]);
  return Object.values(data)[0];
}

const give = (amount: string, input: Given = {}, headers?: Record<string, string>) =>
  ask(TRANSFER, { fromMemberId: giver, toMemberId: friend, asset: 'token', amount, ...input }, headers);

async function tokens(id: string) {
  const { data } = await gateway.ask(
    `query($id: ID!) { member(id: $id) { ledger(asset: "token") {
       balance { available } lots(first: 10) { edges { node { amount remaining expiresAt } } } } } }`,
    { id },
  );
  const { balance, lots } = data.member.ledger;
  return { available: balance.available, lots: lots.edges.map(({ node }: Json) => node) };
}

const refused = (code: string, field: string[]) => ({
  operation: null,
  userErrors: [{ code, field, message: expect.any(String) }],
});
/** An operation's entries as amount and member, the giver's first. */
const sidesOf = ({ operation }: Json) =>
  operation.entries
    .map(({ amount, ledger }: Json) => [amount, ledger.member.id])
    .sort(([a]: [string], [b]: [string]) => Number(a) - Number(b));

describe('a gift', () => {
  it('is one operation with an entry on each side', async () => {
    const given = await give('3', { message: '生日快乐' });
    expect(given.operation).toMatchObject({ kind: 'TRANSFER', reason: '生日快乐', reverses: null });
    expect(sidesOf(given)).toEqual([
      ['-3', giver],
      ['3', friend],
    ]);
    expect((await tokens(giver)).available).toBe('7');
    expect((await tokens(friend)).available).toBe('13');
    const [{ ledgers, versions }] = await gateway.sql(
      `select cardinality(ledger_ids) as ledgers, versions::text from operation where kind = 'TRANSFER'`,
    );
    expect([ledgers, versions]).toEqual([2, '{2,2}']);
  });

  it('keeps the expiry of each lot that it takes from, and its origin', async () => {
    const expiresAt = '2026-12-01T00:00:00.000Z';
    await ask(EARN, { memberId: giver, asset: 'token', amount: '2', expiresAt });
    await give('5');
    const { lots } = await tokens(friend);
    expect(lots).toContainEqual({ amount: '2', remaining: '2', expiresAt });
    expect(lots.map(({ amount }: Json) => amount).sort()).toEqual(['10', '2', '3']);
    const third = await enrol(gateway);
    await ask(TRANSFER, { fromMemberId: friend, toMemberId: third, asset: 'token', amount: '2' });
    const [{ origins }] = await gateway.sql(
      'select count(distinct origin_lot_id)::int as origins from lot where amount = 2 and origin_lot_id is not null',
    );
    expect(origins).toBe(1);
    await gateway.setClock('2026-12-02T00:00:00Z');
    expect((await tokens(third)).available).toBe('10');
  });

  it('may be more than once, and to and fro', async () => {
    await give('10');
    expect(await give('1')).toEqual(refused('INSUFFICIENT_BALANCE', ['amount']));
    await ask(TRANSFER, { fromMemberId: friend, toMemberId: giver, asset: 'token', amount: '20' });
    expect((await tokens(giver)).available).toBe('20');
  });

  it('is shown again as it was, and tried without a trace', async () => {
    const input = { idempotencyKey: newRequestKey() };
    await expectNothingWritten(gateway, async () => {
      expect(sidesOf(await give('3', { ...input, dryRun: true }))).toHaveLength(2);
    });
    const given = await give('3', input);
    await give('2');
    expect(await give('3', input)).toEqual(given);
    expect(await give('4', input)).toEqual(refused('IDEMPOTENCY_CONFLICT', ['idempotencyKey']));
  });

  const NOBODY = 'mem_00000000000000000000000000';
  it.each([
    ['to oneself', () => ({ toMemberId: giver }), 'SELF_TRANSFER', ['toMemberId']],
    ['of what may not be given', () => ({ asset: 'points' }), 'ASSET_NOT_TRANSFERABLE', ['asset']],
    ['of no asset', () => ({ asset: 'gold' }), 'ASSET_NOT_FOUND', ['asset']],
    ['to nobody', () => ({ toMemberId: NOBODY }), 'MEMBER_NOT_FOUND', ['toMemberId']],
    ['to no id', () => ({ toMemberId: 'me' }), 'MEMBER_NOT_FOUND', ['toMemberId']],
    ['from nobody', () => ({ fromMemberId: NOBODY }), 'MEMBER_NOT_FOUND', ['fromMemberId']],
    ['of nothing', () => ({ amount: '0' }), 'AMOUNT_NOT_POSITIVE', ['amount']],
    ['below zero', () => ({ amount: '-3' }), 'AMOUNT_NOT_POSITIVE', ['amount']],
    ['of too much', () => ({ amount: '11' }), 'INSUFFICIENT_BALANCE', ['amount']],
  ] as const)('isn’t made: %s', async (_what, input, code, field) => {
    await expectNothingWritten(gateway, async () => {
      expect(await give('3', input())).toEqual(refused(code, [...field]));
    });
  });

  it.each([
    ['toMemberId', () => friend],
    ['fromMemberId', () => giver],
  ])('isn’t made where a side isn’t active: %s', async (field, member) => {
    const memberKey = fromPublicId('member', member());
    await gateway.sql(`update member set status = 'BLOCKED' where member_id = $1`, [memberKey]);
    expect(await give('3')).toEqual(refused('MEMBER_NOT_ACTIVE', [field]));
  });

  it('shows a member only their own side', async () => {
    const own = await gateway.asMember(giver);
    const other = await gateway.asMember(friend);
    expect(await give('3', {}, other)).toEqual(refused('MEMBER_NOT_FOUND', ['fromMemberId']));
    const given = await give('3', {}, own);
    expect(sidesOf(given)).toEqual([['-3', giver]]);
    expect(given.operation.allocations).toMatchObject([{ amount: '3' }]);
    const seen = await gateway.ask(
      `query($id: ID!) { member(id: $id) { ledger(asset: "token") { entries(first: 1) { edges { node {
         kind amount operation { entries { amount } allocations { amount } } } } } } } }`,
      { id: friend },
      other,
    );
    expect(seen.data.member.ledger.entries.edges[0].node).toEqual({
      kind: 'TRANSFER',
      amount: '3',
      operation: { entries: [{ amount: '3' }], allocations: [] },
    });
  });
});

describe('a gift that is undone', () => {
  it('goes back, in parts up to the whole', async () => {
    const given = await give('6');
    const operationId = given.operation.id;
    const undone = await ask(REVERSE, { operationId, amount: '4' });
    expect(undone.operation).toMatchObject({ kind: 'REVERSE', reverses: { id: operationId } });
    expect(sidesOf(undone)).toEqual([
      ['-4', friend],
      ['4', giver],
    ]);
    expect(undone.ledger.balance.available).toBe('8');
    expect((await ask(REVERSE, { operationId })).ledger.balance.available).toBe('10');
    expect((await ask(REVERSE, { operationId })).userErrors).toMatchObject([
      { code: 'REVERSAL_EXCEEDS_ORIGINAL', field: ['operationId'] },
    ]);
    expect((await tokens(friend)).available).toBe('10');
  });

  it('gives back as much as the receiver still has', async () => {
    const given = await give('6');
    await ask(REDEEM, { memberId: friend, asset: 'token', amount: '14' });
    const undone = await ask(REVERSE, { operationId: given.operation.id });
    expect(sidesOf(undone)).toEqual([
      ['-2', friend],
      ['2', giver],
    ]);
    expect((await tokens(giver)).available).toBe('6');
  });
});

it('gifts to and fro at once end for everybody, and nothing is lost', async () => {
  const { transfers } = gateway.application.services;
  const ctx = operatorContext(gateway.tenantKey, 'a test');
  const outcomes = await outcomesOf(
    Array.from({ length: 200 }, (_, index) =>
      transfers.transfer(ctx, {
        idempotencyKey: newRequestKey(),
        fromMemberId: index % 2 === 0 ? giver : friend,
        toMemberId: index % 2 === 0 ? friend : giver,
        asset: 'token',
        amount: BigInt((index % 3) + 1),
      }),
    ),
  );
  expect(outcomes.done).toBeGreaterThan(50);
  expect(Object.keys(outcomes).every((code) => ['done', 'INSUFFICIENT_BALANCE'].includes(code))).toBe(true);
  const [a, b] = await Promise.all([tokens(giver), tokens(friend)]);
  expect(Number(a.available) + Number(b.available)).toBe(20);
});
