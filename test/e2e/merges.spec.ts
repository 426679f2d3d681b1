import { setClock } from '../ledger/tenants.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { newRequestKey } from '../support/members.ts';
import { applyProgram, type OwnTenant, tenantWith } from '../support/own-tenant.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

const PROGRAM = `name: { en: Merging }
timeZone: Europe/Berlin
currency: EUR
assets:
  - { code: points, kind: POINTS, name: { en: Points }, expiry: { after: P365D }, floor: NONE }
  - { code: growth, kind: GROWTH, name: { en: Growth }, spendable: false }
ladders:
  - code: main
    name: { en: Main }
    metric: growth
    tiers:
      - { code: base, name: { en: Base }, threshold: "0" }
      - { code: gold, name: { en: Gold }, threshold: "100", benefits: [lounge] }
benefits:
  - { code: lounge, name: { en: Lounge }, kind: ACCESS }
  - { code: gift, name: { en: Gift }, kind: GIFT }
tags: [{ code: vip, name: { en: VIP } }]
rules:
  - { code: welcome, name: { en: Welcome }, trigger: hello, once: { per: member, window: lifetime },
      postings: [{ asset: points, amount: 5 }] }
  - { code: buy, name: { en: Buy }, trigger: purchase, postings: [{ asset: points, amount: 50 }] }`;

const tenantOf = (): Promise<OwnTenant> => tenantWith(gateway, PROGRAM, '2026-03-10T10:00:00Z');

let cards = 0;
async function member({ act }: OwnTenant, tags: string[] = []): Promise<{ id: string; card: string }> {
  cards += 1;
  const card = `merge-${cards}`;
  const input = { idempotencyKey: newRequestKey(), identities: [{ kind: 'CARD', value: card }], tags };
  return { id: (await act('createMember', input, 'member { id }')).member.id, card };
}

const OPERATION =
  'operation { id kind inputHash entries { amount postedDelta pendingDelta asset { code } ledger { member { id } } } }';

async function post(
  { act }: OwnTenant,
  mutation: string,
  memberId: string,
  amount: string,
  more = {},
): Promise<Json> {
  const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount, ...more };
  const payload = await act(mutation, input, 'operation { id }');
  expect(payload.userErrors).toEqual([]);
  return payload.operation.id;
}

function merge({ act }: OwnTenant, fromMemberId: string, intoMemberId: string, more = {}): Promise<Json> {
  const input = {
    idempotencyKey: newRequestKey(),
    fromMemberId,
    intoMemberId,
    reason: 'the same person',
    ...more,
  };
  return act(
    'mergeMembers',
    input,
    `member { id status tags { code } tier { code } identities { value } ledger(asset: "points") { balance { available pending } } }
     merged { id status mergedInto { id } identities { value } tier { code } } ${OPERATION}`,
  );
}

async function stateOf({ ask }: OwnTenant, id: string): Promise<Json> {
  const { data } = await ask(
    `query($id: ID!) { member(id: $id) { status mergedInto { id } tier { code } tags { code }
       grants(first: 9) { edges { node { benefit { code } status source } } }
       growth: ledger(asset: "growth") { balance { available } }
       ledger(asset: "points") { balance { available pending held }
         lots(first: 9) { edges { node { amount remaining expiresAt availableAt } } } } } }`,
    { id },
  );
  return data.member;
}

async function record({ act }: OwnTenant, memberId: string, type: string, more = {}): Promise<Json> {
  const input = { idempotencyKey: newRequestKey(), memberId, type, ...more };
  return await act('recordActivity', input, 'activity { id } operations { id kind entries { amount } }');
}

