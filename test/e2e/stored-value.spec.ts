import { setClock } from '../ledger/tenants.ts';
import { auditLedgers } from '../support/audit.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { applyProgram, type OwnTenant, tenantWith } from '../support/own-tenant.ts';

// Stored value through the API: what was paid apart from the bonus.

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

function programOf(storedValue: string, more = ''): string {
  return `name: { en: Wallets }
timeZone: Europe/Berlin
currency: EUR
assets:
  - code: wallet
    kind: STORED_VALUE
    name: { en: Wallet }
    transferable: true
    storedValue: ${storedValue}${more}
  - { code: points, kind: POINTS, name: { en: Points } }
rules: []`;
}

interface Place {
  readonly tenant: OwnTenant;
  readonly memberId: string;
}

async function place(storedValue = '{}', more = ''): Promise<Place> {
  const tenant = await tenantWith(gateway, programOf(storedValue, more), '2026-02-10T11:00:00Z');
  return { tenant, memberId: await enrol(tenant) };
}

const OPERATION = `operation { id kind paysBack entries { amount balanceAfter expiresAt }
  allocations { amount lot { portion } } }`;

async function post({ tenant, memberId }: Place, mutation: string, input: object): Promise<Json> {
  const whole = { idempotencyKey: newRequestKey(), memberId, asset: 'wallet', ...input };
  return await tenant.act(mutation, whole, OPERATION);
}

async function done(at: Place, mutation: string, input: object): Promise<Json> {
  const payload = await post(at, mutation, input);
  expect(payload.userErrors).toEqual([]);
  return payload.operation;
}

/** The codes and fields of the errors that an act meets. */
async function refused(at: Place, mutation: string, input: object): Promise<[string, string[]][]> {
  const { operation, userErrors } = await post(at, mutation, input);
  expect(operation).toBeNull();
  return userErrors.map(({ code, field }: Json) => [code, field]);
}

const topUp = (at: Place, paid: string, bonus: string, more = {}): Promise<Json> =>
  done(at, 'topUpStoredValue', { paid, bonus, ...more });

async function act(at: Place, mutation: string, input: object, fields: string): Promise<Json> {
  const payload = await at.tenant.act(mutation, { idempotencyKey: newRequestKey(), ...input }, fields);
  expect(payload.userErrors).toEqual([]);
  return payload;
}

async function reverse(at: Place, { id }: Json, amount?: string): Promise<void> {
  await act(at, 'reverseOperation', { operationId: id, amount }, 'operation { kind }');
}

async function ledgerOf({ tenant, memberId }: Place, asset = 'wallet'): Promise<Json> {
  const { data } = await tenant.ask(
    `query($id: ID!, $asset: String!) { member(id: $id) { ledger(asset: $asset) {
       balance { available held } worth { value currency } storedValue { paid bonus refundable }
       asset { scale rate { amount money { value } } }
       lots(first: 20) { edges { node { portion amount remaining expiresAt } } } } } }`,
    { id: memberId, asset },
  );
  return data.member.ledger;
}

/** Paid, bonus and what is refundable; together the first two are what is available. */
async function portions(at: Place): Promise<[string, string, string]> {
  const { storedValue, balance } = await ledgerOf(at);
  const { paid, bonus, refundable } = storedValue;
  expect(BigInt(paid) + BigInt(bonus)).toBe(BigInt(balance.available));
  return [paid, bonus, refundable];
}

const takenOf = ({ allocations }: Json): string[] =>
  allocations.map(({ amount, lot }: Json) => `${lot.portion} ${amount}`).sort();

