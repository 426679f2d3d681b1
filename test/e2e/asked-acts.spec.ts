import {
  type ActOutput,
  answers,
  type CallContext,
  definePlugin,
  pointsHold,
  pointsRedeem,
  pointsRelease,
  pointsReverse,
} from '../../src/extension/index.ts';
import type { Sql } from '../../src/persistence/index.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { untilNothingIsOpen } from '../support/open-transactions.ts';
import { mutate } from '../support/own-tenant.ts';

// What extensions are asked about before points are spent, reserved, given back and taken back by hand.

const NOON = '2026-11-20T12:00:00+08:00';

/** What the plugins were asked, in order, and what each of them does; it approves when missing. */
const asked: { plugin: string; point: string; input: Json; context: Omit<CallContext, 'signal'> }[] = [];
const ways = new Map<string, () => Json>();
/** Runs while a plugin is asked. */
let meanwhile: () => Promise<void> = async () => undefined;

const POINTS = [pointsRedeem, pointsHold, pointsRelease, pointsReverse] as const;

function answerer(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  const told = (point: string) => async (input: Json, context: CallContext) => {
    const { signal: _, ...rest } = context;
    asked.push({ plugin: id, point, input, context: rest });
    await meanwhile();
    return (ways.get(id) ?? (() => ({ decision: 'APPROVE' })))() as ActOutput;
  };
  return definePlugin({
    ...{ id, version: 2, description: 'Does what a test says.', priority, onFailure, deadlineMs: 10_000 },
    answers: POINTS.map((point) => answers(point as typeof pointsRedeem, told(point.name))),
  });
}

let gateway: TestGateway;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway({
    plugins: [answerer('strict', 20, 'FAIL_CLOSED'), answerer('lax', 10, 'FAIL_OPEN')],
  });
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});
beforeEach(async () => {
  ways.clear();
  meanwhile = async () => undefined;
  await gateway.setClock(NOON);
  memberId = await enrol(gateway);
  asked.length = 0;
});

const OPERATION = 'operation { id kind reason reference { type id } entries { amount } }';

function send(mutation: string, input: Json, on = gateway): Promise<Json> {
  return mutate(on.ask, mutation, { idempotencyKey: newRequestKey(), ...input }, OPERATION);
}

async function done(mutation: string, input: Json): Promise<Json> {
  const { operation, userErrors } = await send(mutation, input);
  expect(userErrors).toEqual([]);
  return operation;
}

async function spent(amount = '30'): Promise<string> {
  return (await done('redeemPoints', { memberId, asset: 'points', amount })).id;
}

async function held(input: Json = {}): Promise<string> {
  const whole = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: '30', ...input };
  return (await mutate(gateway.ask, 'holdPoints', whole, 'hold { id }')).hold.id;
}

const of = () => ({ memberId, asset: 'points', amount: '30', reason: 'tea' });

/** Each act that is asked about: its point and mutation, and what it is sent with. */
const ACTS: [what: string, point: string, mutation: string, input: () => Promise<Json>][] = [
  ['a spend', 'points.redeem', 'redeemPoints', async () => of()],
  ['a capture', 'points.redeem', 'captureHold', async () => ({ holdId: await held() })],
  ['a hold', 'points.hold', 'holdPoints', async () => of()],
  ['a release', 'points.release', 'releaseHold', async () => ({ holdId: await held(), reason: 'tea' })],
  ['a reversal', 'points.reverse', 'reverseOperation', async () => ({ operationId: await spent() })],
];

async function refusalOf(mutation: string, input: Json): Promise<Json> {
  const { operation, userErrors } = await expectNothingWritten(gateway, () => send(mutation, input));
  expect(operation).toBeNull();
  return userErrors;
}

