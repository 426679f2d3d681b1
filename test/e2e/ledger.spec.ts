import { expectNothingWritten } from '../support/contents.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { execute } from '../support/typed-client.ts';
import {
  AdjustDocument,
  type AdjustMutation,
  type AdjustPointsInput,
  CardDocument,
  EarnDocument,
  type EarnMutation,
  type EarnPointsInput,
  HistoryDocument,
  type HistoryQueryVariables,
  RedeemDocument,
  type RedeemMutation,
  type RedeemPointsInput,
  RefetchDocument,
} from './generated/graphql.ts';

/** Days are Shanghai's; at noon, a bonus of points expires with the month, a year later. */
const NOON = '2026-11-20T12:00:00+08:00';
const POLICY_EXPIRY = '2027-11-30T16:00:00.000Z';
const LARGEST = '9223372036854775807';

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

async function earn(
  amount: string,
  input: Partial<EarnPointsInput> = {},
): Promise<EarnMutation['earnPoints']> {
  const whole = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount, ...input };
  return (await execute(gateway, EarnDocument, { input: whole })).earnPoints;
}

async function redeem(
  amount: string,
  input: Partial<RedeemPointsInput> = {},
): Promise<RedeemMutation['redeemPoints']> {
  const whole = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount, ...input };
  return (await execute(gateway, RedeemDocument, { input: whole })).redeemPoints;
}

async function adjust(
  amount: string,
  input: Partial<AdjustPointsInput> = {},
): Promise<AdjustMutation['adjustPoints']> {
  const whole = {
    idempotencyKey: newRequestKey(),
    memberId,
    asset: 'points',
    amount,
    reason: 'count',
    ...input,
  };
  return (await execute(gateway, AdjustDocument, { input: whole })).adjustPoints;
}

async function history(variables: Partial<HistoryQueryVariables> = {}) {
  const whole = { id: memberId, asset: 'points', first: 20, ...variables };
  const ledger = (await execute(gateway, HistoryDocument, whole)).member?.ledger;
  if (!ledger) throw new Error('The ledger is missing.');
  return ledger;
}

const refused = (code: string, field: string[]) => ({
  operation: null,
  ledger: null,
  userErrors: [{ code, field, message: expect.any(String) }],
});