describe('a top up', () => {
  it('is one entry, and a lot for each portion', async () => {
    const at = await place();
    const { kind, paysBack, entries } = await topUp(at, '5000', '500', {
      bonusExpiresAt: '2026-06-01T00:00:00Z',
      reference: { type: 'payment', id: 'pay-1' },
    });
    expect({ kind, paysBack }).toEqual({ kind: 'EARN', paysBack: false });
    expect(entries).toEqual([{ amount: '5500', balanceAfter: '5500', expiresAt: null }]);
    const { lots, worth, asset, storedValue } = await ledgerOf(at);
    expect(lots.edges.map(({ node }: Json) => node)).toEqual([
      { portion: 'BONUS', amount: '500', remaining: '500', expiresAt: '2026-06-01T00:00:00.000Z' },
      { portion: 'PAID', amount: '5000', remaining: '5000', expiresAt: null },
    ]);
    expect(worth).toEqual({ value: '55.00', currency: 'EUR' });
    expect(asset).toEqual({ scale: 2, rate: { amount: '100', money: { value: '1.00' } } });
    expect(storedValue).toEqual({ paid: '5000', bonus: '500', refundable: '5000' });
    expect((await ledgerOf(at, 'points')).storedValue).toBeNull();
  });

  it('without a bonus has one lot; what is earned otherwise is bonus', async () => {
    const at = await place();
    await done(at, 'topUpStoredValue', { paid: '700' });
    await done(at, 'earnPoints', { amount: '30' });
    await done(at, 'adjustPoints', { amount: '5', reason: 'sorry' });
    const { lots } = await ledgerOf(at);
    expect(lots.edges.map(({ node }: Json) => node.portion)).toEqual(['PAID', 'BONUS', 'BONUS']);
    expect(await portions(at)).toEqual(['700', '35', '700']);
  });

  it('is refused by the names of its input', async () => {
    const at = await place('{}', '\n    limits: { earn: { perOperation: 1000 } }');
    const past = '2026-02-10T10:00:00Z';
    const bad: [object, [string, string[]]][] = [
      [{ paid: '0' }, ['AMOUNT_NOT_POSITIVE', ['paid']]],
      [{ paid: '-1' }, ['AMOUNT_NOT_POSITIVE', ['paid']]],
      [{ paid: '1', bonus: '-1' }, ['AMOUNT_NEGATIVE', ['bonus']]],
      [{ paid: '1', asset: 'points' }, ['ASSET_NOT_STORED_VALUE', ['asset']]],
      [{ paid: '1', asset: 'coins' }, ['ASSET_NOT_FOUND', ['asset']]],
      [{ paid: '1', expiresAt: past }, ['EXPIRY_NOT_AFTER_AVAILABILITY', ['expiresAt']]],
      [
        { paid: '1', bonus: '1', bonusExpiresAt: past },
        ['EXPIRY_NOT_AFTER_AVAILABILITY', ['bonusExpiresAt']],
      ],
      [{ paid: '999', bonus: '2' }, ['OPERATION_LIMIT', ['paid']]],
      [{ paid: '1', reason: 'x'.repeat(501) }, ['TEXT_TOO_LONG', ['reason']]],
    ];
    for (const [input, error] of bad) expect(await refused(at, 'topUpStoredValue', input)).toEqual([error]);
    expect(await portions(at)).toEqual(['0', '0', '0']);
  });

  it('lets the bonus expire as the asset says, and what was paid never', async () => {
    const at = await place('{}', '\n    expiry: { after: P10D }');
    await topUp(at, '100', '20');
    await setClock(gateway.application, at.tenant.tenantKey, '2026-02-21T12:00:00Z');
    expect(await portions(at)).toEqual(['100', '0', '100']);
    await done(at, 'redeemPoints', { amount: '1' });
    expect(await portions(at)).toEqual(['99', '0', '99']);
  });

  it('that is taken back after a part was spent takes what is left of it', async () => {
    const at = await place();
    const first = await topUp(at, '100', '20');
    await done(at, 'redeemPoints', { amount: '50' });
    await reverse(at, first, '10');
    expect(await portions(at)).toEqual(['60', '0', '60']);
    await reverse(at, first);
    expect(await portions(at)).toEqual(['0', '0', '0']);
  });
});

