import { operatorContext } from '../../src/boot/index.ts';
import { IdentityKind } from '../../src/domain/members/index.ts';
import { toPublicId } from '../../src/kernel/ids.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { newTenant, outcomesOf, type TestTenant } from './tenants.ts';

let gateway: TestGateway;
let demo: TestTenant;

beforeAll(async () => {
  gateway = await startTestGateway();
  // Far from a midnight, at which what is pending falls due.
  await gateway.setClock('2026-11-20T12:00:00+08:00');
  demo = { tenantKey: gateway.tenantKey, ctx: operatorContext(gateway.tenantKey, 'a test') };
});

afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

const times = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));

const BALANCE = `query($id: ID!) { member(id: $id) { ledger(asset: "points") { version balance { available pending } } } }`;

async function ledgerOf(memberId: string) {
  const { data } = await gateway.ask(BALANCE, { id: memberId });
  return data.member.ledger;
}

const EARN = `mutation($input: EarnPointsInput!) {
  earnPoints(input: $input) {
    operation { id kind createdAt entries { id version amount balanceAfter recordedAt } }
    ledger { id version balance { available pending } eventCursor }
    userErrors { code field }
  }
}`;

describe('spends at once', () => {
  it('of a balance that covers one: one is done, and all others are refused', async () => {
    const memberId = await enrol(gateway);
    const { ledgers } = gateway.application.services;
    const redeem = () =>
      ledgers.redeem(demo.ctx, { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: 100n });
    expect(await outcomesOf(times(200, redeem))).toEqual({ done: 1, INSUFFICIENT_BALANCE: 199 });
    expect(await ledgerOf(memberId)).toEqual({ version: '2', balance: { available: '0', pending: '0' } });
  });

  it('of a balance that covers some: so many are done', async () => {
    const memberId = await enrol(gateway);
    const { ledgers } = gateway.application.services;
    const redeem = (index: number) =>
      ledgers.redeem(demo.ctx, {
        idempotencyKey: newRequestKey(),
        memberId,
        asset: 'points',
        amount: index % 2 === 0 ? 7n : 101n,
      });
    expect(await outcomesOf(times(60, redeem))).toEqual({ done: 14, INSUFFICIENT_BALANCE: 46 });
    expect(await ledgerOf(memberId)).toEqual({ version: '15', balance: { available: '2', pending: '0' } });
  });

  it('that are refused leave every row as it was', async () => {
    const memberId = await enrol(gateway);
    const { ledgers } = gateway.application.services;
    const redeem = () =>
      ledgers.redeem(demo.ctx, { idempotencyKey: 'never bound', memberId, asset: 'points', amount: 101n });
    const outcomes = await expectNothingWritten(gateway, () => outcomesOf(times(20, redeem)));
    expect(outcomes).toEqual({ INSUFFICIENT_BALANCE: 20 });
  });
});

