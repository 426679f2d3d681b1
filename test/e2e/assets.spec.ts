import { setClock } from '../ledger/tenants.ts';
import { auditLedgers } from '../support/audit.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { applyProgram, type OwnTenant, tenantWith } from '../support/own-tenant.ts';

// What a program says of its assets, carried out through the API.

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

/** A program of one asset, `points`, with these lines of its own, and these rules. */
function programOf(asset: string, rules = '[]', more = ''): string {
  return `name: { en: Assets }
timeZone: Europe/Berlin
currency: EUR
backdating: P3650D
assets:
  - code: points
    kind: POINTS
    name: { en: Points }
    transferable: true
    ${asset}${more}
rules: ${rules}`;
}

interface Place {
  readonly tenant: OwnTenant;
  readonly memberId: string;
}

/** A member of a new tenant with such a program, whose clock shows a moment. */
async function place(source: string, moment = '2026-02-10T11:00:00Z'): Promise<Place> {
  const tenant = await tenantWith(gateway, source, moment);
  return { tenant, memberId: await enrol(tenant) };
}

async function post({ tenant, memberId }: Place, mutation: string, input: object): Promise<Json> {
  const reason = mutation === 'adjustPoints' ? { reason: 'a correction' } : {};
  return await tenant.act(
    mutation,
    { idempotencyKey: newRequestKey(), memberId, asset: 'points', ...reason, ...input },
    'operation { id kind inputHash entries { amount status expiresAt availableAt } }',
  );
}

async function done(at: Place, mutation: string, input: object): Promise<Json> {
  const payload = await post(at, mutation, input);
  expect(payload.userErrors).toEqual([]);
  return payload.operation;
}

async function refused(at: Place, mutation: string, input: object): Promise<[string, string[]]> {
  const { operation, userErrors } = await post(at, mutation, input);
  expect(operation).toBeNull();
  return [userErrors[0].code, userErrors[0].field];
}

async function reverse({ tenant }: Place, operationId: string): Promise<Json> {
  return await tenant.act(
    'reverseOperation',
    { idempotencyKey: newRequestKey(), operationId },
    'operation { kind entries { amount } }',
  );
}

async function ledgerOf({ tenant, memberId }: Place): Promise<Json> {
  const { data } = await tenant.ask(
    `query($id: ID!) { member(id: $id) { ledger(asset: "points") {
       balance { available pending } worth { value currency }
       asset { unit scale rate { amount money { value } } }
       lots(first: 20) { edges { node { remaining expiresAt availableAt } } } } } }`,
    { id: memberId },
  );
  return data.member.ledger;
}

async function available(at: Place): Promise<string> {
  return (await ledgerOf(at)).balance.available;
}

function tell({ tenant }: Place, moment: string): Promise<void> {
  return setClock(gateway.application, tenant.tenantKey, moment);
}

describe('the floor', () => {
  it('bounds corrections, and follows the program for ledgers that are there already', async () => {
    const at = await place(programOf('floor: -100'));
    await done(at, 'adjustPoints', { amount: '-60' });
    expect(await refused(at, 'adjustPoints', { amount: '-41' })).toEqual([
      'INSUFFICIENT_BALANCE',
      ['amount'],
    ]);
    await done(at, 'adjustPoints', { amount: '-40' });
    await applyProgram(at.tenant, programOf('floor: NONE'));
    await done(at, 'adjustPoints', { amount: '-900' });
    await applyProgram(at.tenant, programOf('floor: 0'));
    expect(await refused(at, 'adjustPoints', { amount: '-1' })).toEqual(['INSUFFICIENT_BALANCE', ['amount']]);
    expect(await available(at)).toBe('-1000');
    expect(await refused(at, 'redeemPoints', { amount: '1' })).toEqual(['INSUFFICIENT_BALANCE', ['amount']]);
  });
});

describe('an earning that is taken back after it was spent', () => {
  it.each([
    ['CAP lets go what lacks', 'floor: NONE', 'CAP', '0', '-20'],
    ['GO_NEGATIVE takes it below zero', 'floor: NONE', 'GO_NEGATIVE', '-80', '-100'],
    ['GO_NEGATIVE takes it down to the floor', 'floor: -30', 'GO_NEGATIVE', '-30', '-50'],
  ])('%s', async (_name, floor, shortfall, left, taken) => {
    const at = await place(programOf(floor, '[]', `\n    reversal: { shortfall: ${shortfall} }`));
    const earned = await done(at, 'earnPoints', { amount: '100' });
    await done(at, 'redeemPoints', { amount: '80' });
    expect((await reverse(at, earned.id)).operation.entries).toEqual([{ amount: taken }]);
    expect(await available(at)).toBe(left);
  });
});