describe('spending', () => {
  it.each([
    ['BONUS', ['BONUS 20', 'PAID 30'], ['70', '0', '70']],
    ['PAID', ['PAID 50'], ['50', '20', '50']],
  ])('takes %s first, whatever expires first', async (spendFirst, taken, left) => {
    const at = await place(`{ spendFirst: ${spendFirst} }`);
    await topUp(at, '100', '20', { expiresAt: '2026-12-01T00:00:00Z' });
    const spent = await done(at, 'redeemPoints', { amount: '50' });
    expect(takenOf(spent)).toEqual(taken);
    expect(await portions(at)).toEqual(left);
    await reverse(at, spent);
    expect(await portions(at)).toEqual(['100', '20', '100']);
  });

  it('takes of a portion what expires first', async () => {
    const at = await place('{ spendFirst: PAID }');
    await topUp(at, '10', '5', { bonusExpiresAt: '2026-09-01T00:00:00Z' });
    await topUp(at, '10', '5', { bonusExpiresAt: '2026-08-01T00:00:00Z' });
    await done(at, 'redeemPoints', { amount: '22' });
    const { lots } = await ledgerOf(at);
    const left = lots.edges.map(({ node }: Json) => [node.portion, node.remaining]);
    expect(left).toEqual([
      ['BONUS', '3'],
      ['BONUS', '5'],
      ['PAID', '0'],
      ['PAID', '0'],
    ]);
  });

  it('comes back last taken first, in parts, also when the program changed between them', async () => {
    const at = await place('{ spendFirst: BONUS }');
    await topUp(at, '100', '20');
    const spent = await done(at, 'redeemPoints', { amount: '60' });
    await reverse(at, spent, '30');
    expect(await portions(at)).toEqual(['90', '0', '90']);
    await applyProgram(at.tenant, programOf('{ spendFirst: PAID }'));
    await reverse(at, spent, '15');
    expect(await portions(at)).toEqual(['100', '5', '100']);
    await reverse(at, spent);
    expect(await portions(at)).toEqual(['100', '20', '100']);
  });

  it('by holds and captures goes across portions in the same order', async () => {
    const at = await place();
    const { memberId } = at;
    await topUp(at, '100', '20');
    const input = { memberId, asset: 'wallet', amount: '50' };
    const { hold } = await act(at, 'holdPoints', input, 'hold { id }');
    expect(await portions(at)).toEqual(['70', '0', '70']);
    expect(await refused(at, 'payBackStoredValue', { amount: '71' })).toEqual([
      ['PAY_BACK_EXCEEDS_REFUNDABLE', ['amount']],
    ]);
    const capture = { holdId: hold.id, amount: '30', final: true };
    const { operation } = await act(at, 'captureHold', capture, OPERATION);
    expect(takenOf(operation)).toEqual(['BONUS 20', 'PAID 10']);
    expect(await portions(at)).toEqual(['90', '0', '90']);
    await reverse(at, operation);
    expect(await portions(at)).toEqual(['100', '20', '100']);
  });

  it('gives the portions away with a transfer, and takes them back', async () => {
    const at = await place();
    await topUp(at, '100', '20');
    const toMemberId = await enrol(at.tenant);
    const input = { fromMemberId: at.memberId, toMemberId, asset: 'wallet', amount: '50' };
    const { operation } = await act(at, 'transferPoints', input, 'operation { id }');
    const other = { ...at, memberId: toMemberId };
    expect(await portions(other)).toEqual(['30', '20', '30']);
    await reverse(at, operation);
    expect([await portions(at), await portions(other)]).toEqual([
      ['100', '20', '100'],
      ['0', '0', '0'],
    ]);
  });

  it('goes on where a member was merged, and comes back there as what it was', async () => {
    const at = await place();
    await topUp(at, '100', '20');
    const spent = await done(at, 'redeemPoints', { amount: '50' });
    const other = { ...at, memberId: await enrol(at.tenant) };
    await topUp(other, '7', '3');
    const input = { fromMemberId: at.memberId, intoMemberId: other.memberId };
    await act(at, 'mergeMembers', input, 'operation { kind }');
    expect(await portions(other)).toEqual(['77', '3', '77']);
    await reverse(at, spent);
    expect(await portions(other)).toEqual(['107', '23', '107']);
  });

  it('that is taken back after its lots expired comes back for the days of grace as what it was', async () => {
    const at = await place('{}', '\n    reversal: { graceDays: 7 }');
    const end = '2026-02-12T00:00:00Z';
    await topUp(at, '100', '20', { expiresAt: end, bonusExpiresAt: end });
    const spent = await done(at, 'redeemPoints', { amount: '120' });
    await setClock(gateway.application, at.tenant.tenantKey, '2026-02-13T12:00:00Z');
    await reverse(at, spent);
    expect(await portions(at)).toEqual(['100', '20', '100']);
  });
});