describe.each(ACTS)('%s', (_what, point, mutation, inputOf) => {
  let input: Json;
  beforeEach(async () => {
    input = { ...(await inputOf()), idempotencyKey: newRequestKey() };
    asked.length = 0;
  });

  it('is asked about by priority, and kept with the number that the last one gives it', async () => {
    ways.set('lax', () => ({ decision: 'APPROVE', reference: { type: 'crm', id: '1' } }));
    ways.set('strict', () => ({ decision: 'APPROVE', reference: { type: 'crm', id: '2' } }));
    const operation = await done(mutation, input);
    expect(operation.reference).toEqual({ type: 'crm', id: '2' });
    expect(asked.map(({ plugin, point: name }) => [plugin, name])).toEqual([
      ['lax', point],
      ['strict', point],
    ]);
    const { idempotencyKey } = input;
    expect(asked[0]).toMatchObject({
      input: { member: { id: memberId, tier: { code: 'bronze' } }, asset: 'points', reference: null },
      context: { tenant: 'demo', mode: 'LIVE', attempt: 1, idempotencyKey },
    });
    // A replay is what was done, and nobody is asked again.
    expect(await done(mutation, input)).toEqual(operation);
    expect(asked).toHaveLength(2);
    const other = mutation === 'captureHold' ? { amount: '1' } : { reason: 'coffee' };
    const { userErrors } = await send(mutation, { ...input, ...other });
    expect(userErrors).toMatchObject([{ code: 'IDEMPOTENCY_CONFLICT' }]);
    expect(asked).toHaveLength(2);
  });

  it('is refused by one that says so, with its reason; the first of them wins, and no key is bound', async () => {
    ways.set('lax', () => ({ decision: 'REFUSE', reason: '今日不可用' }));
    ways.set('strict', () => ({ decision: 'REFUSE', reason: 'never' }));
    expect(await refusalOf(mutation, input)).toEqual([
      { code: 'EXTENSION_REFUSED', field: null, message: '今日不可用' },
    ]);
    expect(asked.map(({ plugin }) => plugin)).toEqual(['lax']);
    ways.delete('lax');
    expect(await refusalOf(mutation, input)).toMatchObject([{ message: 'never' }]);
    ways.clear();
    await done(mutation, input);
  });

  it('is only tried on a dry run', async () => {
    await expectNothingWritten(gateway, () => send(mutation, { ...input, dryRun: true }));
    expect(asked.map(({ context }) => context.mode)).toEqual(['DRY_RUN', 'DRY_RUN']);
  });

  it('fails with who fails closed, and goes on without who fails open', async () => {
    const fail = (): never => {
      throw new Error('away');
    };
    ways.set('strict', fail);
    expect(await refusalOf(mutation, input)).toMatchObject([
      { code: 'EXTENSION_UNAVAILABLE', message: expect.stringContaining('strict') },
    ]);
    ways.clear();
    ways.set('lax', fail);
    expect((await done(mutation, input)).reference).toBeNull();
  });

  it.each<[string, Json]>([
    ['another amount', { decision: 'APPROVE', amount: '1' }],
    ['another member', { decision: 'APPROVE', memberId: 'mem_01jdb4g8vse3aaaaaaaaaaaaaa' }],
    ['nothing', {}],
    ['neither yes nor no', { decision: 'USE_EXISTING' }],
    ['a number that is too long', { decision: 'APPROVE', reference: { type: 'crm', id: 'x'.repeat(201) } }],
    ['a number that can’t be kept', { decision: 'APPROVE', reference: { type: 'crm', id: 'a\0b' } }],
    ['half of a character', { decision: 'REFUSE', reason: '\ud83d' }],
  ])('isn’t changed by one that answers %s', async (_lie, output) => {
    ways.set('strict', () => output);
    expect(await refusalOf(mutation, input)).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE' }]);
    ways.clear();
    ways.set('lax', () => output);
    expect((await done(mutation, input)).reference).toBeNull();
  });

  it('is asked about with no transaction open', async () => {
    let looked = 0;
    meanwhile = async () => {
      await untilNothingIsOpen(gateway);
      looked += 1;
    };
    await done(mutation, input);
    expect(looked).toBe(2);
  });
});

