import { feedCursor } from '../../src/domain/ledgers/index.ts';
import { settleTenant } from '../../src/jobs/index.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { follow } from '../support/following.ts';
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

const ANSWER = `
  hold { id amount captured released expiresAt status }
  operation { id kind reason entries { kind amount postedDelta pendingDelta heldDelta balanceAfter version }
              allocations { lot { amount } amount } }
  ledger { balance { available pending held } version }
  userErrors { code field message }`;
const HOLD = `mutation($input: HoldPointsInput!) { holdPoints(input: $input) { ${ANSWER} } }`;
const CAPTURE = `mutation($input: CaptureHoldInput!) { captureHold(input: $input) { ${ANSWER} } }`;
const RELEASE = `mutation($input: ReleaseHoldInput!) { releaseHold(input: $input) { ${ANSWER} } }`;
const EARN = `mutation($input: EarnPointsInput!) { earnPoints(input: $input) { userErrors { code } } }`;
const LEDGER = `query($id: ID!, $status: HoldStatus, $at: DateTime) { member(id: $id) { ledger(asset: "points") {
  balance(at: $at) { available pending held } version
  holds(first: 10, status: $status) { edges { node { id status captured released } } }
  entries(first: 10) { edges { node { kind amount postedDelta heldDelta } } } } } }`;

type Given = Record<string, unknown>;

async function ask(mutation: string, input: Given, headers?: Record<string, string>) {
  const whole = { idempotencyKey: newRequestKey(), ...input };
  const { data, errors } = await gateway.ask(mutation, { input: whole }, headers);
  expect(errors).toEqual([]);
  const [payload] = Object.values(data as Record<string, Given>);
  return payload as Json;
}

const hold = (amount: string, input: Given = {}) =>
  ask(HOLD, { memberId, asset: 'points', amount, ...input });
const capture = (holdId: string, input: Given = {}) => ask(CAPTURE, { holdId, ...input });
const release = (holdId: string, input: Given = {}) => ask(RELEASE, { holdId, ...input });
const earn = (amount: string, input: Given = {}) =>
  ask(EARN, { memberId, asset: 'points', amount, ...input });

async function ledger(variables: Given = {}) {
  const { data, errors } = await gateway.ask(LEDGER, { id: memberId, ...variables });
  expect(errors).toEqual([]);
  const { balance, version, holds, entries } = data.member.ledger;
  const nodes = ({ edges }: { edges: { node: Given }[] }) => edges.map(({ node }) => node);
  return { balance, version, holds: nodes(holds), entries: nodes(entries) };
}

const refused = (code: string, field: string[]) => ({
  hold: null,
  operation: null,
  ledger: null,
  userErrors: [{ code, field, message: expect.any(String) }],
});

describe('a hold', () => {
  it('reserves: it is held, no more available, and still posted', async () => {
    const { hold: made, operation, ledger: after } = await hold('80', { expiresIn: 'PT15M', reason: 'cart' });
    expect(made).toEqual({
      id: expect.stringMatching(/^hld_/),
      ...{ amount: '80', captured: '0', released: '0', status: 'ACTIVE' },
      expiresAt: expect.stringMatching(/^2026-11-20T04:15:/),
    });
    expect(operation).toMatchObject({
      kind: 'HOLD',
      reason: 'cart',
      entries: [{ kind: 'HOLD', amount: '-80', postedDelta: '0', heldDelta: '80', balanceAfter: '100' }],
      allocations: [],
    });
    expect(after).toEqual({ balance: { available: '20', pending: '0', held: '80' }, version: '2' });
  });

  it('lasts for ever where no end is given, or local days', async () => {
    expect((await hold('1')).hold.expiresAt).toBeNull();
    expect((await hold('1', { expiresIn: 'P1D' })).hold.expiresAt).toMatch(/^2026-11-21T04:00:/);
    const expiresAt = '2026-12-01T00:00:00.000Z';
    expect((await hold('1', { expiresAt })).hold.expiresAt).toBe(expiresAt);
  });

  it.each([
    ['more than there is', { amount: '101' }, 'INSUFFICIENT_BALANCE', ['amount']],
    ['nothing', { amount: '0' }, 'AMOUNT_NOT_POSITIVE', ['amount']],
    ['below zero', { amount: '-5' }, 'AMOUNT_NOT_POSITIVE', ['amount']],
    ['what can’t be spent', { asset: 'growth' }, 'ASSET_NOT_SPENDABLE', ['asset']],
    ['of no asset', { asset: 'gold' }, 'ASSET_NOT_FOUND', ['asset']],
    ['of nobody', { memberId: 'mem_00000000000000000000000000' }, 'MEMBER_NOT_FOUND', ['memberId']],
    ['with a past end', { expiresAt: '2026-11-20T03:00:00Z' }, 'HOLD_ENDED_BEFORE', ['expiresAt']],
    ['for no time', { expiresIn: 'PT0S' }, 'HOLD_ENDED_BEFORE', ['expiresIn']],
    [
      'with two ends',
      { expiresIn: 'PT1H', expiresAt: '2026-11-21T00:00:00Z' },
      'HOLD_END_TWICE',
      ['expiresAt'],
    ],
  ])('isn’t made: %s', async (_what, input, code, field) => {
    await expectNothingWritten(gateway, async () => {
      expect(await hold('10', input)).toEqual(refused(code, field));
    });
  });

  it('is shown again as it first stood, and tried without a trace', async () => {
    const key = { idempotencyKey: newRequestKey(), expiresIn: 'PT15M' };
    const first = await expectNothingWritten(gateway, () => hold('30', { ...key, dryRun: true }));
    expect(first).toMatchObject({ hold: { amount: '30' }, ledger: { balance: { available: '70' } } });
    const made = await hold('30', key);
    const capturing = { idempotencyKey: newRequestKey(), amount: '10' };
    const captured = await capture(made.hold.id, capturing);
    const ending = { idempotencyKey: newRequestKey(), final: true, amount: '15' };
    const ended = await capture(made.hold.id, ending);
    await gateway.advanceClock('1 hour');
    expect(await hold('30', key)).toEqual(made);
    expect(await capture(made.hold.id, capturing)).toEqual(captured);
    expect(await capture(made.hold.id, ending)).toEqual(ended);
    expect(captured.hold).toMatchObject({ captured: '10', released: '0', status: 'ACTIVE' });
    expect(ended.hold).toMatchObject({ captured: '25', released: '5', status: 'CAPTURED' });
    expect((await hold('31', key)).userErrors).toMatchObject([{ code: 'IDEMPOTENCY_CONFLICT' }]);
  });
});