describe('a credit', () => {
  it('makes one operation of one entry, available at once and as long as the asset says', async () => {
    const { operation, ledger, userErrors } = await earn('500', {
      reason: 'goodwill',
      reference: { type: 'ticket', id: 'T-9' },
    });
    expect(userErrors).toEqual([]);
    expect(operation).toEqual({
      id: expect.stringMatching(/^op_/),
      kind: 'EARN',
      reason: 'goodwill',
      reference: { type: 'ticket', id: 'T-9' },
      programVersion: 1,
      createdAt: expect.stringMatching(/^2026-11-20T04:00:/),
      entries: [
        {
          id: expect.stringMatching(/^ent_/),
          kind: 'EARN',
          asset: { code: 'points', kind: 'POINTS' },
          amount: '500',
          postedDelta: '500',
          pendingDelta: '0',
          heldDelta: '0',
          balanceAfter: '600',
          version: '2',
          reason: 'goodwill',
          occurredAt: operation?.createdAt,
          recordedAt: operation?.createdAt,
          availableAt: operation?.createdAt,
          expiresAt: POLICY_EXPIRY,
        },
      ],
      allocations: [],
      explanation: null,
    });
    expect(ledger).toMatchObject({ balance: { available: '600', pending: '0', held: '0' }, version: '2' });
  });

  it('waits for its moment, and matures without a job', async () => {
    const availableAt = '2026-11-20T05:00:00.000Z';
    const { operation, ledger } = await earn('30', { availableAt });
    expect(operation?.entries).toMatchObject([
      { postedDelta: '0', pendingDelta: '30', balanceAfter: '100', availableAt },
    ]);
    expect(ledger?.balance).toEqual({ available: '100', pending: '30', held: '0' });
    expect((await history()).entries.edges[0]?.node).toMatchObject({ version: '2', status: 'PENDING' });
    await gateway.setClock(availableAt);
    const after = await history();
    expect(after).toMatchObject({ version: '2', balance: { available: '130', pending: '0', held: '0' } });
    expect(after.entries.edges[0]?.node).toMatchObject({ version: '2', status: 'POSTED' });
  });

  it('is gone when it expires, without a job', async () => {
    await earn('30', { expiresAt: '2026-11-21T04:00:00+00:00' });
    await gateway.setClock('2026-11-21T03:59:00Z');
    expect((await history()).balance.available).toBe('130');
    expect((await redeem('131')).userErrors).toMatchObject([{ code: 'INSUFFICIENT_BALANCE' }]);
    await gateway.setClock('2026-11-21T04:00:00Z');
    expect((await history()).balance.available).toBe('100');
    expect((await redeem('101')).userErrors).toMatchObject([{ code: 'INSUFFICIENT_BALANCE' }]);
  });

  it('writes down what time has done before the next operation', async () => {
    await earn('30', { availableAt: '2026-11-21T00:00:00+08:00', expiresAt: '2026-11-22T00:00:00+08:00' });
    await gateway.setClock('2026-11-21T12:00:00+08:00');
    expect((await redeem('5')).ledger).toMatchObject({ balance: { available: '125' }, version: '4' });
    await gateway.setClock('2026-11-22T12:00:00+08:00');
    expect((await redeem('5')).ledger).toMatchObject({ balance: { available: '95' }, version: '6' });
    const { entries } = await history();
    expect(
      entries.edges.map(({ node }) => [
        node.version,
        node.kind,
        node.amount,
        node.postedDelta,
        node.pendingDelta,
        node.balanceAfter,
      ]),
    ).toEqual([
      ['6', 'REDEEM', '-5', '-5', '0', '95'],
      ['5', 'EXPIRE', '-25', '-25', '0', '100'],
      ['4', 'REDEEM', '-5', '-5', '0', '125'],
      ['3', 'MATURE', '30', '30', '-30', '130'],
      ['2', 'EARN', '30', '0', '30', '100'],
      ['1', 'EARN', '100', '100', '0', '100'],
    ]);
  });

  it.each<[string, Partial<EarnPointsInput>, string[], string]>([
    ['zero', { amount: '0' }, ['amount'], 'AMOUNT_NOT_POSITIVE'],
    ['an asset that the program lacks', { asset: 'stars' }, ['asset'], 'ASSET_NOT_FOUND'],
    [
      'an end before its beginning',
      { availableAt: NOON, expiresAt: '2026-11-20T11:00:00+08:00' },
      ['expiresAt'],
      'EXPIRY_NOT_AFTER_AVAILABILITY',
    ],
    ['more than 64 bits in sum', { amount: LARGEST }, ['amount'], 'BALANCE_OUT_OF_RANGE'],
    ['a reason of 501 characters', { reason: 'x'.repeat(501) }, ['reason'], 'TEXT_TOO_LONG'],
    [
      'a reference of 201 characters',
      { reference: { type: 'order', id: 'x'.repeat(201) } },
      ['reference', 'id'],
      'TEXT_TOO_LONG',
    ],
    [
      'a member who isn’t there',
      { memberId: 'mem_01jdb4g8vse3aaaaaaaaaaaaaa' },
      ['memberId'],
      'MEMBER_NOT_FOUND',
    ],
  ])('is refused with %s', async (_, input, field, code) => {
    expect(await expectNothingWritten(gateway, () => earn('5', input))).toEqual(refused(code, field));
  });

  it('may be as large as 64 bits hold', async () => {
    const { ledger } = await earn(LARGEST, { asset: 'growth' });
    expect(ledger?.balance.available).toBe(LARGEST);
    expect((await execute(gateway, RefetchDocument, { id: ledger?.id ?? '' })).node).toEqual({
      __typename: 'Ledger',
      ...ledger,
    });
  });
});

