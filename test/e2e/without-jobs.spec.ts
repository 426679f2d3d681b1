import { catchUp } from '../../src/jobs/index.ts';
import { auditLedgers } from '../support/audit.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';

/** The gateways of tests run no jobs: their clocks move, and nobody settles anything. */
const NOON = '2026-03-10T12:00:00+08:00';

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

async function act(mutation: string, input: Record<string, unknown>): Promise<Json> {
  const type = `${mutation[0]?.toUpperCase()}${mutation.slice(1)}Input`;
  const { data, errors } = await gateway.ask(
    `mutation($input: ${type}!) { ${mutation}(input: $input) { userErrors { code } } }`,
    { input: { idempotencyKey: newRequestKey(), memberId, asset: 'points', ...input } },
  );
  expect(errors).toEqual([]);
  return data[mutation].userErrors.map(({ code }: { code: string }) => code);
}

async function balance(): Promise<[available: string, pending: string, held: string]> {
  const { data } = await gateway.ask(
    `query($id: ID!) { member(id: $id) { ledger(asset: "points") { balance { available pending held } } } }`,
    { id: memberId },
  );
  const { available, pending, held } = data.member.ledger.balance;
  return [available, pending, held];
}

const settled = async (): Promise<number> =>
  (await gateway.sql(`select from entry where kind in ('MATURE', 'EXPIRE') or (kind = 'RELEASE')`)).length;

describe('while the jobs stood still for a day', () => {
  it('nothing that expired can be spent, and all else can', async () => {
    await act('earnPoints', { amount: '30', expiresAt: '2026-03-11T00:00:00+08:00' });
    expect(await balance()).toEqual(['130', '0', '0']);
    await gateway.setClock('2026-03-10T23:59:00+08:00');
    expect(await act('redeemPoints', { amount: '131', dryRun: true })).toEqual(['INSUFFICIENT_BALANCE']);
    expect(await act('redeemPoints', { amount: '130', dryRun: true })).toEqual([]);
    await gateway.setClock('2026-03-11T12:00:00+08:00');
    expect(await settled()).toBe(0);
    expect(await balance()).toEqual(['100', '0', '0']);
    expect(await act('redeemPoints', { amount: '101' })).toEqual(['INSUFFICIENT_BALANCE']);
    expect(await act('holdPoints', { amount: '101' })).toEqual(['INSUFFICIENT_BALANCE']);
    expect(await settled()).toBe(0);
    expect(await act('redeemPoints', { amount: '100' })).toEqual([]);
    expect(await balance()).toEqual(['0', '0', '0']);
  });

  it('what fell due can be spent, and what is not due can’t', async () => {
    await act('earnPoints', { amount: '30', availableAt: '2026-03-11T00:00:00+08:00' });
    await act('earnPoints', { amount: '7', availableAt: '2026-03-12T00:00:00+08:00' });
    expect(await balance()).toEqual(['100', '37', '0']);
    await gateway.setClock('2026-03-11T12:00:00+08:00');
    expect(await balance()).toEqual(['130', '7', '0']);
    expect(await act('redeemPoints', { amount: '131' })).toEqual(['INSUFFICIENT_BALANCE']);
    expect(await act('redeemPoints', { amount: '130' })).toEqual([]);
    expect(await balance()).toEqual(['0', '7', '0']);
  });

  it('what was held until then can be spent again, once', async () => {
    expect(await act('holdPoints', { amount: '80', expiresAt: '2026-03-11T00:00:00+08:00' })).toEqual([]);
    expect(await act('redeemPoints', { amount: '21' })).toEqual(['INSUFFICIENT_BALANCE']);
    await gateway.setClock('2026-03-11T12:00:00+08:00');
    expect(await balance()).toEqual(['100', '0', '0']);
    expect(await act('redeemPoints', { amount: '100' })).toEqual([]);
    expect(await act('redeemPoints', { amount: '1' })).toEqual(['INSUFFICIENT_BALANCE']);
  });

  it('and the jobs, when they are back, change no balance', async () => {
    await act('earnPoints', { amount: '30', availableAt: '2026-03-11T00:00:00+08:00' });
    await act('earnPoints', { amount: '5', expiresAt: '2026-03-11T00:00:00+08:00' });
    await gateway.setClock('2026-03-11T12:00:00+08:00');
    const before = await balance();
    await catchUp(gateway.application.jobs, gateway.tenantKey);
    expect(await balance()).toEqual(before);
    expect(before).toEqual(['130', '0', '0']);
    expect(await settled()).toBeGreaterThan(0);
  });
});