describe('a capture', () => {
  it('spends a part and releases the rest, in one operation', async () => {
    const { hold: made } = await hold('80');
    const { hold: left, operation, ledger: after } = await capture(made.id, { amount: '50', final: true });
    expect(left).toMatchObject({ amount: '80', captured: '50', released: '30', status: 'CAPTURED' });
    expect(operation).toMatchObject({
      kind: 'CAPTURE',
      entries: [{ amount: '-50', postedDelta: '-50', heldDelta: '-80', balanceAfter: '50', version: '3' }],
      allocations: [{ lot: { amount: '100' }, amount: '50' }],
    });
    expect(after.balance).toEqual({ available: '50', pending: '0', held: '0' });
  });

  it('may come again and again, up to the whole', async () => {
    const { hold: made } = await hold('80');
    expect((await capture(made.id, { amount: '30' })).hold.status).toBe('ACTIVE');
    expect(await capture(made.id, { amount: '51' })).toEqual(refused('CAPTURE_EXCEEDS_HOLD', ['amount']));
    expect((await capture(made.id)).hold).toMatchObject({ captured: '80', status: 'CAPTURED' });
    expect(await capture(made.id)).toEqual(refused('HOLD_NOT_ACTIVE', ['holdId']));
    expect(await release(made.id)).toEqual(refused('HOLD_NOT_ACTIVE', ['holdId']));
    expect((await ledger()).balance).toEqual({ available: '20', pending: '0', held: '0' });
  });

  it.each([
    ['nothing', { amount: '0' }, 'AMOUNT_NOT_POSITIVE', ['amount']],
    ['above it', { amount: '81' }, 'CAPTURE_EXCEEDS_HOLD', ['amount']],
    ['the largest number', { amount: '9223372036854775807' }, 'CAPTURE_EXCEEDS_HOLD', ['amount']],
    ['another one', { holdId: 'hld_00000000000000000000000000' }, 'HOLD_NOT_FOUND', ['holdId']],
    ['no id', { holdId: 'nonsense' }, 'HOLD_NOT_FOUND', ['holdId']],
  ])('isn’t made: %s', async (_what, input, code, field) => {
    const { hold: made } = await hold('80');
    await expectNothingWritten(gateway, async () => {
      expect(await capture(made.id, input)).toEqual(refused(code, field));
    });
  });

  it('isn’t made after the release or after the end', async () => {
    const released = (await hold('10')).hold;
    await release(released.id);
    expect(await capture(released.id)).toEqual(refused('HOLD_NOT_ACTIVE', ['holdId']));
    const ended = (await hold('10', { expiresIn: 'PT1M' })).hold;
    await gateway.advanceClock('1 minute');
    expect(await capture(ended.id)).toEqual(refused('HOLD_NOT_ACTIVE', ['holdId']));
    expect(await release(ended.id)).toEqual(refused('HOLD_NOT_ACTIVE', ['holdId']));
  });

  it('spends of a lot that expired while it was held', async () => {
    await earn('30', { expiresAt: '2026-11-20T05:00:00Z' });
    const { hold: made } = await hold('40');
    await gateway.setClock('2026-11-20T06:00:00Z');
    expect((await ledger()).balance).toEqual({ available: '90', pending: '0', held: '40' });
    const { operation } = await capture(made.id, { amount: '20', final: true });
    // Ten of the thirty are released too late; the other ten go back to the lot that lives.
    expect(operation.entries).toMatchObject([
      { amount: '-20', postedDelta: '-30', heldDelta: '-40', balanceAfter: '100' },
    ]);
    expect((await ledger()).balance).toEqual({ available: '100', pending: '0', held: '0' });
  });
});

