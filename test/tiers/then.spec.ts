import { findTierAt, TierMarks, TierTracker } from '../../src/domain/tiers/index.ts';
import { fromPublicId } from '../../src/kernel/ids.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ladderOf, withLadders } from './ladders.ts';
import { tierTenant } from './tenants.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

describe('the tier that an act left', () => {
  it('is found again by its moment', async () => {
    const tenant = await tierTenant(gateway);
    const memberId = await tenant.enrol();
    const memberKey = fromPublicId('member', memberId) ?? '';
    const moments = ['2026-11-20T05:00:00Z', '2026-11-20T06:00:00Z', '2026-11-20T07:00:00Z'];
    for (const moment of moments) {
      await tenant.setClock(moment);
      await tenant.earn(memberId, 700);
    }
    await tenant.setTier(memberId, 'black');
    const { database, services } = gateway.application;
    const program = await services.programs.inForce(tenant.tenantKey);
    const at = async (moment: string) =>
      (
        await findTierAt(database.read(tenant.tenantKey), tenant.tenantKey, program, {
          memberKey,
          at: new Date(moment),
        })
      )?.code;
    expect(await at('2026-11-20T04:59:59Z')).toBe('bronze');
    expect(await at('2026-11-20T05:59:59Z')).toBe('silver');
    expect(await at('2026-11-20T06:59:59Z')).toBe('silver');
    expect(await at('2026-11-20T08:00:00Z')).toBe('black');
  });

  it('is known in its transaction, also in one that is rolled back', async () => {
    const definition = withLadders(
      [ladderOf('own', 'metric: growth', ['0', '100']), ladderOf('second', 'metric: spend', ['0'])].join(''),
    );
    const tenant = await tierTenant(gateway, definition);
    const { tenantKey } = tenant;
    const memberKey = fromPublicId('member', await tenant.enrol()) ?? '';
    const { database, services } = gateway.application;
    const program = await services.programs.inForce(tenantKey);
    const tracker = new TierTracker({ changed: async () => undefined }, new TierMarks());
    const count = async (metric: string, amount: bigint) =>
      await database.transaction(
        tenantKey,
        async (tx) => {
          const context = { tenantKey, program, facts: tx.facts };
          const contributions = [{ memberKey, metric, amount, countsAt: null }];
          await Promise.all([
            tracker.lock(tx, context, [memberKey], new Set([metric])),
            tracker.count(tx, context, contributions),
            tracker.raise(tx, context, contributions),
          ]);
          const tier = await tracker.tierAfter(tx, program, memberKey);
          return tier?.code;
        },
        { dryRun: true },
      );
    expect(await count('growth', 99n)).toBe('t1');
    expect(await count('growth', 100n)).toBe('t2');
    expect(await count('spend', 100n)).toBeUndefined();
  });
});
