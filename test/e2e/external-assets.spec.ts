import { randomBytes } from 'node:crypto';
import { findDueWork } from '../../src/jobs/due.repository.ts';
import { outcomesOf, seeing } from '../support/attacks.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { codesOf, mutate, type OwnTenant, tenantWith } from '../support/own-tenant.ts';
import {
  answering,
  comesTo,
  holdAnswers,
  MILES_PROGRAM,
  memberOf,
  milesOf,
  type RecordElsewhere,
  startRecordElsewhere,
} from '../support/record-elsewhere.ts';
import { act, register } from '../support/registered.ts';
import { untilHolds } from '../support/until-holds.ts';

// Assets whose record another system keeps: what it is asked for is written down, and settled as it says.

const OPERATION = `operation { id kind status record { status amount reason balance reference { type id }
  settledBy { kind } } }`;

let gateway: TestGateway;
let other: TestGateway;
let record: RecordElsewhere;
let tenant: OwnTenant;
let extensionId: string;
beforeAll(async () => {
  const ENCRYPTION_KEY = randomBytes(32).toString('base64');
  const environment = { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32', ENCRYPTION_KEY };
  gateway = await startTestGateway({ environment });
  other = await startTestGateway({ environment, beside: gateway });
  record = await startRecordElsewhere();
  tenant = await tenantWith(gateway, MILES_PROGRAM);
  ({ id: extensionId } = await register(tenant, answering(record)));
});
afterEach(() => {
  record.before = () => undefined;
  record.isAway = false;
});
afterAll(async () => {
  await other.close();
  await gateway.close();
  await record.close();
});

function post(mutation: string, memberId: string, amount: string, more: Json = {}): Promise<Json> {
  const input = { idempotencyKey: newRequestKey(), memberId, asset: 'miles', amount, ...more };
  return tenant.act(mutation, input, OPERATION);
}

async function done(mutation: string, memberId: string, amount: string, more: Json = {}): Promise<Json> {
  const { operation, userErrors } = await post(mutation, memberId, amount, more);
  expect(userErrors).toEqual([]);
  return operation;
}

/** A member with 100 miles, there and here. */
async function traveller(): Promise<string> {
  const memberId = await enrol(tenant);
  expect(await done('earnPoints', memberId, '100')).toMatchObject({ status: 'DONE' });
  return memberId;
}

async function balanceOf(memberId: string): Promise<string> {
  const query = `query($id: ID!) { member(id: $id) { ledger(asset: "miles") {
    balance { available pending held } } } }`;
  const { available, pending, held } = (await tenant.ask(query, { id: memberId })).data.member.ledger.balance;
  return `${available} +${pending} (${held})`;
}

const entriesOf = (memberId: string, asked: Pick<OwnTenant, 'ask'> = tenant): Promise<string[]> =>
  milesOf(asked, memberId);
const sql = (text: string): Promise<Json[]> => seeing(gateway, tenant, () => gateway.sql(text));

/** Goes through all that is due, whatever it waits for. */
async function again(at: TestGateway = gateway): Promise<void> {
  await sql('update record_lane set next_attempt_at = now()');
  await at.application.jobs.records.catchUp(tenant.tenantKey);
}

describe('what another system keeps', () => {
  it('is given when that says so', async () => {
    const memberId = await enrol(tenant);
    const operation = await done('earnPoints', memberId, '120', { reason: 'a flight' });
    expect(operation).toEqual({
      ...{ id: expect.stringMatching(/^op_/), kind: 'EARN', status: 'DONE' },
      record: {
        ...{ status: 'DONE', amount: '120', reason: null, balance: '120' },
        reference: { type: 'booking', id: operation.id },
        settledBy: { kind: 'MATURE' },
      },
    });
    expect(record.asked.at(-1)).toMatchObject({
      ...{ point: 'points.change', mode: 'LIVE', idempotencyKey: operation.id },
      input: {
        ...{ member: { id: memberId }, asset: 'miles', amount: '120' },
        operation: { id: operation.id, kind: 'EARN', reverses: null, reason: 'a flight', reference: null },
      },
    });
    expect([await balanceOf(memberId), record.balances.get(memberId)]).toEqual(['120 +0 (0)', 120n]);
    expect(await entriesOf(memberId)).toEqual(['EARN 120 DONE', 'MATURE 120 DONE']);
  });

  it('is spent when that says so, once for a key', async () => {
    const memberId = await traveller();
    const idempotencyKey = newRequestKey();
    const first = await done('redeemPoints', memberId, '30', { idempotencyKey });
    expect(first).toMatchObject({ kind: 'HOLD', status: 'DONE', record: { settledBy: { kind: 'CAPTURE' } } });
    const before = record.asked.length;
    expect(await done('redeemPoints', memberId, '30', { idempotencyKey })).toEqual(first);
    expect(record.asked).toHaveLength(before);
    expect([await balanceOf(memberId), record.balances.get(memberId)]).toEqual(['70 +0 (0)', 70n]);
  });

  it('is corrected up and down, and what was given is taken back', async () => {
    const memberId = await traveller();
    await done('adjustPoints', memberId, '7', { reason: 'up' });
    await done('adjustPoints', memberId, '-17', { reason: 'down' });
    const given = await done('earnPoints', memberId, '40');
    const input = { operationId: given.id, amount: '15' };
    const { operation } = await act(tenant, 'reverseOperation', input, OPERATION);
    expect(operation).toMatchObject({ status: 'DONE', record: { amount: '-15' } });
    expect(record.asked.at(-1).input.operation).toMatchObject({ kind: 'REVERSE', reverses: given.id });
    expect([await balanceOf(memberId), record.balances.get(memberId)]).toEqual(['115 +0 (0)', 115n]);
    const rest = await act(tenant, 'reverseOperation', { operationId: given.id, amount: '26' }, OPERATION);
    expect(codesOf(rest)).toEqual(['REVERSAL_EXCEEDS_ORIGINAL']);
    expect(await entriesOf(memberId)).toEqual([
      ...['EARN 100 DONE', 'MATURE 100 DONE', 'ADJUST 7 DONE', 'MATURE 7 DONE'],
      ...['HOLD -17 DONE', 'RELEASE 17 DONE', 'ADJUST -17 DONE', 'EARN 40 DONE', 'MATURE 40 DONE'],
      ...['HOLD -15 DONE', 'RELEASE 15 DONE', 'REVERSE -15 DONE'],
    ]);
  });

  it('stays as it was where that refuses, now and whenever the key is sent again', async () => {
    const memberId = await traveller();
    const refused = { reason: 'refuse me', idempotencyKey: newRequestKey() };
    const first = await post('redeemPoints', memberId, '30', refused);
    expect(first).toMatchObject({
      operation: null,
      userErrors: [{ code: 'RECORD_REFUSED', message: 'The shop is closed.' }],
    });
    expect(await post('redeemPoints', memberId, '30', refused)).toEqual(first);
    expect(codesOf(await post('earnPoints', memberId, '30', { reason: 'refuse me' }))).toEqual([
      'RECORD_REFUSED',
    ]);
    expect([await balanceOf(memberId), record.balances.get(memberId)]).toEqual(['100 +0 (0)', 100n]);
    expect(await entriesOf(memberId)).toEqual([
      ...['EARN 100 DONE', 'MATURE 100 DONE', 'HOLD -30 REFUSED', 'RELEASE 30 DONE'],
      ...['EARN 30 REFUSED', 'REVERSE -30 DONE'],
    ]);
  });

  it('is asked about only as far as the mirror goes, and never by a dry run', async () => {
    const memberId = await traveller();
    const before = record.asked.length;
    expect(codesOf(await post('redeemPoints', memberId, '101'))).toEqual(['INSUFFICIENT_BALANCE']);
    const tried = await expectNothingWritten(gateway, () =>
      post('redeemPoints', memberId, '10', { dryRun: true }),
    );
    expect(tried).toMatchObject({ operation: { kind: 'HOLD' }, userErrors: [] });
    expect(record.asked).toHaveLength(before);
  });

  it('comes in batches, each item settled by itself', async () => {
    const members = [await enrol(tenant), await enrol(tenant)];
    const items = [0, 1, 2, 3].map((index) => ({
      ...{ idempotencyKey: newRequestKey(), memberId: members[index % 2], asset: 'miles' },
      ...{ amount: '5', reason: index === 3 ? 'refuse me' : 'flown' },
    }));
    const query = `mutation($input: EarnPointsBatchInput!) { earnPointsBatch(input: $input) {
      succeeded results { operation { status } userErrors { code } } } }`;
    const { earnPointsBatch } = (await tenant.ask(query, { input: { items } })).data;
    expect(earnPointsBatch.succeeded).toBe(3);
    expect(earnPointsBatch.results[3]).toEqual({ operation: null, userErrors: [{ code: 'RECORD_REFUSED' }] });
    expect(await Promise.all(members.map(balanceOf))).toEqual(['10 +0 (0)', '5 +0 (0)']);
  });
});

describe('what happens to members', () => {
  const buy = async (memberId: string, order: string): Promise<Json> => {
    const amount = { value: '50.00', currency: 'CNY' };
    const input = { memberId, type: 'purchase', amount, order: { number: order } };
    return await act(tenant, 'recordActivity', input, 'operations { id status entries { asset { code } } }');
  };

  it('waits for no other system, and what a purchase gave a refund takes back', async () => {
    const memberId = await enrol(tenant);
    const held = holdAnswers(record);
    const { operations } = await buy(memberId, `order-${memberId}`);
    const own = operations.find(({ entries }: Json) => entries[0].asset.code === 'miles');
    expect(own.status).toBe('ASKED');
    expect(await balanceOf(memberId)).toBe('0 +50 (0)');
    const refund = { type: 'refund', order: { number: `order-${memberId}` } };
    const early = await act(tenant, 'recordActivity', { ...refund, amount: null }, 'activity { id }');
    expect(codesOf(early)).toEqual(['RECORD_UNSETTLED']);
    held.release();
    await comesTo(() => balanceOf(memberId), '50 +0 (0)');
    const half = { ...refund, amount: { value: '20.00', currency: 'CNY' } };
    await act(tenant, 'recordActivity', half, 'activity { id }');
    await comesTo(() => balanceOf(memberId), '30 +0 (0)');
    expect(record.balances.get(memberId)).toBe(30n);
  });
});

describe('what can’t be asked for', () => {
  it('is refused, and says so', async () => {
    const [memberId, toMemberId] = [await traveller(), await enrol(tenant)];
    expect(codesOf(await post('holdPoints', memberId, '5'))).toEqual(['RECORD_ELSEWHERE']);
    const expiresAt = '2099-01-01T00:00:00Z';
    expect(codesOf(await post('earnPoints', memberId, '5', { expiresAt }))).toEqual(['RECORD_ELSEWHERE']);
    const given = { fromMemberId: memberId, toMemberId, asset: 'miles', amount: '5' };
    expect(codesOf(await act(tenant, 'transferPoints', given, 'operation { id }'))).toEqual([
      'ASSET_NOT_TRANSFERABLE',
    ]);
    const merged = { fromMemberId: memberId, intoMemberId: toMemberId };
    expect(codesOf(await act(tenant, 'mergeMembers', merged, 'member { id }'))).toEqual(['RECORD_ELSEWHERE']);
    await done('redeemPoints', memberId, '5');
    const [spent] = await sql(
      `select operation_id from operation where kind = 'CAPTURE' order by created_at desc`,
    );
    expect(spent).toBeDefined();
    expect(await balanceOf(memberId)).toBe('95 +0 (0)');
  });

  it('is what nobody answers for: by hand it is refused, what happens waits', async () => {
    const alone = await tenantWith(gateway, MILES_PROGRAM);
    const memberId = await enrol(alone);
    const input = { memberId, asset: 'miles', amount: '5' };
    expect(codesOf(await act(alone, 'earnPoints', input, 'operation { id }'))).toEqual(['RECORD_UNANSWERED']);
    const bought = { memberId, type: 'purchase', amount: { value: '9.00', currency: 'CNY' } };
    await act(alone, 'recordActivity', bought, 'activity { id }');
    await gateway.application.jobs.records.catchUp(alone.tenantKey);
    const shown = async (): Promise<string[]> => await entriesOf(memberId, alone);
    expect(await shown()).toEqual(['EARN 9 ASKED']);
    await register(alone, answering(record));
    await seeing(gateway, alone, () => gateway.sql('update record_lane set next_attempt_at = now()'));
    await gateway.application.jobs.records.catchUp(alone.tenantKey);
    await comesTo(shown, ['EARN 9 DONE', 'MATURE 9 DONE']);
  });

  it('can’t be stood in for', async () => {
    const wrong = [
      ...[{ stage: 'SHADOW' }, { stage: 'CANARY', canaryPercent: 10 }],
      ...[{ onFailure: 'FAIL_OPEN' }, { filter: 'true' }],
      { onFailure: 'DEFAULT', defaultOutput: { decision: 'DONE' } },
    ];
    for (const more of wrong) {
      const input = { name: 'partly', ...answering(record, more) };
      expect(codesOf(await act(tenant, 'registerExtension', input))).toEqual(['RECORD_KEEPER_BOUND']);
    }
    for (const more of [{ stage: 'SHADOW' }, { stage: 'CANARY', canaryPercent: 10 }]) {
      const staged = await act(tenant, 'setExtensionStage', { extensionId, ...more });
      expect(codesOf(staged)).toEqual(['RECORD_KEEPER_BOUND']);
    }
  });
});

describe('an answer that is lost', () => {
  it('is asked for again, and what was booked there is booked once', async () => {
    const memberId = await traveller();
    record.isAway = true;
    const idempotencyKey = newRequestKey();
    const asked = await done('redeemPoints', memberId, '30', { idempotencyKey });
    expect(asked.status).toBe('ASKED');
    expect([await balanceOf(memberId), record.balances.get(memberId)]).toEqual(['70 +0 (30)', 70n]);
    const headers = await memberOf(gateway, tenant, memberId);
    expect((await entriesOf(memberId, headers)).at(-1)).toBe('HOLD -30 ASKED');
    record.isAway = false;
    await again();
    const last = async (): Promise<string[]> => (await entriesOf(memberId, headers)).slice(-2);
    await comesTo(last, ['HOLD -30 DONE', 'CAPTURE -30 DONE']);
    expect(record.booked.filter((line) => line.startsWith(memberId))).toEqual([
      `${memberId} 100`,
      `${memberId} -30`,
    ]);
    expect(await done('redeemPoints', memberId, '30', { idempotencyKey })).toMatchObject({ status: 'DONE' });
  });

  it('is found by the jobs, and settled whoever the member is by then', async () => {
    const memberId = await traveller();
    record.isAway = true;
    await done('redeemPoints', memberId, '30');
    const blocked = await act(tenant, 'updateMember', { memberId, status: 'BLOCKED' }, 'member { id }');
    expect(blocked.userErrors).toEqual([]);
    const { database } = gateway.application;
    const isDue = async (): Promise<boolean> => {
      await sql('update record_lane set next_attempt_at = now()');
      const kept = { callDays: 30, eventDays: 30 };
      const due = await findDueWork(database.read(tenant.tenantKey), tenant.tenantKey, kept);
      return due?.records === true;
    };
    await untilHolds(isDue);
    record.isAway = false;
    await again();
    await comesTo(() => balanceOf(memberId), '70 +0 (0)');
  });

  it('holds back what comes later for the same member, and nobody else', async () => {
    const [memberId, free] = [await traveller(), await traveller()];
    record.isAway = true;
    const first = await done('redeemPoints', memberId, '1');
    const second = await done('redeemPoints', memberId, '2');
    expect([first.status, second.status]).toEqual(['ASKED', 'ASKED']);
    record.isAway = false;
    expect((await done('redeemPoints', free, '3')).status).toBe('DONE');
    await again();
    await comesTo(() => balanceOf(memberId), '97 +0 (0)');
    expect(record.booked.filter((line) => line.startsWith(memberId)).slice(1)).toEqual([
      `${memberId} -1`,
      `${memberId} -2`,
    ]);
  });

  it('of another shape settles nothing, and is kept', async () => {
    const memberId = await traveller();
    const { answer } = record;
    let left = 100;
    for (const lie of [{ decision: 'MAYBE' }, { decision: 'DONE', balance: `1${'0'.repeat(30)}` }, {}]) {
      record.answer = () => lie;
      expect((await done('redeemPoints', memberId, '1')).status).toBe('ASKED');
      expect((await outcomesOf(tenant, extensionId)).at(-1)).toBe('LIVE INVALID_OUTPUT OUTPUT_INVALID');
      record.answer = answer;
      await again();
      left -= 1;
      await comesTo(() => balanceOf(memberId), `${left} +0 (0)`);
    }
  });

  it('is given up after three days: a credit is taken back, a debit stays reserved until somebody ends it', async () => {
    const memberId = await traveller();
    record.isAway = true;
    const credit = await done('earnPoints', memberId, '9');
    const debit = await done('redeemPoints', memberId, '4');
    expect([credit.status, debit.status]).toEqual(['ASKED', 'ASKED']);
    await sql(`update record_change set asked_at = asked_at - interval '3 days' where status = 'ASKED'`);
    await again();
    const after = async (): Promise<string[]> => (await entriesOf(memberId)).slice(2);
    await comesTo(after, ['EARN 9 GIVEN_UP', 'HOLD -4 GIVEN_UP', 'REVERSE -9 DONE']);
    expect(await balanceOf(memberId)).toBe('96 +0 (4)');
    // Somebody looked there: it was never taken.
    const query = `query($id: ID!) { member(id: $id) { ledger(asset: "miles") {
      holds(first: 1, status: ACTIVE) { edges { node { id } } } } } }`;
    const { holds } = (await tenant.ask(query, { id: memberId })).data.member.ledger;
    await act(tenant, 'releaseHold', { holdId: holds.edges[0].node.id }, 'operation { id }');
    expect(await balanceOf(memberId)).toBe('100 +0 (0)');
  });
});

describe('two gateways', () => {
  const there = (): Pick<OwnTenant, 'ask' | 'act'> => {
    const ask: TestGateway['ask'] = (query, variables) =>
      other.ask(query, variables, { 'x-api-key': tenant.key });
    return { ask, act: (...rest) => mutate(ask, ...rest) };
  };

  it('ask for the changes of a member in their order, each once', async () => {
    const memberId = await traveller();
    const held = holdAnswers(record);
    const first = done('redeemPoints', memberId, '10');
    await held.reached;
    const input = { idempotencyKey: newRequestKey(), memberId, asset: 'miles', amount: '20' };
    const second = there().act('redeemPoints', input, OPERATION);
    await comesTo(() => balanceOf(memberId), '70 +0 (30)');
    held.release();
    expect([(await first).status, (await second).operation.status]).toEqual(['DONE', 'DONE']);
    expect(record.booked.filter((line) => line.startsWith(memberId)).slice(1)).toEqual([
      `${memberId} -10`,
      `${memberId} -20`,
    ]);
  });

  it('settle once what both asked for, as when one of them slept longer than its lease', async () => {
    const memberId = await traveller();
    const held = holdAnswers(record, 1);
    const sleeping = done('redeemPoints', memberId, '10');
    await held.reached;
    await sql('update record_lane set leased_until = now()');
    await again(other);
    await comesTo(() => balanceOf(memberId), '90 +0 (0)');
    held.release();
    expect((await sleeping).status).toBe('DONE');
    expect(held.calls()).toBe(2);
    expect((await entriesOf(memberId)).slice(2)).toEqual(['HOLD -10 DONE', 'CAPTURE -10 DONE']);
    expect(record.balances.get(memberId)).toBe(90n);
  });
});

it('leaves books that add up', async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
});
