import { contentsOf, expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
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
  readonly document: Parameters<typeof execute>[1];
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

async function send({ name, document }: Mutation, input: Json): Promise<Json> {
  const data = (await execute(gateway, document, { input })) as Json;
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

  it('answers all who send one key at once with one result', async () => {
    const input = { ...mutation.input(), idempotencyKey: newRequestKey() };
    const [first, ...others] = await Promise.all(Array.from({ length: 6 }, () => send(mutation, input)));
    expect(first.userErrors).toEqual([]);
    for (const other of others) expect(other).toEqual(first);
    const rows = await gateway.sql('select from idempotency where key = $1', [input.idempotencyKey]);
    expect(rows).toHaveLength(1);
  });
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

const readsBack = ['createMember', 'updateMember', 'redeemPoints', 'adjustPoints'];
describe('a dry run answers as the real one would', () => {
  it.each(mutations.map(({ name }) => name).filter((name) => !readsBack.includes(name)))(
    '%s',
    async (name) => {
      await expectSameAnswer(name);
    },
  );
  it.each(readsBack)('%s', async (name) => {
    await expectSameAnswer(name);
  });
});

async function expectSameAnswer(name: string): Promise<void> {
  const mutation = mutations.find((one) => one.name === name);
  if (mutation === undefined) throw new Error(`There is no mutation ${name}.`);
  const input = { ...mutation.input(), idempotencyKey: newRequestKey() };
  const tried = await send(mutation, { ...input, dryRun: true });
  expect(withoutChance(tried)).toEqual(withoutChance(await send(mutation, input)));
}

// A replay reads the member as they are now, because only ids are kept of the first answer.
it.failing('a replay gives the first answer, whatever happened to the member meanwhile', async () => {
  const input = { idempotencyKey: newRequestKey(), memberId, profile: { displayName: '小寒' } };
  const first = await execute(gateway, UpdateMemberDocument, { input });
  await execute(gateway, UpdateMemberDocument, {
    input: { ...input, idempotencyKey: newRequestKey(), profile: { displayName: '大寒' } },
  });
  expect(await execute(gateway, UpdateMemberDocument, { input })).toEqual(first);
});