describe('the same key at once', () => {
  it('with the same input: one operation, and the same answer to everybody', async () => {
    const memberId = await enrol(gateway);
    const input = { idempotencyKey: 'twenty at once', memberId, asset: 'points', amount: '5' };
    const answers = await Promise.all(times(20, () => gateway.ask(EARN, { input })));
    const [first] = answers;
    expect(first?.data.earnPoints).toMatchObject({
      operation: { kind: 'EARN', entries: [{ version: '2', amount: '5', balanceAfter: '105' }] },
      ledger: { version: '2', balance: { available: '105' } },
      userErrors: [],
    });
    expect(answers).toEqual(answers.map(() => first));
    expect(await ledgerOf(memberId)).toMatchObject({ version: '2' });
  });

  it('with other inputs: one is done, and the others are in conflict', async () => {
    const memberId = await enrol(gateway);
    const answers = await Promise.all(
      times(20, (index) =>
        gateway.ask(EARN, {
          input: { idempotencyKey: 'one of twenty', memberId, asset: 'points', amount: String(index + 1) },
        }),
      ),
    );
    const done = answers.filter(({ data }) => data.earnPoints.operation !== null);
    const conflicts = answers.filter(({ data }) => data.earnPoints.operation === null);
    expect(done).toHaveLength(1);
    expect(conflicts.map(({ data }) => data.earnPoints)).toEqual(
      times(19, () => ({
        operation: null,
        ledger: null,
        userErrors: [{ code: 'IDEMPOTENCY_CONFLICT', field: ['idempotencyKey'] }],
      })),
    );
    const amount = done[0]?.data.earnPoints.operation.entries[0].amount;
    expect(await ledgerOf(memberId)).toEqual({
      version: '2',
      balance: { available: String(100 + Number(amount)), pending: '0' },
    });
  });

  it('for another mutation: one is done, and the other is in conflict', async () => {
    const memberId = await enrol(gateway);
    const { ledgers } = gateway.application.services;
    const input = { idempotencyKey: 'of two kinds', memberId, asset: 'points', amount: 5n };
    const outcomes = await outcomesOf([ledgers.earn(demo.ctx, input), ledgers.redeem(demo.ctx, input)]);
    expect(outcomes).toEqual({ done: 1, IDEMPOTENCY_CONFLICT: 1 });
  });

  it('for an enrolment: one member, whom everybody is told', async () => {
    const { members } = gateway.application.services;
    const input = {
      idempotencyKey: 'ten enrolments',
      identities: [{ ...newIdentity(), kind: IdentityKind.CARD }],
    };
    const enrolled = await Promise.all(times(10, () => members.create(demo.ctx, input)));
    expect(new Set(enrolled.map(({ member }) => member.memberKey)).size).toBe(1);
    const operations = enrolled.map((one) => one.operations.map(({ operationKey }) => operationKey));
    expect(operations).toEqual(operations.map(() => operations[0]));
    expect(operations[0]).toHaveLength(2);
  });

  it('in two tenants: each has its own', async () => {
    const other = await newTenant(gateway.application, 'same-key');
    const { members } = gateway.application.services;
    const identities = [{ kind: IdentityKind.CARD, value: 'of-both' }];
    const create = ({ ctx }: TestTenant) =>
      members.create(ctx, { idempotencyKey: 'of both tenants', identities });
    const [here, there] = await Promise.all([create(demo), create(other)]);
    expect(here.member.tenantKey).toBe(demo.tenantKey);
    expect(there.member.tenantKey).toBe(other.tenantKey);
    expect(here.member.memberKey).not.toBe(there.member.memberKey);
  });
});

describe('enrolments at once', () => {
  const PHONE = { kind: IdentityKind.PHONE, value: '+86 138 0013 8000' };
  const count = async (table: string): Promise<number> =>
    (await gateway.sql<{ count: number }>(`select count(*)::int as count from ${table}`))[0]?.count ?? 0;

  it('of the same phone: one member, and the others are told that it is taken', async () => {
    const { members } = gateway.application.services;
    const [before, entries] = [await count('member'), await count('entry')];
    const create = (index: number) =>
      members.create(demo.ctx, {
        idempotencyKey: newRequestKey(),
        identities: index % 2 === 0 ? [PHONE] : [{ ...newIdentity(), kind: IdentityKind.CARD }, PHONE],
      });
    expect(await outcomesOf(times(100, create))).toEqual({ done: 1, IDENTITY_TAKEN: 99 });
    expect(await count('member')).toBe(before + 1);
    expect(await count('entry')).toBe(entries + 2);
  });

  it('of the same two identities, in either order, end for everybody', async () => {
    const { members } = gateway.application.services;
    const pair = [newIdentity(), newIdentity()].map(({ value }) => ({ kind: IdentityKind.CARD, value }));
    const create = (index: number) =>
      members.create(demo.ctx, {
        idempotencyKey: newRequestKey(),
        identities: index % 2 === 0 ? pair : pair.toReversed(),
      });
    const outcomes = await outcomesOf(times(12, create));
    expect(outcomes.done).toBe(1);
    expect(
      Object.keys(outcomes).every((code) =>
        ['done', 'IDENTITY_TAKEN', 'IDENTITY_TAKEN, IDENTITY_TAKEN'].includes(code),
      ),
    ).toBe(true);
  });

  it('by first purchases of the same unknown phone: one member, and every purchase counts', async () => {
    const { activities } = gateway.application.services;
    const [before, purchases] = [await count('member'), await count('activity')];
    const record = (index: number) =>
      activities.record(demo.ctx, {
        idempotencyKey: newRequestKey(),
        identity: { kind: IdentityKind.PHONE, value: '+8613900139000' },
        enrolIfUnknown: true,
        type: 'purchase',
        amount: { value: '100.00', currency: 'CNY' },
        order: { number: `first-${index}` },
      });
    const recorded = await Promise.all(times(50, record));
    const keys = new Set(recorded.map(({ member }) => member.memberKey));
    expect(keys.size).toBe(1);
    expect(await count('member')).toBe(before + 1);
    expect(await count('activity')).toBe(purchases + 50);
    const [ledger] = await gateway.sql(
      `select posted::int, pending::int from ledger where member_id = $1 and asset = 'points'`,
      [[...keys][0]],
    );
    expect(ledger).toEqual({ posted: 100, pending: 500 });
  });

  it('by the same order: it counts once', async () => {
    const memberId = await enrol(gateway);
    const { activities } = gateway.application.services;
    const record = () =>
      activities.record(demo.ctx, {
        idempotencyKey: newRequestKey(),
        memberId,
        type: 'purchase',
        amount: { value: '100.00', currency: 'CNY' },
        order: { number: 'once' },
      });
    expect(await outcomesOf(times(20, record))).toEqual({ done: 1, DUPLICATE_ORDER: 19 });
    expect(await ledgerOf(memberId)).toMatchObject({ balance: { available: '100', pending: '10' } });
  });
});