describe('a spend that is taken back after its lot expired', () => {
  const source = (reversal: string) => programOf('expiry: { after: P10D }', '[]', reversal);

  it('comes back for the days of grace, and is lost after them', async () => {
    const at = await place(source('\n    reversal: { graceDays: 7 }'));
    await done(at, 'earnPoints', { amount: '100' });
    const spent = await done(at, 'redeemPoints', { amount: '60' });
    await tell(at, '2026-02-21T12:00:00Z');
    expect((await reverse(at, spent.id)).userErrors).toEqual([]);
    expect(await available(at)).toBe('60');
    await tell(at, '2026-02-28T22:59:00Z');
    expect(await available(at)).toBe('60');
    await tell(at, '2026-02-28T23:00:00Z');
    expect(await available(at)).toBe('0');
  });

  it('is gone where the program gives no grace', async () => {
    const at = await place(source(''));
    await done(at, 'earnPoints', { amount: '100' });
    const spent = await done(at, 'redeemPoints', { amount: '60' });
    await tell(at, '2026-02-21T12:00:00Z');
    expect((await reverse(at, spent.id)).userErrors).toEqual([]);
    expect(await available(at)).toBe('0');
  });
});

describe('limits of an asset', () => {
  const limits =
    'limits: { earn: { perOperation: 60, perDay: 100 }, spend: { perOperation: 50, perDay: 70 } }';

  it('bound what is earned by hand in an operation and on a local day', async () => {
    const at = await place(programOf(limits), '2026-02-10T22:30:00Z');
    expect(await refused(at, 'earnPoints', { amount: '61' })).toEqual(['OPERATION_LIMIT', ['amount']]);
    await done(at, 'earnPoints', { amount: '60' });
    expect(await refused(at, 'earnPoints', { amount: '41' })).toEqual(['DAILY_LIMIT', ['amount']]);
    await done(at, 'earnPoints', { amount: '40' });
    await done(at, 'adjustPoints', { amount: '500' });
    await tell(at, '2026-02-10T23:00:00Z');
    await done(at, 'earnPoints', { amount: '60' });
    expect(await available(at)).toBe('660');
  });

  it('bound what is spent, held and given away together, however many ask at once', async () => {
    const at = await place(programOf(limits));
    const toMemberId = await enrol(at.tenant);
    await done(at, 'adjustPoints', { amount: '500' });
    await done(at, 'holdPoints', { amount: '10' });
    expect(await refused(at, 'redeemPoints', { amount: '51' })).toEqual(['OPERATION_LIMIT', ['amount']]);
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => post(at, 'redeemPoints', { amount: '7' })),
    );
    const codes = answers.flatMap(({ userErrors }) => userErrors.map(({ code }: Json) => code));
    expect(codes).toEqual(Array.from({ length: 22 }, () => 'DAILY_LIMIT'));
    const { userErrors } = await at.tenant.act(
      'transferPoints',
      {
        idempotencyKey: newRequestKey(),
        fromMemberId: at.memberId,
        toMemberId,
        asset: 'points',
        amount: '5',
      },
      'operation { id }',
    );
    expect(userErrors[0].code).toBe('DAILY_LIMIT');
    expect(await available(at)).toBe('434');
  });

  it('cap what rules give, and the explanation says so', async () => {
    const rule =
      '[{ code: buy, name: { en: Buy }, trigger: purchase, postings: [{ asset: points, amount: 70 }] }]';
    const at = await place(programOf(limits, rule));
    const buy = async () => {
      const input = { idempotencyKey: newRequestKey(), memberId: at.memberId, type: 'purchase' };
      const shape =
        'operations { entries { amount } explanation { outcome } } activity { explanations { outcome } }';
      const { operations, activity } = await at.tenant.act(
        'recordActivity',
        { ...input, amount: { value: '10.00', currency: 'EUR' } },
        shape,
      );
      return [operations.map(({ entries }: Json) => entries[0].amount), activity.explanations[0].outcome];
    };
    expect(await buy()).toEqual([['60'], 'CAPPED']);
    expect(await buy()).toEqual([['40'], 'CAPPED']);
    expect(await buy()).toEqual([[], 'CAPPED']);
    expect(await available(at)).toBe('100');
  });
});

