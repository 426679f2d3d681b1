import { readFile } from 'node:fs/promises';
import { buildSchema, parse, validate } from 'graphql';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { describeDocuments, readDocument } from '../support/documents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

const BATCH = `mutation($input: EarnPointsBatchInput!) {
  earnPointsBatch(input: $input) {
    results { operation { id kind entries { version amount balanceAfter } } userErrors { code field } }
    succeeded
    failed
  }
}`;

const times = <Value>(count: number, make: (index: number) => Value): Value[] =>
  Array.from({ length: count }, (_, index) => make(index));
const itemOf = (memberId: string, amount: string, rest: Json = {}) => ({
  ...{ idempotencyKey: newRequestKey(), memberId, asset: 'points', amount },
  ...rest,
});

async function send(items: Json[]): Promise<Json> {
  const { data, errors } = await gateway.ask(BATCH, { input: { items } });
  expect(errors).toEqual([]);
  return data.earnPointsBatch;
}

describeDocuments('document 12', () => {
  it('fits the schema, is done, and is told again', async () => {
    const known = { memberId: await enrol(gateway), friendId: await enrol(gateway) };
    const { query, variables } = await readDocument('12', known);
    const schema = buildSchema(await readFile('schema/schema.graphql', 'utf8'));
    expect(validate(schema, parse(query))).toEqual([]);
    const first = await gateway.ask(query, variables);
    expect(first.errors).toEqual([]);
    expect(first.data.earnPointsBatch).toEqual({
      results: times(2, () => ({ operation: { id: expect.stringMatching(/^op_/) }, userErrors: [] })),
      succeeded: 2,
      failed: 0,
    });
    const again = await expectNothingWritten(gateway, () => gateway.ask(query, variables));
    expect(again.data).toEqual(first.data);
  });
});

describe('a batch of credits', () => {
  it('is done in the order of its items, whatever is refused among them', async () => {
    const memberId = await enrol(gateway);
    const twice = newRequestKey();
    const { results, succeeded, failed } = await send([
      itemOf(memberId, '1'),
      itemOf(memberId, '0'),
      itemOf('mem_nobody', '1'),
      itemOf(memberId, '2', { idempotencyKey: twice }),
      itemOf(memberId, '2', { idempotencyKey: twice }),
      itemOf(memberId, '3', { idempotencyKey: twice }),
      itemOf(memberId, '1', { asset: 'gold-dust' }),
      itemOf(memberId, '1', { reference: { type: 'x'.repeat(65), id: '1' } }),
      itemOf(memberId, '4', { idempotencyKey: '' }),
      itemOf(memberId, '5', { asset: 'growth' }),
      itemOf(memberId, '6', { asset: 'growth' }),
      itemOf(memberId, '7'),
    ]);
    const refused = results.flatMap(({ userErrors }: Json) => userErrors);
    expect(refused).toEqual([
      { code: 'AMOUNT_NOT_POSITIVE', field: ['items', '1', 'amount'] },
      { code: 'MEMBER_NOT_FOUND', field: ['items', '2', 'memberId'] },
      { code: 'IDEMPOTENCY_CONFLICT', field: ['items', '5', 'idempotencyKey'] },
      { code: 'ASSET_NOT_FOUND', field: ['items', '6', 'asset'] },
      { code: 'TEXT_TOO_LONG', field: ['items', '7', 'reference', 'type'] },
      { code: 'IDEMPOTENCY_KEY_INVALID', field: ['items', '8', 'idempotencyKey'] },
    ]);
    const versions = results.map(({ operation }: Json) => operation?.entries[0].version ?? null);
    expect(versions).toEqual(['2', null, null, '3', '3', null, null, null, null, '1', '2', '4']);
    expect({ succeeded, failed }).toEqual({ succeeded: 6, failed: 6 });
    expect(results[4]).toEqual(results[3]);
  });

  it('has a thousand items at most, and one at least', async () => {
    const memberIds = await Promise.all(times(40, () => enrol(gateway)));
    const items = times(1_000, (index) =>
      itemOf(memberIds[index % 40] ?? '', index % 10 < 3 ? '-1' : '2', { reason: 'settlement' }),
    );
    const first = await send(items);
    expect([first.succeeded, first.failed]).toEqual([700, 300]);
    const again = await expectNothingWritten(gateway, () => send(items));
    expect(again).toEqual(first);
    for (const wrong of [[], [...items, itemOf(memberIds[0] ?? '', '1')]]) {
      const { data, errors } = await gateway.ask(BATCH, { input: { items: wrong } });
      expect(data).toBeNull();
      expect(errors).toMatchObject([{ extensions: { code: 'BATCH_SIZE', field: ['items'] } }]);
    }
  });

  it('binds a key to the batch mutation, not to the single one', async () => {
    const memberId = await enrol(gateway);
    const item = itemOf(memberId, '5');
    await send([item]);
    const single = `mutation($input: EarnPointsInput!) { earnPoints(input: $input) { userErrors { code } } }`;
    const { data } = await gateway.ask(single, { input: item });
    expect(data.earnPoints.userErrors).toEqual([{ code: 'IDEMPOTENCY_CONFLICT' }]);
  });

  it('is not for members', async () => {
    const memberId = await enrol(gateway);
    const input = { items: [itemOf(memberId, '5')] };
    const { errors } = await gateway.ask(BATCH, { input }, await gateway.asMember(memberId));
    expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
  });
});
