import { setTimeout as delay } from 'node:timers/promises';
import { type DocumentNode, print } from 'graphql';
import pg from 'pg';
import { operatorContext } from '../../src/boot/index.ts';
import { UseCaseRunner } from '../../src/domain/programs/index.ts';
import { refuse } from '../../src/kernel/errors.ts';
import { digestOf } from '../../src/persistence/idempotency.ts';
import { contentsOf, expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { WAITING_SESSIONS } from '../support/open-transactions.ts';
import { execute } from '../support/typed-client.ts';
import {
  AdjustDocument,
  CreateMemberDocument,
  EarnDocument,
  RecordDocument,
  RedeemDocument,
  UpdateMemberDocument,
} from './generated/graphql.ts';

let gateway: TestGateway;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());
beforeEach(async () => {
  memberId = await enrol(gateway);
});

/** A mutation with an input that succeeds, another one, and one that is refused; keys come from the test. */
interface Mutation {
  readonly name: string;
  readonly document: DocumentNode;
  input(): Json;
  other(input: Json): Json;
  refused(input: Json): Json;
}

const MONEY = { value: '238.00', currency: 'CNY' };
const posting = (amount: string) => () => ({ memberId, asset: 'points', amount, reason: 'test' });

const mutations: Mutation[] = [
  {
    name: 'createMember',
    document: CreateMemberDocument,
    input: () => ({
      identities: [newIdentity()],
      profile: { displayName: '小寒' },
      attributes: { b: 1, a: { d: 2, c: 3 } },
    }),
    other: (input) => ({ ...input, profile: { displayName: '大寒' } }),
    refused: (input) => ({ ...input, identities: [{ kind: 'EXTERNAL', value: 'demo-member' }] }),
  },
  {
    name: 'updateMember',
    document: UpdateMemberDocument,
    input: () => ({ memberId, profile: { displayName: '小寒' } }),
    other: (input) => ({ ...input, tags: [] }),
    refused: (input) => ({ ...input, status: 'ERASED' }),
  },
  {
    name: 'recordActivity',
    document: RecordDocument,
    input: () => ({ memberId, type: 'purchase', amount: MONEY, order: { number: newRequestKey() } }),
    other: (input) => ({ ...input, amount: { ...MONEY, value: '238.01' } }),
    refused: (input) => ({ ...input, amount: { ...MONEY, currency: 'EUR' } }),
  },
  {
    name: 'earnPoints',
    document: EarnDocument,
    input: posting('50'),
    other: (input) => ({ ...input, amount: '51' }),
    refused: (input) => ({ ...input, amount: '0' }),
  },
  {
    name: 'redeemPoints',
    document: RedeemDocument,
    input: posting('40'),
    other: (input) => ({ ...input, reference: { type: 'order', id: '1' } }),
    refused: (input) => ({ ...input, amount: '101' }),
  },
  {
    name: 'adjustPoints',
    document: AdjustDocument,
    input: posting('-40'),
    other: (input) => ({ ...input, reason: 'another' }),
    refused: (input) => ({ ...input, amount: '0' }),
  },
];

function named(name: string): Mutation {
  const mutation = mutations.find((one) => one.name === name);
  if (mutation === undefined) throw new Error(`There is no mutation ${name}.`);
  return mutation;
}

async function send({ name, document }: Mutation, input: Json): Promise<Json> {
  const { data, errors } = await gateway.ask(print(document), { input });
  expect(errors).toEqual([]);
  return data[name];
}

/** Other operations on the same ledgers, and time that passes. */
async function meanwhile(): Promise<void> {
  for (const asset of ['points', 'growth', 'token']) {
    const input = { idempotencyKey: newRequestKey(), memberId, asset, amount: '3000' };
    await execute(gateway, EarnDocument, { input });
  }
  const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: '7' };
  await execute(gateway, RedeemDocument, { input });
  await gateway.advanceClock('40 days');
}

const CONFLICT = [{ code: 'IDEMPOTENCY_CONFLICT', field: ['idempotencyKey'], message: expect.any(String) }];

describe.each(mutations.map((mutation) => ({ name: mutation.name, mutation })))('$name', ({ mutation }) => {
  it('answers a key again as it did first, whatever happened to the ledgers meanwhile', async () => {
    const input = { ...mutation.input(), idempotencyKey: newRequestKey() };
    const first = await send(mutation, input);
    expect(first.userErrors).toEqual([]);
    await meanwhile();
    const before = await contentsOf(gateway);
    expect(await send(mutation, input)).toEqual(first);
    expect(await send(mutation, { ...input, dryRun: true })).toEqual(first);
    expect(await contentsOf(gateway)).toEqual(before);
  });

  it('refuses a key with another input', async () => {
    const input = { ...mutation.input(), idempotencyKey: newRequestKey() };
    await send(mutation, input);
    const {
      userErrors,
      operations = [],
      ...rest
    } = await expectNothingWritten(gateway, () => send(mutation, mutation.other(input)));
    expect(userErrors).toEqual(CONFLICT);
    expect([...operations, ...Object.values(rest)].filter((value) => value !== null)).toEqual([]);
  });

  it('refuses a key of another mutation', async () => {
    const idempotencyKey = newRequestKey();
    const [another = mutation] = mutations.filter(({ name }) => name !== mutation.name);
    await send(another, { ...another.input(), idempotencyKey });
    const answer = await expectNothingWritten(gateway, () =>
      send(mutation, { ...mutation.input(), idempotencyKey }),
    );
    expect(answer.userErrors).toEqual(CONFLICT);
  });

  it('binds no key when it is refused', async () => {
    const input = { ...mutation.input(), idempotencyKey: newRequestKey() };
    const refused = await expectNothingWritten(gateway, () => send(mutation, mutation.refused(input)));
    expect(refused.userErrors).toHaveLength(1);
    expect((await send(mutation, input)).userErrors).toEqual([]);
  });

  it('writes nothing and binds no key in a dry run', async () => {
    const input = { ...mutation.input(), idempotencyKey: newRequestKey() };
    const tried = await expectNothingWritten(gateway, () => send(mutation, { ...input, dryRun: true }));
    expect(tried.userErrors).toEqual([]);
    expect((await send(mutation, mutation.other(input))).userErrors).toEqual([]);
  });
});