describe('paying back', () => {
  it('takes a part or all of what was paid, and leaves the bonus', async () => {
    const at = await place('{ spendFirst: PAID }', '\n    limits: { spend: { perOperation: 5, perDay: 5 } }');
    await topUp(at, '100', '20');
    const part = await done(at, 'payBackStoredValue', { amount: '30', reason: 'asked for' });
    expect(part).toMatchObject({ kind: 'REDEEM', paysBack: true, entries: [{ amount: '-30' }] });
    expect(await portions(at)).toEqual(['70', '20', '70']);
    const rest = await done(at, 'payBackStoredValue', {});
    expect(takenOf(rest)).toEqual(['PAID 70']);
    expect(await portions(at)).toEqual(['0', '20', '0']);
    expect(await refused(at, 'payBackStoredValue', {})).toEqual([
      ['PAY_BACK_EXCEEDS_REFUNDABLE', ['amount']],
    ]);
    await reverse(at, part);
    expect(await portions(at)).toEqual(['30', '20', '30']);
  });

  it('stands apart from spending in the books', async () => {
    const at = await place();
    await topUp(at, '100', '20');
    await done(at, 'redeemPoints', { amount: '15' });
    await reverse(at, await done(at, 'payBackStoredValue', { amount: '30' }), '10');
    const { data } = await at.tenant.ask(
      `{ program { liability {
         issued redeemed paidBack breakage outstanding paid bonus worth { value } } } }`,
    );
    expect(data.program.liability).toEqual([
      {
        ...{ issued: '120', redeemed: '15', paidBack: '20', breakage: '0' },
        ...{ outstanding: '85', paid: '80', bonus: '5', worth: { value: '0.85' } },
      },
    ]);
  });

  it.each([
    ['ALL', '120', ['BONUS 20', 'PAID 100']],
    ['PAID', '100', ['PAID 100']],
    ['NONE', '0', null],
  ])('takes what the program says: %s', async (payBack, refundable, taken) => {
    const at = await place(`{ payBack: ${payBack} }`);
    await topUp(at, '100', '20');
    expect((await portions(at))[2]).toBe(refundable);
    const above = { amount: String(BigInt(refundable) + 1n) };
    const { userErrors } = await post(at, 'payBackStoredValue', above);
    expect(userErrors).toEqual([
      {
        code: 'PAY_BACK_EXCEEDS_REFUNDABLE',
        field: ['amount'],
        message: `Only ${refundable} may be paid back. Send at most that.`,
      },
    ]);
    if (taken !== null) expect(takenOf(await done(at, 'payBackStoredValue', {}))).toEqual(taken);
  });

  it('loses the bonus in proportion where the program says so', async () => {
    const at = await place('{ spendFirst: PAID, forfeitBonus: true }');
    await topUp(at, '100', '20');
    const part = await done(at, 'payBackStoredValue', { amount: '33' });
    expect(takenOf(part)).toEqual(['BONUS 7', 'PAID 33']);
    expect(part.entries).toMatchObject([{ amount: '-33', balanceAfter: '80' }]);
    await done(at, 'payBackStoredValue', {});
    expect(await portions(at)).toEqual(['0', '0', '0']);
    const [wallet] = await gateway.application.services.audit.liabilities(at.tenant.tenantKey, null);
    expect(wallet).toMatchObject({ paidBack: 100n, breakage: 20n, outstanding: 0n });
  });

  it('is for stored value alone, and for an amount above zero', async () => {
    const at = await place();
    await topUp(at, '100', '20');
    const bad: [object, [string, string[]]][] = [
      [{ amount: '0' }, ['AMOUNT_NOT_POSITIVE', ['amount']]],
      [{ amount: '-5' }, ['AMOUNT_NOT_POSITIVE', ['amount']]],
      [{ asset: 'points' }, ['ASSET_NOT_STORED_VALUE', ['asset']]],
      [{ memberId: 'mem_nobody' }, ['MEMBER_NOT_FOUND', ['memberId']]],
    ];
    for (const [input, error] of bad) expect(await refused(at, 'payBackStoredValue', input)).toEqual([error]);
  });
});