describe('a spend', () => {
  it('takes the lots that expire first, then the oldest', async () => {
    const late = (await earn('10', { expiresAt: '2028-01-01T00:00:00Z' })).operation;
    const soon = (await earn('20', { expiresAt: '2026-12-01T00:00:00Z' })).operation;
    const sooner = (await earn('30', { expiresAt: '2026-11-25T00:00:00Z' })).operation;
    const alsoSoon = (await earn('40', { expiresAt: '2026-12-01T00:00:00Z' })).operation;
    await earn('1000', { availableAt: '2026-11-20T13:00:00+08:00', expiresAt: '2026-11-21T00:00:00Z' });
    const { operation, ledger } = await redeem('195');
    expect(operation?.allocations.map(({ amount, lot }) => [amount, lot.expiresAt])).toEqual([
      ['30', sooner?.entries[0]?.expiresAt],
      ['20', soon?.entries[0]?.expiresAt],
      ['40', alsoSoon?.entries[0]?.expiresAt],
      ['100', POLICY_EXPIRY],
      ['5', late?.entries[0]?.expiresAt],
    ]);
    expect(operation?.entries).toMatchObject([
      { amount: '-195', postedDelta: '-195', balanceAfter: '5', availableAt: null, expiresAt: null },
    ]);
    expect(ledger?.balance).toEqual({ available: '5', pending: '1000', held: '0' });
  });

  it.each<[string, Partial<RedeemPointsInput>, string[], string]>([
    ['more than is available', { amount: '101' }, ['amount'], 'INSUFFICIENT_BALANCE'],
    ['less than one', { amount: '-1' }, ['amount'], 'AMOUNT_NOT_POSITIVE'],
    ['an asset that isn’t spent', { asset: 'growth' }, ['asset'], 'ASSET_NOT_SPENDABLE'],
    ['an asset that the program lacks', { asset: '__proto__' }, ['asset'], 'ASSET_NOT_FOUND'],
  ])('is refused with %s', async (_, input, field, code) => {
    expect(await expectNothingWritten(gateway, () => redeem('5', input))).toEqual(refused(code, field));
  });

  it('leaves none below zero, however many arrive at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem('60')));
    expect(answers.filter(({ userErrors }) => userErrors.length === 0)).toHaveLength(1);
    const codes = answers.flatMap(({ userErrors }) => userErrors.map(({ code }) => code));
    expect(codes).toEqual(Array(19).fill('INSUFFICIENT_BALANCE'));
    expect(await history()).toMatchObject({ version: '2', balance: { available: '40' } });
  });

  it('by a member is of their own points alone', async () => {
    const other = await enrol(gateway);
    const headers = await gateway.asMember(memberId);
    const spend = (of: string) =>
      execute(
        gateway,
        RedeemDocument,
        { input: { idempotencyKey: newRequestKey(), memberId: of, asset: 'points', amount: '1' } },
        headers,
      );
    expect((await spend(memberId)).redeemPoints.ledger?.balance.available).toBe('99');
    expect((await expectNothingWritten(gateway, () => spend(other))).redeemPoints).toEqual(
      refused('MEMBER_NOT_FOUND', ['memberId']),
    );
  });
});

describe('a correction', () => {
  it('goes up and down, and never below what the asset allows', async () => {
    expect((await adjust('25')).operation?.entries).toMatchObject([
      { kind: 'ADJUST', amount: '25', balanceAfter: '125' },
    ]);
    expect((await adjust('-120')).operation?.entries).toMatchObject([
      { kind: 'ADJUST', amount: '-120', balanceAfter: '5' },
    ]);
    const below = await expectNothingWritten(gateway, () => adjust('-6'));
    expect(below).toEqual(refused('INSUFFICIENT_BALANCE', ['amount']));
    const zero = await expectNothingWritten(gateway, () => adjust('0'));
    expect(zero).toEqual(refused('AMOUNT_ZERO', ['amount']));
  });
});