/** Postings by hand share a transaction; a moment after it waits, all of them wait for it. */
const GATHERED = ['earnPoints', 'redeemPoints', 'adjustPoints'];

/** Sends a request several times and lets none of them end before all of them wait for a lock. */
async function sendAtOnce(mutation: Mutation, times: number): Promise<Json[]> {
  const backends = GATHERED.includes(mutation.name) ? 1 : times;
  const blocker = new pg.Client({ connectionString: gateway.database.adminUrl });
  await blocker.connect();
  try {
    await blocker.query('begin');
    await blocker.query(`select set_config('app.tenant_id', $1, true)`, [gateway.tenantKey]);
    await blocker.query('select from tenant_feed for update');
    await blocker.query('select from member for update');
    const input = { ...mutation.input(), idempotencyKey: newRequestKey() };
    const sent = Promise.all(Array.from({ length: times }, () => send(mutation, input)));
    sent.catch(() => undefined);
    let waiting = 0;
    while (waiting < backends) {
      const [row] = await gateway.sql<{ waiting: number }>(WAITING_SESSIONS);
      waiting = row?.waiting ?? 0;
    }
    await delay(backends < times ? 100 : 0);
    await blocker.query('rollback');
    return await sent;
  } finally {
    await blocker.end();
  }
}

async function expectOneResult(name: string): Promise<void> {
  const [first, ...others] = await sendAtOnce(named(name), 6);
  expect(first.userErrors).toEqual([]);
  for (const other of others) expect(other).toEqual(first);
}

describe('a key that many send at once has one result for all of them', () => {
  it.each(mutations.map(({ name }) => name))('%s', expectOneResult);
});

it('a request that is refused for what its own first try did meanwhile answers what that did', async () => {
  const { database, services } = gateway.application;
  const ctx = operatorContext(gateway.tenantKey, 'a test');
  const runner = new UseCaseRunner(database, services.programs);
  const first = {
    mutation: 'setTier',
    input: { idempotencyKey: newRequestKey() },
    propose: async () => 'proposed',
    stored: () => 'done',
    commit: async (_tx: unknown, _proposal: string, _program: unknown, facts: Promise<unknown>) => {
      await facts;
      return 'done';
    },
    replay: async (stored: string) => `${stored} before`,
  };
  const retry = {
    ...first,
    propose: async (): Promise<string> => {
      await runner.run(ctx, first);
      throw refuse('HOLD_NOT_ACTIVE', ['holdId']);
    },
  };
  expect(await runner.run(ctx, retry)).toEqual({ result: 'done before', written: false });
});

/** What differs between a dry run and the real one: ids, cursors and moments. */
function withoutChance(answer: Json): Json {
  const text = JSON.stringify(answer, (key, value: unknown) => {
    if (['id', 'eventCursor'].includes(key)) return key;
    if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) return 'a moment';
    return value;
  });
  return JSON.parse(text);
}

async function expectSameAnswer(name: string): Promise<void> {
  const mutation = named(name);
  const input = { ...mutation.input(), idempotencyKey: newRequestKey() };
  const tried = await send(mutation, { ...input, dryRun: true });
  expect(withoutChance(tried)).toEqual(withoutChance(await send(mutation, input)));
}

describe('a dry run answers as the real one would', () => {
  it.each(mutations.map(({ name }) => name))('%s', expectSameAnswer);
});

// Only ids are kept of the first answer, so that no personal data outlives its erasure (decision 1).
it('a replay shows the profile of a member as it is now', async () => {
  const input = { idempotencyKey: newRequestKey(), memberId, profile: { displayName: '小寒' } };
  await execute(gateway, UpdateMemberDocument, { input });
  const later = { ...input, idempotencyKey: newRequestKey(), profile: { displayName: '大寒' } };
  const now = await execute(gateway, UpdateMemberDocument, { input: later });
  expect(await execute(gateway, UpdateMemberDocument, { input })).toEqual(now);
});

it('an activity is found again, also where an older release kept its answer as JSON', async () => {
  const record = named('recordActivity');
  const input = { ...record.input(), idempotencyKey: newRequestKey() };
  const first = await send(record, input);
  const key = [digestOf(input.idempotencyKey)];
  const kept = 'from idempotency where key = $1';
  const [{ result }] = await gateway.sql(`select result ${kept}`, key);
  expect(result).toBeNull();
  await gateway.sql(
    `update idempotency i
        set activity_id = null,
            result = jsonb_build_object(
              'activity', i.activity_id,
              'member', (select member_id from activity a where a.activity_id = i.activity_id),
              'operations', (select jsonb_agg(operation_id) from operation o
                              where o.activity_id = i.activity_id))
      where key = $1`,
    key,
  );
  expect(await send(record, input)).toEqual(first);
});
