import pg from 'pg';
import { type Application, composeApplication, createLogger } from '../../src/compose.ts';
import { loadConfig } from '../../src/config/index.ts';
import { addDeliveries, record } from '../../src/domain/endpoints/lane.repository.ts';
import { insertConfiguration } from '../../src/domain/extensions/plugin-configuration.repository.ts';
import { findPlace } from '../../src/domain/ledgers/expiry.repository.ts';
import type { HeldResult } from '../../src/domain/ledgers/hold.service.ts';
import { ledgerKeyOf } from '../../src/domain/ledgers/index.ts';
import { sendChanges } from '../../src/domain/ledgers/record-change.repository.ts';
import { followFeed, recordDifference } from '../../src/domain/reconciliation/reconciliation.repository.ts';
import { markDue } from '../../src/domain/tiers/tier-due.repository.ts';
import type { Plugin } from '../../src/extension/index.ts';
import { runDaily } from '../../src/jobs/index.ts';
import { fromPublicId, newKey, toPublicId } from '../../src/kernel/ids.ts';
import { enrolMember, newTenant, type TestTenant } from '../ledger/tenants.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** An application of one test file on a database of its own. */
export interface TestApplication extends Application {
  readonly testDatabase: TestDatabase;
}

export async function startApplication(plugins: readonly Plugin[] = []): Promise<TestApplication> {
  const testDatabase = await createTestDatabase();
  const config = loadConfig({ LOG_LEVEL: 'silent' }, '');
  const application = await composeApplication({
    config,
    databaseUrl: testDatabase.appUrl,
    plugins,
    logger: createLogger('silent'),
  });
  const close = async (): Promise<void> => {
    await application.close();
    await testDatabase.drop();
  };
  return { ...application, testDatabase, close };
}

/** A plain connection, which a test closes itself. */
export async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  return client;
}

/** A tenant with at least one row in every table. */
export async function furnishTenant(application: TestApplication, code: string): Promise<TestTenant> {
  const tenant = await newTenant(application, code);
  const { tenantKey, ctx } = tenant;
  const { services } = application;
  await services.tenants.createApiKey(tenantKey, 'a test');
  const memberId = await enrolMember(application, tenant, `${code}-1`);
  await services.activities.record(ctx, {
    idempotencyKey: 'activity',
    memberId,
    type: 'purchase',
    amount: { value: '238.00', currency: 'CNY' },
    order: { number: 'A-1' },
  });
  await services.activities.record(ctx, { idempotencyKey: 'sign-in', memberId, type: 'sign_in' });
  await services.activities.record(ctx, {
    idempotencyKey: 'refund',
    type: 'refund',
    order: { number: 'A-1' },
    amount: { value: '8.00', currency: 'CNY' },
  });
  await services.tiers.set(ctx, { idempotencyKey: 'tier', memberId, tier: 'gold', reason: 'a test' });
  await runDaily(application.jobs, tenantKey);
  await services.ledgers.redeem(ctx, { idempotencyKey: 'redeem', memberId, asset: 'points', amount: 30n });
  const gift = { idempotencyKey: 'grant', memberId, benefit: 'birthday-gift' };
  const { grantKey } = await services.benefits.grant(ctx, gift);
  await services.benefits.use(ctx, { idempotencyKey: 'use', grantId: toPublicId('grant', grantKey) });
  const wished = { idempotencyKey: 'hold', memberId, asset: 'points', amount: 1n };
  const held = await services.holds.hold(ctx, wished);
  const given = { fromMemberId: memberId, toMemberId: await enrolMember(application, tenant, `${code}-2`) };
  const token = { asset: 'token', amount: 2n };
  await services.ledgers.earn(ctx, { idempotencyKey: 'tokens', memberId, ...token });
  await services.transfers.transfer(ctx, { idempotencyKey: 'gift', ...given, ...token });
  await furnishEndpoint(application, tenant);
  await furnishMirror(application, tenantKey, fromPublicId('member', memberId) ?? '');
  await furnishExtensions(application, tenant);
  await application.database.transaction(tenantKey, (tx) => findPlace(tx, tenantKey, 'points.expire'));
  await furnishRecord(application, tenant, held);
  const due = { memberKey: newKey(), ladder: 'main', markKey: newKey(), cause: 'REACHED' } as const;
  await application.database.transaction(tenantKey, (tx) => markDue(tx, tenantKey, [due]));
  await application.proof.rollUp(tenantKey, 'Asia/Shanghai');
  await application.proof.seal(tenantKey);
  return tenant;
}