describe('the history', () => {
  it('pages without a gap or a repeat, whatever is written meanwhile', async () => {
    for (let count = 0; count < 5; count += 1) await earn('1');
    const versions: string[] = [];
    let after: string | null = null;
    let hasNextPage = true;
    while (hasNextPage) {
      const { entries } = await history({ first: 2, after });
      versions.push(...entries.edges.map(({ node }) => node.version));
      ({ endCursor: after, hasNextPage } = entries.pageInfo);
      await earn('1');
    }
    expect(versions).toEqual(['6', '5', '4', '3', '2', '1']);
  });

  it('pages through the lots by expiry, then age', async () => {
    await earn('7', { expiresAt: '2026-12-01T00:00:00Z' });
    await earn('8', { expiresAt: '2026-12-01T00:00:00Z' });
    const first = (await history({ first: 2 })).lots;
    expect(first.edges.map(({ node }) => node.amount)).toEqual(['7', '8']);
    expect(first.pageInfo).toEqual({ hasNextPage: true, endCursor: first.edges[1]?.cursor });
    const second = (await history({ first: 2, afterLot: first.pageInfo.endCursor })).lots;
    expect(second.edges.map(({ node }) => [node.amount, node.remaining, node.held])).toEqual([
      ['100', '100', '0'],
    ]);
    expect(second.pageInfo.hasNextPage).toBe(false);
  });

  it('knows the balance as it stood at a moment, in time and not in records', async () => {
    await earn('30', { availableAt: '2026-11-20T13:00:00+08:00', expiresAt: '2026-11-20T14:00:00+08:00' });
    await gateway.setClock('2026-11-20T15:00:00+08:00');
    await redeem('100');
    await gateway.setClock('2026-11-20T16:00:00+08:00');
    const available = async (at: string) => (await history({ at })).then;
    expect(await available('2026-11-20T11:00:00+08:00')).toEqual({ available: '0', pending: '0', held: '0' });
    expect(await available('2026-11-20T12:30:00+08:00')).toEqual({
      available: '100',
      pending: '30',
      held: '0',
    });
    expect(await available('2026-11-20T13:00:00+08:00')).toEqual({
      available: '130',
      pending: '0',
      held: '0',
    });
    expect(await available('2026-11-20T14:00:00+08:00')).toEqual({
      available: '100',
      pending: '0',
      held: '0',
    });
    expect(await available('2026-11-20T16:00:00+08:00')).toEqual({ available: '0', pending: '0', held: '0' });
  });

  it('takes cursors of its own list alone', async () => {
    const { entries, lots, eventCursor } = await history();
    const other = await enrol(gateway);
    const wrong = [
      { after: lots.edges[0]?.cursor },
      { after: eventCursor },
      { after: 'nonsense' },
      { after: '' },
      { after: 'x'.repeat(10_000) },
      { afterLot: entries.edges[0]?.cursor },
      { id: other, after: entries.edges[0]?.cursor },
      { asset: 'token', after: entries.edges[0]?.cursor },
    ];
    for (const variables of wrong) {
      await expect(history(variables)).rejects.toThrow(/CURSOR_INVALID/);
    }
  });

  it('takes no cursor with an invented place in it', async () => {
    const { entries, lots } = await history();
    const invented = (cursor = '') =>
      Buffer.concat([Buffer.from(cursor, 'base64url').subarray(0, 6), Buffer.from('!')]).toString(
        'base64url',
      );
    for (const variables of [
      { after: invented(entries.edges[0]?.cursor) },
      { afterLot: invented(lots.edges[0]?.cursor) },
    ]) {
      await expect(history(variables)).rejects.toThrow(/CURSOR_INVALID/);
    }
  });
});

it('the card shows every ledger, and what will expire', async () => {
  await earn('30', { expiresAt: '2026-11-21T12:00:00+08:00' });
  await earn('40', { expiresAt: '2026-11-27T00:00:00+08:00' });
  await earn('2', { expiresAt: '2026-11-21T12:00:00+08:00' });
  await redeem('1');
  const card = async (soon: string) => (await execute(gateway, CardDocument, { id: memberId, soon })).member;
  const member = await card('P7D');
  expect(
    member?.ledgers.map(({ asset, balance, expiring }) => [asset.code, balance.available, expiring]),
  ).toEqual([
    [
      'points',
      '171',
      [
        { amount: '31', expiresAt: '2026-11-21T04:00:00.000Z' },
        { amount: '40', expiresAt: '2026-11-26T16:00:00.000Z' },
      ],
    ],
    ['growth', '0', []],
    ['token', '10', []],
  ]);
  expect((await card('PT23H'))?.ledgers[0]?.expiring).toEqual([]);
  expect(member?.ledger).toMatchObject({ version: '5', entries: { pageInfo: { hasNextPage: false } } });
  expect(member).toMatchObject({ nothing: null, tierStatus: { until: null }, grants: { edges: [] } });
});
