import { findDueWork } from '../../src/jobs/due.repository.ts';
import { auditLedgers } from '../support/audit.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, tenantWith } from '../support/own-tenant.ts';
import { setClock } from './tenants.ts';

/*
 * What is left of a lot stands in a row of its own as long as something is. That it says what the lot says is
 * a law of the audit, with which every property test ends; this is about which rows there are.
 */

const BEGIN = '2026-03-10T11:00:00Z';
const PROGRAM = `name: { en: Open lots }
timeZone: UTC
currency: EUR
assets: [{ code: points, kind: POINTS, name: { en: Points }, expiry: { after: P365D } }]`;

let gateway: TestGateway;
let tenant: OwnTenant;

beforeAll(async () => {
  gateway = await startTestGateway();
});
beforeEach(async () => {
  tenant = await tenantWith(gateway, PROGRAM, BEGIN);
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});

async function done(mutation: string, input: Record<string, unknown>): Promise<string> {
  const whole = { idempotencyKey: newRequestKey(), ...input };
  const { operation, userErrors } = await tenant.act(mutation, whole, 'operation { id }');
  expect(userErrors).toEqual([]);
  return operation.id;
}

/** What is left of each open lot, and whether it waits to fall due. */
async function openLots(): Promise<string[]> {
  const { database } = gateway.application;
  const text = 'select remaining, held, pending from open_lot where tenant_id = ? order by lot_id';
  const rows = await database.unitOfWork(
    tenant.tenantKey,
    (em): Promise<{ remaining: string; held: string; pending: boolean }[]> =>
      em.execute(text, [tenant.tenantKey]),
  );
  return rows.map(({ remaining, held, pending }) => `${remaining} (${held} held)${pending ? ' later' : ''}`);
}

async function hasWork(): Promise<boolean | undefined> {
  const { tenantKey } = tenant;
  const read = gateway.application.database.read(tenantKey);
  return (await findDueWork(read, tenantKey, { callDays: 30, eventDays: 30 }))?.settle;
}

it('a spend closes the lots that it empties, and its reversal opens them again', async () => {
  const spent = { memberId: await enrol(tenant), asset: 'points' };
  for (const amount of ['3', '4', '5']) await done('earnPoints', { ...spent, amount });
  expect(await openLots()).toEqual(['3 (0 held)', '4 (0 held)', '5 (0 held)']);
  const operationId = await done('redeemPoints', { ...spent, amount: '9' });
  expect(await openLots()).toEqual(['3 (0 held)']);
  await done('reverseOperation', { operationId, amount: '4' });
  expect(await openLots()).toHaveLength(2);
  await done('reverseOperation', { operationId });
  expect(await openLots()).toEqual(['3 (0 held)', '4 (0 held)', '5 (0 held)']);
  await done('redeemPoints', { ...spent, amount: '12' });
  expect(await openLots()).toEqual([]);
});

it('a lot that expires is closed', async () => {
  const memberId = await enrol(tenant);
  await done('earnPoints', { memberId, asset: 'points', amount: '3' });
  await setClock(gateway.application, tenant.tenantKey, '2027-03-11T11:00:00Z');
  expect(await hasWork()).toBe(true);
  await done('earnPoints', { memberId, asset: 'points', amount: '1' });
  expect([await openLots(), await hasWork()]).toEqual([['1 (0 held)'], false]);
});

it('what was taken back before it fell due falls due no more', async () => {
  const memberId = await enrol(tenant);
  const availableAt = '2026-03-12T11:00:00Z';
  const operationId = await done('earnPoints', { memberId, asset: 'points', amount: '3', availableAt });
  expect(await openLots()).toEqual(['3 (0 held) later']);
  await done('reverseOperation', { operationId });
  expect(await openLots()).toEqual([]);
  await setClock(gateway.application, tenant.tenantKey, '2026-03-13T11:00:00Z');
  expect(await hasWork()).toBe(false);
});