describe('the feed', () => {
  it('numbers entries without a gap, whatever runs at once and is refused', async () => {
    const { ledgers } = gateway.application.services;
    const memberIds = await Promise.all(times(8, () => enrol(gateway)));
    const before = (await gateway.sql('select position::int from tenant_feed'))[0].position;
    const act = (index: number) => {
      const input = {
        idempotencyKey: newRequestKey(),
        memberId: memberIds[index % memberIds.length] ?? '',
        asset: 'points',
        amount: BigInt((index * 37) % 60) + 1n,
      };
      if (index % 3 === 0) return ledgers.earn(demo.ctx, input);
      if (index % 3 === 1) return ledgers.redeem(demo.ctx, input);
      return ledgers.adjust(demo.ctx, { ...input, amount: -input.amount, reason: 'a test' });
    };
    const settled = await Promise.allSettled(times(240, act));
    const done = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(done.length).toBeGreaterThan(80);
    expect(done.length).toBeLessThan(240);
    const positions = done.flatMap(({ writtenEntries }) =>
      (writtenEntries ?? []).map(({ feedPosition }) => Number(feedPosition)),
    );
    expect(positions.sort((a, b) => a - b)).toEqual(times(done.length, (index) => before + index + 1));
  });
});

describe('holds at once', () => {
  it('of a balance that covers one: one is made, and all others are refused', async () => {
    const memberId = await enrol(gateway);
    const { holds } = gateway.application.services;
    const hold = () =>
      holds.hold(demo.ctx, { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: 100n });
    expect(await outcomesOf(times(1_000, hold))).toEqual({ done: 1, INSUFFICIENT_BALANCE: 999 });
    expect(await ledgerOf(memberId)).toEqual({ version: '2', balance: { available: '0', pending: '0' } });
  });

  it('captured and released by many: it ends once', async () => {
    const memberId = await enrol(gateway);
    const { holds } = gateway.application.services;
    const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: 60n };
    const { hold } = await holds.hold(demo.ctx, input);
    const holdId = toPublicId('hold', hold.holdKey);
    const end = (index: number) => {
      const own = { idempotencyKey: newRequestKey(), holdId };
      if (index % 3 === 0) return holds.release(demo.ctx, own);
      return holds.capture(demo.ctx, { ...own, amount: 60n, final: index % 3 === 1 });
    };
    expect(await outcomesOf(times(60, end))).toEqual({ done: 1, HOLD_NOT_ACTIVE: 59 });
    const { balance } = await ledgerOf(memberId);
    expect(['40', '100']).toContain(balance.available);
  });

  it('captured in parts by many: never more than was held', async () => {
    const memberId = await enrol(gateway);
    const { holds } = gateway.application.services;
    const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: 60n };
    const { hold } = await holds.hold(demo.ctx, input);
    const holdId = toPublicId('hold', hold.holdKey);
    const capture = () => holds.capture(demo.ctx, { idempotencyKey: newRequestKey(), holdId, amount: 7n });
    expect(await outcomesOf(times(20, capture))).toEqual({ done: 8, CAPTURE_EXCEEDS_HOLD: 12 });
    expect(await ledgerOf(memberId)).toMatchObject({ balance: { available: '40' } });
  });
});
