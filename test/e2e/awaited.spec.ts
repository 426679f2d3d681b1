import { setClock } from '../ledger/tenants.ts';
import { auditLedgers } from '../support/audit.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, tenantWith } from '../support/own-tenant.ts';

// Points that fall due when the order is completed, or after thirty days without that.

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

const PROGRAM = `name: { en: Awaited }
timeZone: Europe/Berlin
currency: EUR
assets:
  - { code: points, kind: POINTS, name: { en: Points }, expiry: { after: P365D } }
  - { code: stars, kind: TOKEN, name: { en: Stars }, maturity: { after: P30D, event: order_completed } }
rules:
  - code: buy
    name: { en: Buy }
    trigger: purchase
    postings:
      - { asset: points, amount: 50, availableAfter: P30D, availableOn: order_completed }
      - { asset: points, amount: 5 }
      - { asset: stars, amount: 1 }`;

async function shop(): Promise<{ tenant: OwnTenant; memberId: string }> {
  const tenant = await tenantWith(gateway, PROGRAM, '2026-03-10T11:00:00Z');
  return { tenant, memberId: await enrol(tenant) };
}

async function record(
  { act }: OwnTenant,
  memberId: string,
  type: string,
  number: string,
  more = {},
): Promise<Json> {
  const input = { idempotencyKey: newRequestKey(), memberId, type, order: { number }, ...more };
  const payload = await act(
    'recordActivity',
    input,
    'operations { kind reason reference { type id } explanation { outcome } entries { amount asset { code } } }',
  );
  expect(payload.userErrors).toEqual([]);
  return payload.operations;
}

const TEN = { amount: { value: '10.00', currency: 'EUR' } };

async function balances({ ask }: OwnTenant, id: string): Promise<string[]> {
  const { data } = await ask(
    `query($id: ID!) { member(id: $id) {
       points: ledger(asset: "points") { balance { available pending } }
       stars: ledger(asset: "stars") { balance { available pending } } } }`,
    { id },
  );
  const { points, stars } = data.member;
  return [points, stars].map(({ balance }) => `${balance.available}+${balance.pending}`);
}

/** When each lot was made, and which have fallen due. */
async function lotsOf({ tenantKey }: OwnTenant): Promise<{ made: unknown[]; due: number }> {
  const text = 'select lot_id, created_at, matured_at from lot where tenant_id = ? order by lot_id';
  const rows = await gateway.application.database.unitOfWork(
    tenantKey,
    (em): Promise<{ lot_id: string; created_at: Date; matured_at: Date | null }[]> =>
      em.execute(text, [tenantKey]),
  );
  return {
    made: rows.map(({ lot_id, created_at }) => [lot_id, created_at]),
    due: rows.filter(({ matured_at }) => matured_at !== null).length,
  };
}

describe('points that wait for an order to be completed', () => {
  it('fall due with it, each asset in an operation of its own, and only those of that order', async () => {
    const { tenant, memberId } = await shop();
    await record(tenant, memberId, 'purchase', 'A', TEN);
    await record(tenant, memberId, 'purchase', 'B', TEN);
    expect(await balances(tenant, memberId)).toEqual(['10+100', '0+2']);
    await setClock(gateway.application, tenant.tenantKey, '2026-03-14T11:00:00Z');
    const before = await lotsOf(tenant);
    const operations = await record(tenant, memberId, 'order_completed', 'A');
    expect(operations).toHaveLength(2);
    expect(await lotsOf(tenant)).toEqual({ made: before.made, due: before.due + 2 });
    for (const one of operations) {
      expect(one).toMatchObject({
        kind: 'MATURE',
        reason: 'order_completed',
        reference: { type: 'order', id: 'A' },
      });
    }
    expect(await balances(tenant, memberId)).toEqual(['60+50', '1+1']);
    const history = await tenant.ask(
      `query($id: ID!) { member(id: $id) { ledger(asset: "points") {
         then: balance(at: "2026-03-13T00:00:00Z") { available pending }
         entries(first: 9) { edges { node { kind amount status } } } } } }`,
      { id: memberId },
    );
    const { then, entries } = history.data.member.ledger;
    expect(then).toEqual({ available: '10', pending: '100' });
    expect(entries.edges.map(({ node }: Json) => `${node.kind} ${node.amount} ${node.status}`)).toEqual([
      'MATURE 50 POSTED',
      'EARN 5 POSTED',
      'EARN 50 PENDING',
      'EARN 5 POSTED',
      'EARN 50 POSTED',
    ]);
  });

  it('fall due by themselves in the end, and then an event changes nothing any more', async () => {
    const { tenant, memberId } = await shop();
    await record(tenant, memberId, 'purchase', 'C', TEN);
    await setClock(gateway.application, tenant.tenantKey, '2026-04-08T21:59:00Z');
    expect(await balances(tenant, memberId)).toEqual(['5+50', '0+1']);
    await setClock(gateway.application, tenant.tenantKey, '2026-04-08T22:00:00Z');
    expect(await balances(tenant, memberId)).toEqual(['55+0', '1+0']);
    expect(await record(tenant, memberId, 'order_completed', 'C')).toEqual([]);
    expect(await balances(tenant, memberId)).toEqual(['55+0', '1+0']);
  });

  it('are taken back by a refund before the order is completed, and the rest falls due with it', async () => {
    const { tenant, memberId } = await shop();
    await record(tenant, memberId, 'purchase', 'D', TEN);
    await record(tenant, memberId, 'refund', 'D');
    expect(await balances(tenant, memberId)).toEqual(['0+0', '0+0']);
    expect(await record(tenant, memberId, 'order_completed', 'D')).toEqual([]);
  });

  it('fall due once, however often and however many at once it is told', async () => {
    const { tenant, memberId } = await shop();
    await record(tenant, memberId, 'purchase', 'E', TEN);
    const input = { memberId, type: 'order_completed', order: { number: 'E' } };
    const answers = await Promise.all(
      Array.from({ length: 12 }, () =>
        tenant.act('recordActivity', { idempotencyKey: newRequestKey(), ...input }, 'operations { kind }'),
      ),
    );
    const codes = answers.flatMap(({ userErrors }) => userErrors.map(({ code }: Json) => code));
    expect(codes).toEqual(Array.from({ length: 11 }, () => 'DUPLICATE_ORDER'));
    expect(await balances(tenant, memberId)).toEqual(['55+0', '1+0']);
    const once = {
      idempotencyKey: newRequestKey(),
      memberId,
      type: 'order_completed',
      order: { number: 'F' },
    };
    await record(tenant, memberId, 'purchase', 'F', TEN);
    const first = await tenant.act('recordActivity', once, 'operations { id kind }');
    expect(await tenant.act('recordActivity', once, 'operations { id kind }')).toEqual(first);
  });

  it('go along when the member is merged', async () => {
    const { tenant, memberId } = await shop();
    await record(tenant, memberId, 'purchase', 'G', TEN);
    const intoMemberId = await enrol(tenant);
    const input = { idempotencyKey: newRequestKey(), fromMemberId: memberId, intoMemberId };
    expect((await tenant.act('mergeMembers', input, 'member { id }')).userErrors).toEqual([]);
    expect(await balances(tenant, intoMemberId)).toEqual(['5+50', '0+1']);
    expect(await record(tenant, intoMemberId, 'order_completed', 'G')).toHaveLength(2);
    expect(await balances(tenant, intoMemberId)).toEqual(['55+0', '1+0']);
  });
});