describe('a release', () => {
  it('gives back the rest', async () => {
    const { hold: made } = await hold('80');
    await capture(made.id, { amount: '30' });
    const { hold: left, operation, ledger: after } = await release(made.id, { reason: 'cart left' });
    expect(left).toMatchObject({ captured: '30', released: '50', status: 'RELEASED' });
    expect(operation).toMatchObject({
      kind: 'RELEASE',
      reason: 'cart left',
      entries: [{ amount: '50', postedDelta: '0', heldDelta: '-50', balanceAfter: '70' }],
    });
    expect(after.balance).toEqual({ available: '70', pending: '0', held: '0' });
  });

  it('loses what comes after its lot’s expiry', async () => {
    await earn('30', { expiresAt: '2026-11-20T05:00:00Z' });
    const { hold: made } = await hold('40');
    await gateway.setClock('2026-11-20T06:00:00Z');
    const { operation, ledger: after } = await release(made.id);
    expect(operation).toMatchObject({
      entries: [{ amount: '40', postedDelta: '-30', heldDelta: '-40', balanceAfter: '100' }],
      allocations: [{ lot: { amount: '30' }, amount: '30' }],
    });
    expect(after.balance).toEqual({ available: '100', pending: '0', held: '0' });
  });
});

describe('the end of a hold', () => {
  it('is read at once, before anything has run', async () => {
    const { hold: made } = await hold('80', { expiresIn: 'PT15M' });
    const before = new Date(Date.parse(made.expiresAt) - 1).toISOString();
    await gateway.setClock(made.expiresAt);
    const after = await ledger();
    expect(after).toMatchObject({ balance: { available: '100', held: '0' }, version: '2' });
    expect(after.holds).toMatchObject([{ status: 'EXPIRED', captured: '0', released: '80' }]);
    expect((await ledger({ status: 'ACTIVE' })).holds).toEqual([]);
    expect((await ledger({ status: 'EXPIRED' })).holds).toHaveLength(1);
    const node = 'query($id: ID!) { node(id: $id) { __typename id ... on Hold { status released } } }';
    const found = { __typename: 'Hold', id: made.id, status: 'EXPIRED', released: '80' };
    expect((await gateway.ask(node, { id: made.id })).data.node).toEqual(found);
    const stranger = await gateway.asMember(await enrol(gateway));
    expect((await gateway.ask(node, { id: made.id }, stranger)).data.node).toBeNull();
    expect((await ledger({ at: before })).balance).toEqual({ available: '20', pending: '0', held: '80' });
    expect((await ledger({ at: made.expiresAt })).balance).toMatchObject({ available: '100', held: '0' });
  });

  it('leaves the past as it was', async () => {
    await earn('30', { expiresAt: '2026-11-20T05:00:00Z' });
    const moments: [at: string, available: string, held: string][] = [];
    const remember = async (available: string, held: string) => {
      expect((await ledger()).balance).toMatchObject({ available, held });
      const [{ now }] = await gateway.sql('select business_time() as now');
      moments.push([now.toISOString(), available, held]);
      await gateway.advanceClock('20 minutes');
    };
    await remember('130', '0');
    const { hold: made } = await hold('50', { expiresIn: 'PT2H' });
    await remember('80', '50');
    await capture(made.id, { amount: '10' });
    await remember('80', '40');
    // The lot has expired by now, but what is held of it hasn't.
    await remember('80', '40');
    await capture(made.id, { amount: '5' });
    await remember('80', '35');
    await gateway.advanceClock('1 hour');
    // Fifteen of the thirty were spent, the others ended with the hold.
    await remember('100', '0');
    await settleTenant(gateway.application.jobs, gateway.tenantKey);
    await remember('100', '0');
    for (const [at, available, held] of moments) {
      expect((await ledger({ at })).balance).toEqual({ available, pending: '0', held });
    }
  });

  it('is told as it happens', async () => {
    const { hold: made } = await hold('50', { expiresIn: 'PT2H' });
    await capture(made.id, { amount: '10' });
    await release(made.id);
    const query = `subscription($memberId: ID!, $after: String) {
      pointEvents(memberId: $memberId, asset: "points", after: $after) { type } }`;
    const following = follow(gateway, {
      query,
      variables: { memberId, after: feedCursor(gateway.tenantKey, 0n) },
    });
    const types: string[] = [];
    for (let count = 0; count < 4; count += 1) types.push((await following.event()).type);
    await following.stop();
    expect(types).toEqual(['EARNED', 'HELD', 'CAPTURED', 'RELEASED']);
  });

  it('is written by the next spend, which may use it', async () => {
    await hold('80', { expiresIn: 'PT15M' });
    await gateway.advanceClock('15 minutes');
    const { data } = await gateway.ask(
      'mutation($input: RedeemPointsInput!) { redeemPoints(input: $input) { ledger { version } } }',
      { input: { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: '90' } },
    );
    expect(data.redeemPoints.ledger.version).toBe('4');
    const { entries, holds, balance } = await ledger();
    expect(entries.map(({ kind, amount }) => [kind, amount])).toEqual([
      ['REDEEM', '-90'],
      ['RELEASE', '80'],
      ['HOLD', '-80'],
      ['EARN', '100'],
    ]);
    expect(holds).toMatchObject([{ status: 'EXPIRED', released: '80' }]);
    expect(balance).toEqual({ available: '10', pending: '0', held: '0' });
  });

  it('is written by the job, once', async () => {
    await earn('30', { expiresAt: '2026-11-20T04:30:00Z' });
    await hold('80', { expiresIn: 'PT1H' });
    await gateway.advanceClock('2 hours');
    const read = await ledger();
    expect(read.balance).toEqual({ available: '100', pending: '0', held: '0' });
    expect(await settleTenant(gateway.application.jobs, gateway.tenantKey)).toBeGreaterThan(0);
    expect(await settleTenant(gateway.application.jobs, gateway.tenantKey)).toBe(0);
    const after = await ledger();
    expect(after.balance).toEqual(read.balance);
    expect(after.entries[0]).toMatchObject({ kind: 'RELEASE', amount: '80', postedDelta: '-30' });
  });

  it('lets what expired after it expire by itself', async () => {
    await earn('30', { expiresAt: '2026-11-20T06:00:00Z' });
    await hold('80', { expiresIn: 'PT1H' });
    await gateway.setClock('2026-11-20T07:00:00Z');
    expect((await ledger()).balance).toEqual({ available: '100', pending: '0', held: '0' });
    await settleTenant(gateway.application.jobs, gateway.tenantKey);
    const { entries, balance } = await ledger();
    expect(entries.slice(0, 2).map(({ kind, amount }) => [kind, amount])).toEqual([
      ['EXPIRE', '-30'],
      ['RELEASE', '80'],
    ]);
    expect(balance).toEqual({ available: '100', pending: '0', held: '0' });
  });
});