describe('a request', () => {
  it('sent again is told its first result, and another under its key is refused', async () => {
    const at = await place();
    const paid = { idempotencyKey: newRequestKey(), paid: '100', bonus: '20' };
    const back = { idempotencyKey: newRequestKey(), amount: '40' };
    const first = await done(at, 'topUpStoredValue', paid);
    const second = await done(at, 'payBackStoredValue', back);
    expect(await done(at, 'topUpStoredValue', paid)).toEqual(
      expect.objectContaining({ id: first.id, entries: first.entries }),
    );
    expect(await done(at, 'payBackStoredValue', back)).toEqual(second);
    expect(await refused(at, 'topUpStoredValue', { ...paid, bonus: '21' })).toEqual([
      ['IDEMPOTENCY_CONFLICT', ['idempotencyKey']],
    ]);
    expect(await portions(at)).toEqual(['60', '20', '60']);
  });

  it('that is tried writes nothing', async () => {
    const at = await place();
    const tried = await done(at, 'topUpStoredValue', { paid: '100', bonus: '20', dryRun: true });
    expect(tried.entries).toMatchObject([{ amount: '120' }]);
    expect(await portions(at)).toEqual(['0', '0', '0']);
    await topUp(at, '100', '20');
    await done(at, 'payBackStoredValue', { dryRun: true });
    expect(await portions(at)).toEqual(['100', '20', '100']);
  });

  it('of another tenant’s member finds nobody', async () => {
    const [at, other] = [await place(), await place()];
    const stranger = { ...at, memberId: other.memberId };
    for (const mutation of ['topUpStoredValue', 'payBackStoredValue']) {
      const amount = mutation === 'topUpStoredValue' ? { paid: '1' } : {};
      expect(await refused(stranger, mutation, amount)).toEqual([['MEMBER_NOT_FOUND', ['memberId']]]);
    }
  });

  it('beside a hundred others never takes more than there is', async () => {
    const at = await place();
    await topUp(at, '300', '50');
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        post(at, index % 2 === 0 ? 'redeemPoints' : 'payBackStoredValue', { amount: '7' }),
      ),
    );
    const taken = results.filter(({ operation }) => operation !== null).length;
    // 350 are enough for 50; what is left at the end is less than one takes, unless it is bonus alone.
    const [paid, bonus] = await portions(at);
    expect(BigInt(paid) + BigInt(bonus)).toBe(350n - 7n * BigInt(taken));
    expect(taken).toBeGreaterThanOrEqual(42);
    const errors = results.flatMap(({ userErrors }) => userErrors.map(({ code }: Json) => code));
    expect(new Set(errors)).toEqual(new Set(['INSUFFICIENT_BALANCE', 'PAY_BACK_EXCEEDS_REFUNDABLE']));
  });
});
