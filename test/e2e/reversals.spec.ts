import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';

/** Days are Shanghai's; the bonus of 100 points lasts a year, to the end of the month. */
const NOON = '2026-11-20T12:00:00+08:00';

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
  await gateway.setClock(NOON);
  memberId = await enrol(gateway);
});

type Given = Record<string, unknown>;

const ANSWER = `
  operation { id kind reason reverses { id kind }
              entries { kind amount postedDelta pendingDelta heldDelta balanceAfter version }
              allocations { lot { id amount } amount } }
  ledger { balance { available pending held } version }
  userErrors { code field message }`;

async function ask(name: string, input: Given, rest = ''): Promise<Json> {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
  const whole = { idempotencyKey: newRequestKey(), ...input };
  const query = `mutation($input: ${type}!) { ${name}(input: $input) { ${ANSWER} ${rest} } }`;
  const { data, errors } = await gateway.ask(query, { input: whole });
  expect(errors).toEqual([]);
  return data[name];
}

const points = (amount: string, input: Given = {}) => ({ memberId, asset: 'points', amount, ...input });
const earn = (amount: string, input: Given = {}) => ask('earnPoints', points(amount, input));
const redeem = (amount: string, input: Given = {}) => ask('redeemPoints', points(amount, input));
const adjust = (amount: string, input: Given = {}) =>
  ask('adjustPoints', points(amount, { reason: 'count', ...input }));
const hold = (amount: string, input: Given = {}) => ask('holdPoints', points(amount, input), 'hold { id }');
const reverse = (made: Json, input: Given = {}) =>
  ask('reverseOperation', { operationId: made.operation.id, ...input });

async function ledger(asset = 'points') {
  const { data } = await gateway.ask(
    `query($id: ID!, $asset: String!) { member(id: $id) { ledger(asset: $asset) {
       balance { available pending held } version lots(first: 20) { edges { node { amount remaining } } } } } }`,
    { id: memberId, asset },
  );
  const { balance, version, lots } = data.member.ledger;
  return { balance, version, lots: lots.edges.map(({ node }: Json) => [node.amount, node.remaining]) };
}

const refused = (code: string, field: string[]) => ({
  operation: null,
  ledger: null,
  userErrors: [{ code, field, message: expect.any(String) }],
});
const EXCEEDS = 'REVERSAL_EXCEEDS_ORIGINAL';

describe('a spend that is undone', () => {
  it('goes back to its lots, last taken first, in parts up to the whole', async () => {
    await earn('30', { expiresAt: '2026-12-01T00:00:00Z' });
    const spent = await redeem('50');
    const first = await reverse(spent, { amount: '25', reason: 'item returned' });
    expect(first).toMatchObject({
      operation: {
        kind: 'REVERSE',
        reason: 'item returned',
        reverses: { id: spent.operation.id, kind: 'REDEEM' },
        entries: [{ kind: 'REVERSE', amount: '25', postedDelta: '25', balanceAfter: '105', version: '4' }],
      },
      ledger: { balance: { available: '105', pending: '0', held: '0' } },
      userErrors: [],
    });
    const back = first.operation.allocations.map(({ lot, amount }: Json) => [lot.amount, amount]);
    expect(back.sort()).toEqual([
      ['100', '-20'],
      ['30', '-5'],
    ]);
    expect(await reverse(spent, { amount: '26' })).toEqual(refused(EXCEEDS, ['amount']));
    expect((await reverse(spent)).operation.entries).toMatchObject([{ amount: '25' }]);
    expect(await ledger()).toMatchObject({
      balance: { available: '130' },
      lots: [
        ['30', '30'],
        ['100', '100'],
      ],
    });
    expect(await reverse(spent)).toEqual(refused(EXCEEDS, ['operationId']));
    expect(await reverse(spent, { amount: '1' })).toEqual(refused(EXCEEDS, ['amount']));
  });

  it('is lost where its lot has expired meanwhile', async () => {
    await earn('30', { expiresAt: '2026-11-20T05:00:00Z' });
    const spent = await redeem('50');
    await gateway.setClock('2026-11-20T06:00:00Z');
    const undone = await reverse(spent);
    expect(undone.operation.entries).toMatchObject([
      { amount: '50', postedDelta: '20', balanceAfter: '100' },
    ]);
    expect((await ledger()).balance).toEqual({ available: '100', pending: '0', held: '0' });
    expect(await reverse(spent)).toEqual(refused(EXCEEDS, ['operationId']));
  });

  it('was a capture', async () => {
    const { hold: made } = await hold('60');
    const captured = await ask('captureHold', { holdId: made.id, amount: '40', final: true });
    const undone = await reverse(captured, { amount: '15' });
    expect(undone.operation).toMatchObject({
      reverses: { kind: 'CAPTURE' },
      entries: [{ postedDelta: '15' }],
    });
    expect((await reverse(captured)).ledger.balance.available).toBe('100');
    expect(await reverse(captured)).toEqual(refused(EXCEEDS, ['operationId']));
  });

  it('was a capture whose rest expired with its release', async () => {
    await earn('30', { expiresAt: '2026-11-20T05:00:00Z' });
    const { hold: made } = await hold('60');
    await gateway.setClock('2026-11-20T06:00:00Z');
    const captured = await ask('captureHold', { holdId: made.id, amount: '10', final: true });
    expect(captured.ledger.balance.available).toBe('100');
    expect((await reverse(captured)).operation.entries).toMatchObject([{ amount: '10', postedDelta: '0' }]);
    expect((await ledger()).balance.available).toBe('100');
  });

  it('was a correction downward', async () => {
    const corrected = await adjust('-40');
    expect((await reverse(corrected)).ledger.balance.available).toBe('100');
  });
});