describe('two members who are one person', () => {
  it('become one, with identities, balances, lots, grants, tags and the tier that both reach together', async () => {
    const tenant = await tenantOf();
    const from = await member(tenant, ['vip']);
    const into = await member(tenant);
    await post(tenant, 'earnPoints', from.id, '30', { expiresAt: '2026-04-01T00:00:00Z' });
    await post(tenant, 'earnPoints', from.id, '20', { availableAt: '2026-03-12T00:00:00Z' });
    await post(tenant, 'earnPoints', from.id, '60', { asset: 'growth' });
    await post(tenant, 'earnPoints', into.id, '7');
    await post(tenant, 'earnPoints', into.id, '50', { asset: 'growth' });
    const granted = { idempotencyKey: newRequestKey(), memberId: from.id, benefit: 'gift', reason: 'sorry' };
    expect((await tenant.act('grantBenefit', granted, 'grant { id }')).userErrors).toEqual([]);

    const { userErrors, member: stayed, merged, operation } = await merge(tenant, from.id, into.id);
    expect(userErrors).toEqual([]);
    expect(stayed).toEqual({
      id: into.id,
      status: 'ACTIVE',
      tags: [{ code: 'vip' }],
      tier: { code: 'gold' },
      identities: [{ value: into.card }, { value: from.card }],
      ledger: { balance: { available: '37', pending: '20' } },
    });
    expect(merged).toEqual({
      id: from.id,
      status: 'MERGED',
      mergedInto: { id: into.id },
      identities: [],
      tier: null,
    });
    expect(operation.kind).toBe('MERGE');
    expect(operation.inputHash).toMatch(/^[0-9a-f]{64}$/);
    const moved = operation.entries.map(({ asset, amount, ledger }: Json) => [
      asset.code,
      amount,
      ledger.member.id,
    ]);
    expect(new Set(moved.map(String))).toEqual(
      new Set([
        `growth,-60,${from.id}`,
        `points,-50,${from.id}`,
        `growth,60,${into.id}`,
        `points,50,${into.id}`,
      ]),
    );
    const after = await stateOf(tenant, into.id);
    const lots = after.ledger.lots.edges.map(
      ({ node }: Json) => `${node.amount} till ${node.expiresAt.slice(0, 10)}`,
    );
    expect(lots.toSorted()).toEqual(['20 till 2027-03-10', '30 till 2026-04-01', '7 till 2027-03-10']);
    expect(after.growth.balance.available).toBe('110');
    expect(
      new Set(after.grants.edges.map(({ node }: Json) => `${node.benefit.code} ${node.status}`)),
    ).toEqual(new Set(['gift AVAILABLE', 'lounge AVAILABLE']));
    const before = await stateOf(tenant, from.id);
    expect(before.ledger.balance).toEqual({ available: '0', pending: '0', held: '0' });
    expect(before.growth.balance.available).toBe('0');
    await setClock(gateway.application, tenant.tenantKey, '2026-03-12T00:00:00Z');
    expect((await stateOf(tenant, into.id)).ledger.balance).toEqual({
      available: '57',
      pending: '0',
      held: '0',
    });
    const { data } = await tenant.ask('query($i: IdentityInput!) { memberByIdentity(identity: $i) { id } }', {
      i: { kind: 'CARD', value: from.card },
    });
    expect(data.memberByIdentity.id).toBe(into.id);
    const refused = await record(tenant, from.id, 'hello');
    expect(refused.userErrors[0].code).toBe('MEMBER_NOT_ACTIVE');
  });

  it('share what is given once in a lifetime, and what one of them owes', async () => {
    const tenant = await tenantOf();
    const [from, into] = [await member(tenant), await member(tenant)];
    expect((await record(tenant, from.id, 'hello')).operations).toHaveLength(1);
    await post(tenant, 'adjustPoints', from.id, '-45', { reason: 'a correction' });
    await post(tenant, 'earnPoints', into.id, '100');
    expect((await merge(tenant, from.id, into.id)).userErrors).toEqual([]);
    expect((await stateOf(tenant, into.id)).ledger.balance.available).toBe('60');
    expect((await record(tenant, into.id, 'hello')).operations).toHaveLength(0);
    await post(tenant, 'redeemPoints', into.id, '60');
  });

  it('can be merged on, and what each earned or spent before is taken back from who is left', async () => {
    const tenant = await tenantOf();
    const [first, second, third] = [await member(tenant), await member(tenant), await member(tenant)];
    const earned = await post(tenant, 'earnPoints', first.id, '40');
    const spent = await post(tenant, 'redeemPoints', first.id, '15');
    const order = { amount: { value: '10.00', currency: 'EUR' }, order: { number: 'A-1' } };
    expect((await record(tenant, first.id, 'purchase', order)).userErrors).toEqual([]);
    await merge(tenant, first.id, second.id);
    await post(tenant, 'earnPoints', second.id, '1');
    const { member: stayed } = await merge(tenant, second.id, third.id);
    expect(stayed.ledger.balance.available).toBe('76');
    expect((await stateOf(tenant, first.id)).mergedInto.id).toBe(third.id);

    const undo = (operationId: string, amount?: string) =>
      tenant.act(
        'reverseOperation',
        { idempotencyKey: newRequestKey(), operationId, amount },
        'operation { entries { amount ledger { member { id } } } } ledger { balance { available } }',
      );
    const back = await undo(spent);
    expect(back.userErrors).toEqual([]);
    expect(back.operation.entries).toEqual([{ amount: '15', ledger: { member: { id: third.id } } }]);
    expect(back.ledger.balance.available).toBe('91');
    expect((await undo(earned, '30')).ledger.balance.available).toBe('61');
    expect((await undo(earned, '11')).userErrors[0].code).toBe('REVERSAL_EXCEEDS_ORIGINAL');
    expect((await undo(earned)).ledger.balance.available).toBe('51');

    const refund = await record(tenant, third.id, 'refund', { order: { number: 'A-1' } });
    expect(refund.userErrors).toEqual([]);
    expect(refund.operations[0].entries).toEqual([{ amount: '-50' }]);
    expect((await stateOf(tenant, third.id)).ledger.balance.available).toBe('1');
    const activities = await tenant.ask(
      'query($id: ID!) { member(id: $id) { activities(first: 9) { edges { node { type } } } } }',
      { id: third.id },
    );
    expect(activities.data.member.activities.edges.map(({ node }: Json) => node.type)).toEqual([
      'refund',
      'purchase',
    ]);
  });

  it('leave who ended without a tier, whatever is reviewed later, also in a ladder that is new then', async () => {
    const tenant = await tenantOf();
    const [first, second] = [await member(tenant), await member(tenant)];
    await merge(tenant, first.id, second.id);
    const also = `  - code: also
    name: { en: Also }
    metric: growth
    tiers: [{ code: low, name: { en: Low }, threshold: "0" }]`;
    await applyProgram(tenant, PROGRAM.replace('\nbenefits:', `\n${also}\nbenefits:`));
    const day = { idempotencyKey: newRequestKey(), by: 'P1D' };
    expect((await tenant.act('advanceTestClock', day, 'now')).userErrors).toEqual([]);
    expect((await stateOf(tenant, first.id)).tier).toBeNull();
    const { data } = await tenant.ask(`{ main: tierLadder { tiers { code memberCount } }
      also: tierLadder(code: "also") { tiers { code memberCount } } }`);
    expect(data.main.tiers).toEqual([
      { code: 'base', memberCount: 1 },
      { code: 'gold', memberCount: 0 },
    ]);
    expect(data.also.tiers).toEqual([{ code: 'low', memberCount: 1 }]);
  });

  it('are refused while one has holds, for the same member twice, and for one who isn’t there', async () => {
    const tenant = await tenantOf();
    const [from, into] = [await member(tenant), await member(tenant)];
    await post(tenant, 'earnPoints', from.id, '40');
    const held = await tenant.act(
      'holdPoints',
      { idempotencyKey: newRequestKey(), memberId: from.id, asset: 'points', amount: '10' },
      'hold { id }',
    );
    const codeOf = async (fromId: string, intoId: string) =>
      (await merge(tenant, fromId, intoId)).userErrors[0];
    await expectNothingWritten(gateway, async () => {
      expect(await codeOf(from.id, into.id)).toMatchObject({
        code: 'MEMBER_HAS_HOLDS',
        field: ['fromMemberId'],
      });
      expect(await codeOf(from.id, from.id)).toMatchObject({ code: 'SELF_MERGE', field: ['intoMemberId'] });
      expect(await codeOf('mem_nobody', into.id)).toMatchObject({
        code: 'MEMBER_NOT_FOUND',
        field: ['fromMemberId'],
      });
    });
    await tenant.act('releaseHold', { idempotencyKey: newRequestKey(), holdId: held.hold.id }, 'hold { id }');
    await expectNothingWritten(gateway, async () => {
      expect((await merge(tenant, from.id, into.id, { dryRun: true })).member.ledger.balance.available).toBe(
        '40',
      );
    });
    const once = { idempotencyKey: newRequestKey() };
    const done = await merge(tenant, from.id, into.id, once);
    expect((await merge(tenant, from.id, into.id, once)).operation).toEqual(done.operation);
    expect(await codeOf(from.id, into.id)).toMatchObject({
      code: 'MEMBER_NOT_ACTIVE',
      field: ['fromMemberId'],
    });
    expect(await codeOf(into.id, from.id)).toMatchObject({
      code: 'MEMBER_NOT_ACTIVE',
      field: ['intoMemberId'],
    });
  });

  it('lose and double nothing while both earn and spend', async () => {
    const tenant = await tenantOf();
    const [from, into] = [await member(tenant), await member(tenant)];
    await post(tenant, 'earnPoints', from.id, '1000');
    await post(tenant, 'earnPoints', into.id, '1000');
    const acting = Array.from({ length: 60 }, async (_, index) => {
      const memberId = index % 2 === 0 ? from.id : into.id;
      const mutation = index % 3 === 0 ? 'redeemPoints' : 'earnPoints';
      const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: '3' };
      const { userErrors } = await tenant.act(mutation, input, 'operation { id }');
      if (userErrors.length > 0) {
        expect(userErrors[0].code).toBe('MEMBER_NOT_ACTIVE');
        expect(memberId).toBe(from.id);
        return 0;
      }
      return mutation === 'earnPoints' ? 3 : -3;
    });
    const [merged, ...moved] = await Promise.all([merge(tenant, from.id, into.id), ...acting]);
    expect(merged.userErrors).toEqual([]);
    const whole = moved.reduce<number>((sum, one) => sum + one, 2000);
    expect((await stateOf(tenant, into.id)).ledger.balance.available).toBe(String(whole));
    expect((await stateOf(tenant, from.id)).ledger.balance.available).toBe('0');
  });
});