describe('what is asked', () => {
  const reference = { type: 'order', id: 'SO-1' };

  it('of a spend is what the caller sent; the number that it names stays', async () => {
    ways.set('strict', () => ({ decision: 'APPROVE', reference: { type: 'crm', id: '2' } }));
    const operation = await done('redeemPoints', { ...of(), reference });
    expect(operation.reference).toEqual(reference);
    expect(asked[0]?.input).toMatchObject({ amount: '30', reason: 'tea', reference, hold: null });
  });

  it('of a capture is the hold with what it has left, and no amount where all of it is captured', async () => {
    const holdId = await held();
    await done('captureHold', { holdId, amount: '10' });
    await done('captureHold', { holdId });
    const strict = asked.filter(({ plugin, point }) => plugin === 'strict' && point === 'points.redeem');
    expect(strict.map(({ input: { amount, hold } }) => ({ amount, hold }))).toEqual([
      { amount: '10', hold: { id: holdId, amount: '30', left: '30', reference: null } },
      { amount: null, hold: { id: holdId, amount: '30', left: '20', reference: null } },
    ]);
  });

  it('of what a hold comes to is the number that it was reserved under', async () => {
    ways.set('strict', () => ({ decision: 'APPROVE', reference: { type: 'crm', id: '2' } }));
    const holds = [await held(), await held({ reference })];
    ways.clear();
    asked.length = 0;
    for (const holdId of holds) await done('captureHold', { holdId, amount: '10' });
    for (const holdId of holds) await done('releaseHold', { holdId });
    const told = asked.filter(({ plugin }) => plugin === 'strict').map(({ input }) => input.hold.reference);
    expect(told).toEqual([{ type: 'crm', id: '2' }, reference, { type: 'crm', id: '2' }, reference]);
  });

  it.each([
    [{ expiresIn: 'PT30M' }, /^2026-11-20T04:30:0/],
    [{ expiresAt: '2026-12-24T12:00:00+08:00' }, /^2026-12-24T04:00:00.000Z$/],
  ])('of a hold is when it is over: %j', async (input, expected) => {
    await held(input);
    expect(asked[0]?.input.expiresAt).toMatch(expected);
    await held({ amount: '1' });
    expect(asked.at(-1)?.input.expiresAt).toBeNull();
  });

  it('of a reversal is what is undone', async () => {
    const { id: operationId } = await done('redeemPoints', { ...of(), reference });
    await done('reverseOperation', { operationId, amount: '5', reason: 'cold' });
    expect(asked.at(-1)?.input).toMatchObject({
      ...{ amount: '5', reason: 'cold', reference: null },
      operation: { id: operationId, kind: 'REDEEM', amount: '-30', reason: 'tea', reference },
    });
  });

  it('is nothing where it would be refused anyway; a release is for every member', async () => {
    const holdId = await held();
    const operationId = await spent();
    asked.length = 0;
    await gateway.sql(`update member set status = 'BLOCKED'`);
    for (const [mutation, input] of [
      ['redeemPoints', of()],
      ['redeemPoints', { ...of(), memberId: 'mem_01jdb4g8vse3aaaaaaaaaaaaaa' }],
      ['redeemPoints', { ...of(), amount: '0' }],
      ['redeemPoints', { ...of(), asset: 'growth' }],
      ['holdPoints', of()],
      ['captureHold', { holdId }],
      ['reverseOperation', { operationId }],
    ] as const)
      expect((await send(mutation, input)).userErrors).toHaveLength(1);
    expect(asked).toEqual([]);
    await done('releaseHold', { holdId });
    expect(asked).toHaveLength(2);
  });
});

it('asks once for each request of many at once, and never spends more than there is', async () => {
  const answered = await Promise.all(Array.from({ length: 12 }, () => send('redeemPoints', of())));
  const codes = answered.map(({ userErrors }) => userErrors[0]?.code ?? 'OK').sort();
  expect(codes).toEqual([...Array(9).fill('INSUFFICIENT_BALANCE'), 'OK', 'OK', 'OK']);
  expect(asked).toHaveLength(24);
});

it('one key in flight many times spends once', async () => {
  const input = { ...of(), idempotencyKey: newRequestKey() };
  const answered = await Promise.all(Array.from({ length: 6 }, () => send('redeemPoints', input)));
  expect(new Set(answered.map(({ operation }) => operation.id)).size).toBe(1);
});

it('that another one made impossible meanwhile is refused', async () => {
  let isFirst = true;
  meanwhile = async () => {
    if (!isFirst) return;
    isFirst = false;
    await done('redeemPoints', { ...of(), amount: '90' });
  };
  expect((await send('redeemPoints', of())).userErrors).toMatchObject([{ code: 'INSUFFICIENT_BALANCE' }]);
});

it('earns and corrects without asking anybody', async () => {
  await done('earnPoints', of());
  await done('adjustPoints', { ...of(), amount: '-5' });
  expect(asked).toEqual([]);
});

const isRemembered = (name: string): boolean => /^(extension|tenant)\b/.test(name);

it('costs not one statement more where nobody answers', async () => {
  const bare = await startTestGateway({ plugins: [] });
  try {
    const member = await enrol(bare);
    const ran: string[] = [];
    const { database } = bare.application;
    const read = database.read.bind(database);
    database.read = (tenantKey): Sql => {
      const sql = read(tenantKey);
      return {
        run: async (statement, values) => {
          ran.push(statement.name);
          return await sql.run(statement, values);
        },
      };
    };
    const input = { memberId: member, asset: 'points', amount: '5' };
    const { operation } = await send('redeemPoints', input, bare);
    // Who is registered, and what the tenant is, is looked up once a second and remembered.
    expect(ran.filter((name) => !isRemembered(name))).toEqual([]);
    await send('reverseOperation', { operationId: operation.id }, bare);
    await send('holdPoints', input, bare);
    expect(ran.filter((name) => /member|standing/.test(name))).toEqual([]);
    const before = ran.length;
    await Promise.all(Array.from({ length: 20 }, () => send('redeemPoints', input, bare)));
    const more = ran.slice(before).filter((name) => !isRemembered(name));
    expect(more).toEqual([]);
  } finally {
    await bare.close();
  }
});
