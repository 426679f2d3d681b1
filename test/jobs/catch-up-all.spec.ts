import { catchUpAll } from '../../src/jobs/index.ts';
import { newTenant } from '../ledger/tenants.ts';
import { startApplication, type TestApplication } from '../persistence/furnished.ts';

let application: TestApplication;
beforeAll(async () => {
  application = await startApplication();
});
afterAll(() => application.close());

it('leaves out tenants without a program, and one that fails stops no other', async () => {
  const keys: string[] = [];
  for (const code of ['a', 'b', 'c']) keys.push((await newTenant(application, code)).tenantKey);
  const { services } = application;
  await services.tenants.create({ code: 'empty', name: { en: 'Empty' }, locale: 'en', sandbox: true });
  const reviewed: string[] = [];
  const review = async (tenantKey: string) => {
    if (tenantKey === keys[1]) throw new Error('It fails.');
    reviewed.push(tenantKey);
    return { reviewed: 0, changed: 0 };
  };
  const rounds = await catchUpAll({ ...application.jobs, tiers: { review } });
  expect(rounds).toMatchObject([
    { code: 'a', caughtUp: { operations: 0, day: expect.any(String) } },
    { code: 'b', error: expect.objectContaining({ message: 'It fails.' }) },
    { code: 'c', caughtUp: { day: expect.any(String) } },
  ]);
  expect(reviewed).toEqual([keys[0], keys[2]]);
});
