import { auditLedgers } from '../support/audit.ts';
import { describeDocuments, readDocument } from '../support/documents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol } from '../support/members.ts';

/** What the documents found out, each for those behind it. */
const known: Record<string, Json> = {};

let gateway: TestGateway;

async function run(number: string, changes: Json = {}, headers?: Record<string, string>): Promise<Json> {
  const { query, variables } = await readDocument(number, known);
  const input = { ...(variables.input as Json), ...changes };
  const { data, errors } = await gateway.ask(query, { ...variables, input }, headers);
  expect(errors).toEqual([]);
  return Object.values(data)[0];
}

describeDocuments('what the clients send about points', () => {
  beforeAll(async () => {
    gateway = await startTestGateway();
    await gateway.setClock('2026-11-21T12:00:00+08:00');
    known.memberId = await enrol(gateway);
    known.friendId = await enrol(gateway);
    await gateway.ask(
      'mutation($input: EarnPointsInput!) { earnPoints(input: $input) { ledger { version } } }',
      {
        input: { idempotencyKey: 'more', memberId: known.memberId, asset: 'points', amount: '200' },
      },
    );
  });
  afterAll(async () => {
    expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
    await gateway.close();
  });

  it('06 spends', async () => {
    const { operation, ledger } = await run('06');
    known.redeemOperationId = operation.id;
    expect(ledger).toEqual({ balance: { available: '180', pending: '0', held: '0' }, version: '3' });
  });

  it('07 holds', async () => {
    const answer = await run('07');
    known.holdId = answer.hold.id;
    expect(answer).toEqual({
      hold: {
        id: expect.stringMatching(/^hld_[0-9a-z]{26}$/),
        ...{ amount: '80', captured: '0', released: '0', status: 'ACTIVE' },
        expiresAt: expect.stringMatching(/^2026-11-21T04:15:\d\d\.\d{3}Z$/),
      },
      operation: { id: expect.stringMatching(/^op_[0-9a-z]{26}$/), kind: 'HOLD' },
      ledger: { balance: { available: '100', pending: '0', held: '80' }, version: '4' },
      userErrors: [],
    });
    expect(await run('07')).toEqual(answer);
  });

  it('08 captures fifty of them, and releases the rest', async () => {
    const answer = await run('08');
    expect(answer).toEqual({
      hold: { id: known.holdId, amount: '80', captured: '50', released: '30', status: 'CAPTURED' },
      operation: {
        id: expect.stringMatching(/^op_/),
        kind: 'CAPTURE',
        entries: [{ amount: '-50', balanceAfter: '130', version: '5' }],
      },
      ledger: { balance: { available: '130', pending: '0', held: '0' }, version: '5' },
      userErrors: [],
    });
    expect(await run('08')).toEqual(answer);
  });

  it('09 releases another one', async () => {
    const other = await run('07', { idempotencyKey: 'hold-0002' });
    known.otherHoldId = other.hold.id;
    const answer = await run('09');
    expect(answer).toEqual({
      hold: { id: known.otherHoldId, amount: '80', captured: '0', released: '80', status: 'RELEASED' },
      operation: {
        id: expect.stringMatching(/^op_/),
        kind: 'RELEASE',
        entries: [{ heldDelta: '-80', version: '7' }],
      },
      ledger: { balance: { available: '130', pending: '0', held: '0' }, version: '7' },
      userErrors: [],
    });
    expect(await run('09')).toEqual(answer);
  });

  it('10 refunds twenty of what was spent', async () => {
    const answer = await run('10');
    expect(answer).toEqual({
      operation: {
        id: expect.stringMatching(/^op_/),
        kind: 'REVERSE',
        reverses: { id: known.redeemOperationId },
        entries: [{ amount: '20', balanceAfter: '150', version: '8' }],
        allocations: [{ lot: { id: expect.stringMatching(/^lot_/) }, amount: '-20' }],
      },
      ledger: { balance: { available: '150', pending: '0', held: '0' }, version: '8' },
      userErrors: [],
    });
    expect(await run('10')).toEqual(answer);
  });

  it('11 gives three tokens to a friend', async () => {
    const answer = await run('11');
    expect(answer).toMatchObject({
      operation: { id: expect.stringMatching(/^op_/), kind: 'TRANSFER' },
      userErrors: [],
    });
    expect(answer.operation.entries).toHaveLength(2);
    const side = (id: string, amount: string, balanceAfter: string) => ({
      ledger: { id: expect.stringMatching(/^led_/), member: { id } },
      ...{ amount, balanceAfter, version: '2' },
    });
    expect(answer.operation.entries).toContainEqual(side(known.memberId, '-3', '7'));
    expect(answer.operation.entries).toContainEqual(side(known.friendId, '3', '13'));
    expect(await run('11')).toEqual(answer);
  });

  it('07, 08, 09 and 11 are for members, on themselves', async () => {
    const own = await gateway.asMember(known.memberId);
    const other = await gateway.asMember(known.friendId);
    const made = await run('07', { idempotencyKey: 'own', amount: '5' }, own);
    known.holdId = made.hold.id;
    expect((await run('08', { idempotencyKey: 'own-2', amount: '2' }, own)).hold.captured).toBe('2');
    expect((await run('11', { idempotencyKey: 'own-3' }, own)).operation.entries).toHaveLength(1);
    for (const number of ['07', '08', '09', '11']) {
      const { userErrors } = await run(number, { idempotencyKey: 'theirs' }, other);
      expect(userErrors).toMatchObject([{ code: expect.stringMatching(/^(MEMBER|HOLD)_NOT_FOUND$/) }]);
    }
  });
});