/** An endpoint, an event that it is to be told, and an attempt at that which was refused. */
async function furnishEndpoint(
  { database, services }: TestApplication,
  { tenantKey, ctx }: TestTenant,
): Promise<void> {
  const url = 'https://93.184.216.34/events';
  const input = { idempotencyKey: 'endpoint', name: 'crm', url };
  const { endpoint } = await services.endpoints.register(ctx, input);
  const of = { tenantKey, endpointKey: endpoint.endpointKey };
  const fact = {
    position: 1n,
    stream: 'points' as const,
    type: 'points.earned',
    memberKey: null,
    asset: 'points',
  };
  const fault = { code: 'WEBHOOK_TIMEOUT', details: { deadlineMs: 1 } };
  await database.transaction(tenantKey, async (tx) => {
    await addDeliveries(tx, of, [fact]);
    await record(tx, of, [{ position: 1n, durationMs: 1, status: null, fault, waitMs: 1 }]);
  });
}

/** A change that another system is asked for, with the hold that stands for it. */
async function furnishRecord(
  { database }: TestApplication,
  { tenantKey }: TestTenant,
  { hold: { holdKey, ledgerKey, amount }, operation }: HeldResult,
): Promise<void> {
  const { operationKey, versions, writtenEntries: [entry] = [] } = operation;
  if (entry === undefined) throw new Error('A hold has no entry.');
  const change = { operationKey, ledgerKey, holdKey, version: versions[0] ?? 0n, amount: -amount };
  const what = { memberKey: entry.memberKey, asset: 'points', kind: 'REDEEM', reversesKey: null } as const;
  await database.transaction(tenantKey, async (tx) =>
    sendChanges(tx, tenantKey, [{ ...change, ...what, countsAt: null }]),
  );
}

/** A mirror that is to be compared, and differed before. */
async function furnishMirror({ database }: TestApplication, tenantKey: string, memberKey: string) {
  const found = { tenantKey, memberKey, ledgerKey: ledgerKeyOf(memberKey, 'points'), asset: 'points' };
  const seen = { mirror: 1n, record: 2n, version: 1n, isConfirmed: true };
  await database.transaction(tenantKey, async (tx) => {
    await followFeed(tx, tenantKey, ['points'], 1_000);
    await recordDifference(tx, { ...found, ...seen });
  });
}

/** A webhook in DRAFT, which nobody asks, a call of it, and what was configured of a plugin. */
async function furnishExtensions(
  { calls, services, database }: TestApplication,
  { tenantKey, ctx }: TestTenant,
): Promise<void> {
  const webhook = { url: 'https://93.184.216.34/hook' };
  const { extension } = await services.extensions.register(ctx, {
    ...{ idempotencyKey: 'extension', name: 'crm', point: 'member.create', runtime: 'WEBHOOK', webhook },
  });
  await database.transaction(tenantKey, (tx) =>
    insertConfiguration(tx, { tenantKey, plugin: 'greeter', configuration: {}, madeBy: 'a test' }),
  );
  const { extensionKey, version } = extension;
  calls.record({
    ...{ tenantKey, extensionKey, version, callKey: newKey(), mode: 'LIVE', attempt: 1, outcome: 'OK' },
    ...{ idempotencyKey: 'asked', startedAt: new Date(), durationMs: 1, input: {}, output: {}, fault: null },
    ...{ logs: [], differences: null },
  });
  await calls.flush();
}
