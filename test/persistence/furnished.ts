import pg from 'pg';
import { type Application, composeApplication, createLogger } from '../../src/compose.ts';
import { loadConfig } from '../../src/config/index.ts';
import type { Plugin } from '../../src/extension/index.ts';
import { runDaily } from '../../src/jobs/index.ts';
import { toPublicId } from '../../src/kernel/ids.ts';
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
  await services.holds.hold(ctx, { idempotencyKey: 'hold', memberId, asset: 'points', amount: 1n });
  await application.proof.rollUp(tenantKey, 'Asia/Shanghai');
  await application.proof.seal(tenantKey);
  return tenant;
}