describe('a member', () => {
  it('holds, captures and releases their own, and nobody else’s', async () => {
    const own = await gateway.asMember(memberId);
    const other = await gateway.asMember(await enrol(gateway));
    const key = newRequestKey();
    const made = await ask(HOLD, { idempotencyKey: key, memberId, asset: 'points', amount: '10' }, own);
    expect(made.hold.status).toBe('ACTIVE');
    const again = { idempotencyKey: key, memberId, asset: 'points', amount: '10' };
    expect(await ask(HOLD, again, other)).toEqual(refused('MEMBER_NOT_FOUND', ['memberId']));
    const holdId = made.hold.id;
    expect(await ask(CAPTURE, { holdId }, other)).toEqual(refused('HOLD_NOT_FOUND', ['holdId']));
    const captureKey = newRequestKey();
    const input = { idempotencyKey: captureKey, holdId, amount: '4' };
    expect((await ask(CAPTURE, input, own)).hold.captured).toBe('4');
    expect(await ask(CAPTURE, input, other)).toEqual(refused('HOLD_NOT_FOUND', ['holdId']));
    expect(await ask(RELEASE, { holdId }, other)).toEqual(refused('HOLD_NOT_FOUND', ['holdId']));
    expect((await ask(RELEASE, { holdId }, own)).hold.status).toBe('RELEASED');
  });

  it('who is blocked gets back what is held, and can’t spend it', async () => {
    const { hold: made } = await hold('10');
    await gateway.sql(`update member set status = 'BLOCKED'`);
    expect(await hold('10')).toEqual(refused('MEMBER_NOT_ACTIVE', ['memberId']));
    expect(await capture(made.id)).toEqual(refused('MEMBER_NOT_ACTIVE', ['holdId']));
    expect((await release(made.id)).hold.status).toBe('RELEASED');
    await gateway.sql(`update member set status = 'ACTIVE'`);
  });
});
