import { readFile } from 'node:fs/promises';
import { buildSchema, parse, validate } from 'graphql';
import { describeDocuments, readDocument } from '../support/documents.ts';
import { follow } from '../support/following.ts';
import { type Answer, type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';

const DUE = ['01', '02', '03', '04', '05', '06', '12', '13', '14', '15', '16', '22', '25'];

/** Noon of a day in Shanghai; T+1 is the midnight that ends it, and points last to the end of a month. */
const NOON = '2026-11-20T12:00:00+08:00';
const MIDNIGHT = '2026-11-20T16:00:00.000Z';
const EXPIRY = '2027-11-30T16:00:00.000Z';

/** What the documents found out, each for those behind it. */
const known: Record<string, Json> = {};
const answers: Record<string, Json> = {};

let gateway: TestGateway;
let moment = Date.parse(NOON);

async function send(
  number: string,
  changes: Record<string, unknown> = {},
  headers?: Record<string, string>,
): Promise<Answer> {
  const { query, variables } = await readDocument(number, known);
  return await gateway.ask(query, { ...variables, ...changes }, headers);
}

/** A minute passes between documents, however long one took: each has a moment of its own. */
async function run(number: string, changes?: Record<string, unknown>): Promise<Json> {
  moment += 60_000;
  await gateway.setClock(new Date(moment).toISOString());
  const { data, errors } = await send(number, changes);
  expect(errors).toEqual([]);
  answers[number] = data;
  return data;
}

describeDocuments('what the clients send', () => {
  beforeAll(async () => {
    gateway = await startTestGateway();
    await gateway.setClock(NOON);
  });
  afterAll(() => gateway.close());

  it.each(DUE)('%s fits the emitted schema', async (number) => {
    const schema = buildSchema(await readFile('schema/schema.graphql', 'utf8'));
    const { query } = await readDocument(number, new Proxy({}, { has: () => true }));
    expect(validate(schema, parse(query))).toEqual([]);
  });

  it('01 enrols a member with the bonus, in the lowest tier', async () => {
    const { createMember } = await run('01');
    known.memberId = createMember.member.id;
    expect(createMember).toEqual({
      member: {
        id: expect.stringMatching(/^mem_[0-9a-z]{26}$/),
        displayName: '林小满',
        status: 'ACTIVE',
        enrolledAt: expect.stringMatching(/^2026-11-20T04:01:\d\d\.\d{3}Z$/),
        identities: [
          { kind: 'PHONE', value: '+8613800138000', verified: false },
          { kind: 'WECHAT_OPENID', value: 'o6_bmjrPTlm6_2sgVt7hMZOPfL2M', verified: false },
        ],
        tier: { code: 'bronze', name: '青铜', rank: 1 },
        ledger: { balance: { available: '100', pending: '0', held: '0' }, version: '1' },
      },
      operations: [
        { id: expect.stringMatching(/^op_[0-9a-z]{26}$/), kind: 'EARN' },
        { id: expect.stringMatching(/^op_[0-9a-z]{26}$/), kind: 'EARN' },
      ],
      userErrors: [],
    });
  });

  it('01 gives the ten tokens beside the hundred points', async () => {
    const { data } = await gateway.ask(
      'query($id: ID!) { member(id: $id) { ledgers { asset { code } balance { available } version } } }',
      { id: known.memberId },
    );
    expect(data.member.ledgers).toEqual([
      { asset: { code: 'points' }, balance: { available: '100' }, version: '1' },
      { asset: { code: 'growth' }, balance: { available: '0' }, version: '0' },
      { asset: { code: 'token' }, balance: { available: '10' }, version: '1' },
    ]);
  });

  it('02 gives points for the next day, growth at once, and a reason for each', async () => {
    known.now = '2026-11-20T12:02:00+08:00';
    const { recordActivity } = await run('02');
    const rule = (code: string) => ({ code, version: 1 });
    const points = { rule: rule('purchase-points'), extension: null, outcome: 'APPLIED' };
    const growth = { rule: rule('purchase-growth'), extension: null, outcome: 'APPLIED' };
    expect(recordActivity).toEqual({
      activity: {
        id: expect.stringMatching(/^act_[0-9a-z]{26}$/),
        type: 'purchase',
        occurredAt: '2026-11-20T04:02:00.000Z',
        amount: { value: '238.00', currency: 'CNY' },
        explanations: [
          { ...points, summary: '消费积分：+20 积分' },
          { ...growth, summary: '消费成长值：+238 成长值' },
        ],
      },
      member: { id: known.memberId, tier: { code: 'bronze' } },
      operations: [
        {
          id: expect.stringMatching(/^op_/),
          kind: 'EARN',
          entries: [
            {
              asset: { code: 'points' },
              amount: '20',
              balanceAfter: '100',
              version: '2',
              status: 'PENDING',
              availableAt: MIDNIGHT,
              expiresAt: EXPIRY,
            },
          ],
          explanation: { ...points, summary: '消费积分：+20 积分' },
        },
        {
          id: expect.stringMatching(/^op_/),
          kind: 'EARN',
          entries: [
            {
              asset: { code: 'growth' },
              amount: '238',
              balanceAfter: '238',
              version: '1',
              status: 'POSTED',
              availableAt: '2026-11-20T04:02:00.000Z',
              expiresAt: null,
            },
          ],
          explanation: { ...growth, summary: '消费成长值：+238 成长值' },
        },
      ],
      userErrors: [],
    });
  });

  it('03 credits points directly, by one operation of one entry', async () => {
    const { earnPoints } = await run('03');
    const { createdAt } = earnPoints.operation;
    expect(createdAt).toMatch(/^2026-11-20T04:03:\d\d\.\d{3}Z$/);
    expect(earnPoints).toEqual({
      operation: {
        id: expect.stringMatching(/^op_/),
        kind: 'EARN',
        createdAt,
        entries: [
          {
            id: expect.stringMatching(/^ent_/),
            asset: { code: 'points' },
            amount: '500',
            postedDelta: '500',
            pendingDelta: '0',
            heldDelta: '0',
            balanceAfter: '600',
            version: '3',
            status: 'POSTED',
            availableAt: createdAt,
            expiresAt: EXPIRY,
          },
        ],
      },
      ledger: {
        id: expect.stringMatching(/^led_/),
        balance: { available: '600', pending: '20', held: '0' },
        version: '3',
      },
      userErrors: [],
    });
  });

  it('04 shows the whole card in one round trip', async () => {
    const { member } = await run('04');
    known.eventCursor = member.ledger.eventCursor;
    const { ledgers, ledger, ...person } = member;
    expect(person).toEqual({
      id: known.memberId,
      displayName: '林小满',
      tier: { code: 'bronze', name: '青铜', rank: 1 },
      tierStatus: expect.objectContaining({ until: null, retention: null }),
      grants: { edges: [] },
      tags: [],
    });
    const nothingExpires = { expiring: [] };
    expect(ledgers).toEqual([
      {
        asset: { code: 'points', kind: 'POINTS', name: '积分' },
        balance: { available: '600', pending: '20', held: '0' },
        ...nothingExpires,
      },
      {
        asset: { code: 'growth', kind: 'GROWTH', name: '成长值' },
        balance: { available: '238', pending: '0', held: '0' },
        ...nothingExpires,
      },
      {
        asset: { code: 'token', kind: 'TOKEN', name: '茶券' },
        balance: { available: '10', pending: '0', held: '0' },
        ...nothingExpires,
      },
    ]);
    expect(ledger).toMatchObject({ version: '3', entries: { pageInfo: { hasNextPage: false } } });
    expect(ledger.entries.pageInfo.endCursor).toBe(ledger.entries.edges[2].cursor);
    expect(ledger.entries.edges.map(({ node }: Json) => node)).toEqual([
      entry({ amount: '500', balanceAfter: '600', version: '3', reason: 'goodwill' }),
      entry({ amount: '20', balanceAfter: '100', version: '2', reason: 'purchase', status: 'PENDING' }),
      entry({ amount: '100', balanceAfter: '100', version: '1', reason: 'enrolment' }),
    ]);
  });

  it('06 spends from the oldest of the lots that expire first', async () => {
    const { redeemPoints } = await run('06');
    known.redeemOperationId = redeemPoints.operation.id;
    const lot = { id: expect.stringMatching(/^lot_/), expiresAt: EXPIRY };
    expect(redeemPoints).toEqual({
      operation: {
        id: expect.stringMatching(/^op_/),
        kind: 'REDEEM',
        entries: [{ amount: '-120', balanceAfter: '480', version: '4' }],
        // The bonus wholly, then what was credited by hand: the purchase's points are not due before
        // midnight.
        allocations: [
          { lot, amount: '100' },
          { lot, amount: '20' },
        ],
      },
      ledger: { balance: { available: '480', pending: '20', held: '0' }, version: '4' },
      userErrors: [],
    });
  });

  it('13 pages through the ledger to its end', async () => {
    const first = (await run('13')).member.ledger;
    expect(first.version).toBe('4');
    expect(first.balance).toEqual({ available: '480', pending: '20', held: '0' });
    expect(first.entries.pageInfo).toEqual({
      hasNextPage: true,
      endCursor: first.entries.edges[2].cursor,
    });
    const second = (await run('13', { after: first.entries.pageInfo.endCursor })).member.ledger;
    expect(second.entries.pageInfo.hasNextPage).toBe(false);
    const nodes = [...first.entries.edges, ...second.entries.edges].map(({ node }: Json) => node);
    expect(
      nodes.map(({ version, kind, amount, balanceAfter }: Json) => [version, kind, amount, balanceAfter]),
    ).toEqual([
      ['4', 'REDEEM', '-120', '480'],
      ['3', 'EARN', '500', '600'],
      ['2', 'EARN', '20', '100'],
      ['1', 'EARN', '100', '100'],
    ]);
    expect(
      nodes.map(({ operation }: Json) => [operation.reference, operation.explanation?.summary ?? null]),
    ).toEqual([
      [{ type: 'order', id: '20261121-0007' }, null],
      [{ type: 'ticket', id: 'T-9' }, null],
      [{ type: 'order', id: '20261120-0001' }, '消费积分：+20 积分'],
      [null, '入会礼：+100 积分'],
    ]);
    const beyond = (await run('13', { after: second.entries.pageInfo.endCursor })).member.ledger;
    expect(beyond.entries).toEqual({ edges: [], pageInfo: { hasNextPage: false, endCursor: null } });
  });

  it('13 shows the lots, and the balance as it stood at a moment', async () => {
    const { lots, holds } = (await run('13')).member.ledger;
    expect(lots.edges.map(({ node: { id, ...lot } }: Json) => lot)).toEqual([
      { amount: '100', remaining: '0', availableAt: expect.stringContaining('T04:01:'), expiresAt: EXPIRY },
      { amount: '20', remaining: '20', availableAt: MIDNIGHT, expiresAt: EXPIRY },
      { amount: '500', remaining: '480', availableAt: expect.stringContaining('T04:03:'), expiresAt: EXPIRY },
    ]);
    expect(holds).toEqual({ edges: [] });
    const balanceAt = async (at: string): Promise<Json> => (await run('13', { at })).member.ledger.balance;
    expect(await balanceAt('2026-11-20T12:00:59+08:00')).toEqual({ available: '0', pending: '0', held: '0' });
    expect(await balanceAt('2026-11-20T12:01:59+08:00')).toEqual({
      available: '100',
      pending: '0',
      held: '0',
    });
    expect(await balanceAt('2026-11-20T12:02:59+08:00')).toEqual({
      available: '100',
      pending: '20',
      held: '0',
    });
    expect(await balanceAt('2026-11-20T12:03:59+08:00')).toEqual({
      available: '600',
      pending: '20',
      held: '0',
    });
    const { data, errors } = await send('13', { at: '2026-11-21T12:00:00+08:00' });
    expect(data.member.ledger).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'AT_IN_FUTURE', field: ['at'] } }]);
  });

  it('22 tells what was missed since the card was read, and then what happens', async () => {
    const { query, variables } = await readDocument('22', known);
    const following = follow(gateway, { query, variables: { ...variables, after: known.eventCursor } });
    try {
      const missed = await following.event();
      expect(missed).toMatchObject({
        cursor: expect.any(String),
        type: 'REDEEMED',
        entry: { kind: 'REDEEM', amount: '-120', balanceAfter: '480', version: '4', reason: 'reward' },
        ledger: {
          asset: { code: 'points' },
          balance: { available: '480', pending: '20', held: '0' },
          version: '4',
        },
        nudge: null,
      });
      await send('03', {
        input: { ...(await readDocument('03', known)).variables.input, idempotencyKey: 'live' },
      });
      const live = await following.event();
      expect(live).toMatchObject({
        type: 'EARNED',
        entry: { kind: 'EARN', amount: '500', balanceAfter: '980', version: '5' },
        ledger: { balance: { available: '980', pending: '20', held: '0' }, version: '5' },
      });
      expect(Buffer.byteLength(live.cursor)).toBeLessThanOrEqual(64);
    } finally {
      await following.stop();
    }
  });

  it('25 refetches by id, and answers null for what is not there', async () => {
    expect(await run('25')).toEqual({
      node: { __typename: 'Member', id: known.memberId, displayName: '林小满' },
    });
    const { id } = answers['03'].earnPoints.ledger;
    expect(await run('25', { id })).toEqual({ node: { __typename: 'Ledger', id, version: '5' } });
    for (const unknown of ['mem_01jdb4g8vse3aaaaaaaaaaaaaa', 'mem_', 'nonsense', '']) {
      expect(await run('25', { id: unknown })).toEqual({ node: null });
    }
  });

  it('lets a member send 04, 06, 13 and 25 about themselves alone', async () => {
    const { variables } = await readDocument('01', known);
    const identities = [{ kind: 'PHONE', value: '+8613900139000' }];
    const { data } = await send('01', {
      input: { ...variables.input, idempotencyKey: 'friend', identities },
    });
    known.friendId = data.createMember.member.id;
    const me = await gateway.asMember(known.memberId);
    const friend = await gateway.asMember(known.friendId);
    expect((await send('04', {}, me)).data.member.id).toBe(known.memberId);
    expect((await send('04', {}, friend)).data).toEqual({ member: null });
    expect((await send('13', {}, me)).data.member.ledger.version).toBe('5');
    expect((await send('13', {}, friend)).data).toEqual({ member: null });
    expect((await send('25', {}, me)).data.node.id).toBe(known.memberId);
    expect((await send('25', {}, friend)).data).toEqual({ node: null });
    const spend = { input: { ...(await readDocument('06', known)).variables.input, idempotencyKey: 'mine' } };
    expect((await send('06', spend, friend)).data.redeemPoints).toMatchObject({
      operation: null,
      userErrors: [{ code: 'MEMBER_NOT_FOUND', field: ['memberId'] }],
    });
    expect((await send('06', spend, me)).data.redeemPoints.ledger.version).toBe('6');
    for (const forStaff of ['01', '02', '03']) {
      expect(await send(forStaff, {}, me)).toMatchObject({
        status: 403,
        data: null,
        errors: [{ extensions: { code: 'FORBIDDEN' } }],
      });
    }
  });

  it.each(['01', '02', '03', '06'])('%s sent again gives its first answer', async (number) => {
    expect((await send(number)).data).toEqual(answers[number]);
  });

  it('the purchase’s points are there after the next midnight in Shanghai', async () => {
    moment = Date.parse('2026-11-21T00:00:00+08:00');
    const { ledger } = (await run('04')).member;
    const [points] = answers['04'].member.ledgers;
    expect(points.balance).toEqual({ available: '880', pending: '0', held: '0' });
    const purchase = ledger.entries.edges.find(({ node }: Json) => node.reason === 'purchase');
    expect(purchase.node.status).toBe('POSTED');
  });

  it('02 sent again gives its first answer even when what was pending is due', async () => {
    expect((await send('02')).data).toEqual(answers['02']);
  });
});

function entry(changes: Record<string, string>): object {
  const id = expect.stringMatching(/^ent_/);
  return {
    id,
    kind: 'EARN',
    status: 'POSTED',
    occurredAt: expect.stringContaining('2026-11-20T04:0'),
    ...changes,
  };
}