describe('maturity', () => {
  it('is a day later in the tenant’s zone, where the asset says so, unless the request says when', async () => {
    const at = await place(programOf('maturity: { after: P1D }'), '2026-03-28T22:30:00Z');
    await done(at, 'earnPoints', { amount: '10' });
    await done(at, 'earnPoints', { amount: '5', availableAt: '2026-03-28T22:00:00Z' });
    expect((await ledgerOf(at)).balance).toEqual({ available: '5', pending: '10' });
    // The clocks go forward on the 29th: the next local midnight is an hour sooner than in winter.
    await tell(at, '2026-03-28T22:59:00Z');
    expect((await ledgerOf(at)).balance).toEqual({ available: '5', pending: '10' });
    await tell(at, '2026-03-28T23:00:00Z');
    expect((await ledgerOf(at)).balance).toEqual({ available: '15', pending: '0' });
    await done(at, 'earnPoints', { amount: '1' });
    await tell(at, '2026-03-29T21:59:00Z');
    expect((await ledgerOf(at)).balance).toEqual({ available: '15', pending: '1' });
    await tell(at, '2026-03-29T22:00:00Z');
    expect((await ledgerOf(at)).balance).toEqual({ available: '16', pending: '0' });
  });

  it('is a date for all, and at once after it', async () => {
    const at = await place(programOf('maturity: { date: 2026-02-14 }'));
    await done(at, 'earnPoints', { amount: '10' });
    await tell(at, '2026-02-13T22:59:00Z');
    expect(await available(at)).toBe('0');
    await tell(at, '2026-02-13T23:00:00Z');
    expect(await available(at)).toBe('10');
    await done(at, 'earnPoints', { amount: '10' });
    expect(await available(at)).toBe('20');
  });
});

describe('expiry', () => {
  const endsOf = async (at: Place): Promise<string[]> =>
    (await ledgerOf(at)).lots.edges.map(({ node }: Json) => node.expiresAt);

  it('is at the end of a day of every year, at least so long after', async () => {
    const at = await place(programOf('expiry: { on: "03-31", after: P6M }'), '2025-09-30T10:00:00Z');
    await done(at, 'earnPoints', { amount: '10' });
    await tell(at, '2025-10-02T10:00:00Z');
    await done(at, 'earnPoints', { amount: '5' });
    expect(await endsOf(at)).toEqual(['2026-03-31T22:00:00.000Z', '2027-03-31T22:00:00.000Z']);
    await tell(at, '2026-03-31T22:00:00Z');
    expect(await available(at)).toBe('5');
  });

  it('is at the end of one day for all', async () => {
    const at = await place(programOf('expiry: { on: 2026-10-25 }'));
    await done(at, 'earnPoints', { amount: '10' });
    // The clocks go back on that day: it has 25 hours.
    expect(await endsOf(at)).toEqual(['2026-10-25T23:00:00.000Z']);
    await tell(at, '2026-10-25T23:00:00Z');
    expect(await available(at)).toBe('0');
    expect(await refused(at, 'earnPoints', { amount: '1' })).toEqual([
      'EXPIRY_NOT_AFTER_AVAILABILITY',
      ['expiresAt'],
    ]);
  });

  it('by idleness moves on with what the member does, and takes everything at once', async () => {
    const at = await place(programOf('expiry: { inactive: P30D, until: END_OF_DAY }'));
    await done(at, 'earnPoints', { amount: '10' });
    await done(at, 'earnPoints', { amount: '7', expiresAt: '2026-02-20T00:00:00Z' });
    expect(await endsOf(at)).toEqual(['2026-02-20T00:00:00.000Z', '2026-03-12T23:00:00.000Z']);
    await tell(at, '2026-03-10T10:00:00Z');
    await done(at, 'earnPoints', { amount: '5' });
    expect(new Set(await endsOf(at))).toEqual(
      new Set(['2026-02-20T00:00:00.000Z', '2026-04-09T22:00:00.000Z', '2026-04-09T22:00:00.000Z']),
    );
    await tell(at, '2026-03-25T10:00:00Z');
    await done(at, 'adjustPoints', { amount: '1' });
    await tell(at, '2026-03-26T10:00:00Z');
    await done(at, 'redeemPoints', { amount: '1' });
    await tell(at, '2026-04-24T10:00:00Z');
    expect(await available(at)).toBe('15');
    await tell(at, '2026-04-25T22:00:00Z');
    expect(await available(at)).toBe('0');
  });

  it('by idleness is over also for what was held then, whatever the member does later', async () => {
    const at = await place(programOf('expiry: { inactive: P30D, until: END_OF_DAY }'));
    await done(at, 'earnPoints', { amount: '10' });
    const held = { idempotencyKey: newRequestKey(), memberId: at.memberId, asset: 'points', amount: '4' };
    const { hold } = await at.tenant.act('holdPoints', held, 'hold { id }');
    await tell(at, '2026-03-20T10:00:00Z');
    await done(at, 'earnPoints', { amount: '5' });
    expect(await endsOf(at)).toEqual(['2026-03-12T23:00:00.000Z', '2026-04-19T22:00:00.000Z']);
    const release = { idempotencyKey: newRequestKey(), holdId: hold.id };
    await at.tenant.act('releaseHold', release, 'hold { released }');
    expect(await available(at)).toBe('5');
  });

  it('by idleness is the same for what comes back, whether all or a part was spent', async () => {
    const spent = async (amount: string): Promise<[Place, string]> => {
      const at = await place(programOf('expiry: { inactive: P30D, until: END_OF_DAY }'));
      await done(at, 'earnPoints', { amount: '10' });
      await tell(at, '2026-02-20T10:00:00Z');
      return [at, (await done(at, 'redeemPoints', { amount })).id];
    };
    for (const amount of ['9', '10']) {
      const [at, id] = await spent(amount);
      await tell(at, '2026-03-20T10:00:00Z');
      await done(at, 'earnPoints', { amount: '5' });
      await tell(at, '2026-04-10T10:00:00Z');
      expect((await reverse(at, id)).userErrors).toEqual([]);
      expect(await available(at)).toBe('15');
      expect(new Set(await endsOf(at))).toEqual(new Set(['2026-04-19T22:00:00.000Z']));
      const [other, alone] = await spent(amount);
      await tell(other, '2026-03-20T10:00:00Z');
      await reverse(other, alone);
      expect(await available(other)).toBe('10');
      await tell(other, '2026-03-22T23:00:00Z');
      expect(await available(other)).toBe('0');
    }
  });
});