describe('a credit that is undone', () => {
  it('is taken from its own lot, in parts up to the whole', async () => {
    const earned = await earn('50');
    expect((await reverse(earned, { amount: '20' })).operation).toMatchObject({
      entries: [{ amount: '-20', postedDelta: '-20', balanceAfter: '130' }],
      allocations: [{ lot: { amount: '50' }, amount: '20' }],
    });
    expect(await reverse(earned, { amount: '31' })).toEqual(refused(EXCEEDS, ['amount']));
    expect((await reverse(earned)).operation.entries).toMatchObject([{ amount: '-30' }]);
    expect(await reverse(earned)).toEqual(refused(EXCEEDS, ['operationId']));
  });

  it('is taken from what is pending', async () => {
    const earned = await earn('50', { availableAt: '2026-11-21T00:00:00Z' });
    expect((await reverse(earned)).operation.entries).toMatchObject([{ amount: '-50', pendingDelta: '-50' }]);
  });

  it('is taken as far as there is something, and refused where there is nothing', async () => {
    const earned = await earn('50');
    await redeem('120');
    expect((await reverse(earned)).operation.entries).toMatchObject([{ amount: '-30', balanceAfter: '0' }]);
    expect(await reverse(earned)).toEqual(refused('INSUFFICIENT_BALANCE', ['amount']));
  });

  it('isn’t taken from others where it expired', async () => {
    const earned = await earn('50', { expiresAt: '2026-11-20T05:00:00Z' });
    await gateway.setClock('2026-11-20T06:00:00Z');
    expect(await reverse(earned)).toEqual(refused('INSUFFICIENT_BALANCE', ['amount']));
    expect((await ledger()).balance.available).toBe('100');
  });

  it('isn’t taken twice, where its spend came back too late', async () => {
    const earned = await earn('50', { expiresAt: '2026-11-20T05:00:00Z' });
    const spent = await redeem('50');
    await gateway.setClock('2026-11-20T06:00:00Z');
    await reverse(spent);
    expect(await reverse(earned)).toEqual(refused('INSUFFICIENT_BALANCE', ['amount']));
    expect((await ledger()).balance.available).toBe('100');
  });

  it('was a correction upward', async () => {
    const corrected = await adjust('40');
    expect((await reverse(corrected)).ledger.balance.available).toBe('100');
  });

  it('lowers what counts for a tier, and what undoes a correction raises it', async () => {
    const grown = await ask('earnPoints', { memberId, asset: 'growth', amount: '500' });
    await reverse(grown, { amount: '200' });
    const lowered = await ask('adjustPoints', { memberId, asset: 'growth', amount: '-50', reason: 'count' });
    await reverse(lowered);
    const [{ amount }] = await gateway.sql(
      `select sum(amount)::int as amount from metric_day where metric = 'growth' and amount <> 0`,
    );
    expect(amount).toBe(300);
    expect((await ledger('growth')).balance.available).toBe('300');
  });
});

describe('a reversal', () => {
  it('is shown again as it was, and tried without a trace', async () => {
    const spent = await redeem('50');
    const input = { idempotencyKey: newRequestKey(), amount: '20' };
    await expectNothingWritten(gateway, async () => {
      expect((await reverse(spent, { ...input, dryRun: true })).ledger.balance.available).toBe('70');
    });
    const undone = await reverse(spent, input);
    await redeem('5');
    expect(await reverse(spent, input)).toEqual(undone);
    expect(await reverse(spent, { ...input, amount: '21' })).toEqual(
      refused('IDEMPOTENCY_CONFLICT', ['idempotencyKey']),
    );
  });

  it('isn’t for everything', async () => {
    const spent = await redeem('50');
    const undone = await reverse(spent);
    const held = await hold('10');
    const released = await ask('releaseHold', { holdId: held.hold.id });
    for (const made of [undone, held, released]) {
      await expectNothingWritten(gateway, async () => {
        expect(await reverse(made)).toEqual(refused('OPERATION_NOT_REVERSIBLE', ['operationId']));
      });
    }
    for (const operationId of ['op_00000000000000000000000000', 'nonsense', memberId]) {
      const answer = await ask('reverseOperation', { operationId });
      expect(answer).toEqual(refused('OPERATION_NOT_FOUND', ['operationId']));
    }
    for (const amount of ['0', '-1'])
      expect(await reverse(spent, { amount })).toEqual(refused('AMOUNT_NOT_POSITIVE', ['amount']));
  });

  it('of one operation, many at once, never comes to more than it was', async () => {
    const spent = await redeem('50');
    const answers = await Promise.all(Array.from({ length: 20 }, () => reverse(spent, { amount: '7' })));
    expect(answers.filter(({ operation }) => operation !== null)).toHaveLength(7);
    expect((await ledger()).balance.available).toBe('99');
    const whole = await Promise.all(Array.from({ length: 5 }, () => reverse(spent)));
    expect(whole.filter(({ operation }) => operation !== null)).toHaveLength(1);
    expect((await ledger()).balance.available).toBe('100');
  });
});