describe('how an asset is read', () => {
  it('has a unit, a scale and a rate, at which a balance is worth so much', async () => {
    const more =
      '\n    unit: { en: leaf, zh-CN: 叶 }\n    scale: 2\n    rate: { amount: 300, money: "1.00" }';
    const at = await place(programOf('spendable: true', '[]', more));
    await done(at, 'earnPoints', { amount: '1000' });
    const { worth, asset } = await ledgerOf(at);
    expect(worth).toEqual({ value: '3.33', currency: 'EUR' });
    expect(asset).toEqual({ unit: 'leaf', scale: 2, rate: { amount: '300', money: { value: '1.00' } } });
  });
});

describe('what is owed to members', () => {
  it('is told by asset, now and as it was at a moment, also in money', async () => {
    const at = await place(
      programOf('expiry: { after: P30D }', '[]', '\n    rate: { amount: 100, money: "1.00" }'),
    );
    await done(at, 'earnPoints', { amount: '1000' });
    await tell(at, '2026-02-11T11:00:00Z');
    await done(at, 'redeemPoints', { amount: '250' });
    await done(at, 'adjustPoints', { amount: '-50' });
    const liabilityOf = async (moment: string | null) => {
      const { data, errors } = await at.tenant.ask(
        `query($at: DateTime) { program { liability(at: $at) {
           asset { code } issued redeemed breakage adjusted outstanding worth { value currency } } } }`,
        { at: moment },
      );
      return data?.program?.liability ?? errors[0]?.extensions?.code;
    };
    const points = { asset: { code: 'points' }, issued: '1000', breakage: '0' };
    expect(await liabilityOf(null)).toEqual([
      {
        ...{ ...points, redeemed: '250', adjusted: '-50', outstanding: '700' },
        worth: { value: '7.00', currency: 'EUR' },
      },
    ]);
    expect(await liabilityOf('2026-02-10T23:00:00Z')).toMatchObject([
      { ...points, redeemed: '0', adjusted: '0', outstanding: '1000' },
    ]);
    expect(await liabilityOf('2027-01-01T00:00:00Z')).toBe('AT_IN_FUTURE');
  });
});

describe('what an operation was decided from', () => {
  it('is a hash on every operation: the same for the same input, another for another', async () => {
    const at = await place(programOf('maturity: { after: PT1H }'));
    const first = await done(at, 'earnPoints', { amount: '10' });
    const second = await done(at, 'earnPoints', { amount: '10' });
    const third = await done(at, 'earnPoints', { amount: '11' });
    expect(first.inputHash).toMatch(/^[0-9a-f]{64}$/);
    expect(second.inputHash).toBe(first.inputHash);
    expect(third.inputHash).not.toBe(first.inputHash);
    await tell(at, '2026-02-10T13:00:00Z');
    await done(at, 'redeemPoints', { amount: '31' });
    const { data } = await at.tenant.ask(
      `query($id: ID!) { member(id: $id) { ledger(asset: "points") {
         entries(first: 9) { edges { node { kind operation { inputHash } } } } } } }`,
      { id: at.memberId },
    );
    const all = data.member.ledger.entries.edges.map(({ node }: Json) => node);
    expect(all.map(({ kind }: Json) => kind)).toEqual(['REDEEM', 'MATURE', 'EARN', 'EARN', 'EARN']);
    for (const { operation } of all) expect(operation.inputHash).toMatch(/^[0-9a-f]{64}$/);
  });
});
