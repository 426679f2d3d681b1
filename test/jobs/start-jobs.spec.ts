import { setTimeout as delay } from 'node:timers/promises';
import { catchUpAll, type JobParts, startJobs } from '../../src/jobs/index.ts';
import { newTenant, type TestTenant } from '../ledger/tenants.ts';
import { startApplication, type TestApplication } from '../persistence/furnished.ts';

let application: TestApplication;
let tenants: TestTenant[];
beforeAll(async () => {
  application = await startApplication();
  tenants = [];
  for (const code of ['a', 'b', 'c']) tenants.push(await newTenant(application, code));
  const { services } = application;
  await services.tenants.create({ code: 'empty', name: { en: 'Empty' }, locale: 'en', sandbox: true });
});
afterAll(() => application.close());
beforeEach(async () => {
  for (const { tenantKey } of tenants) {
    await application.database.unitOfWork(tenantKey, (em) =>
      em.execute(`update tenant set clock_offset = clock_offset + '1 day' where tenant_id = ?`, [tenantKey]),
    );
  }
});

/** Jobs whose review does this, and the tenants that were reviewed. */
function reviewing(review: (tenantKey: string) => Promise<void>): { parts: JobParts; reviewed: string[] } {
  const reviewed: string[] = [];
  const parts = {
    ...application.jobs,
    tiers: {
      review: async (tenantKey: string) => {
        await review(tenantKey);
        reviewed.push(tenantKey);
        return { reviewed: 0, changed: 0 };
      },
    },
  };
  return { parts, reviewed };
}

const keys = (): (string | undefined)[] => tenants.map(({ tenantKey }) => tenantKey);

it('a round leaves out tenants without a program, and one that fails stops no other', async () => {
  const { parts, reviewed } = reviewing(async (tenantKey) => {
    if (tenantKey === keys()[1]) throw new Error('It fails.');
  });
  const rounds = await catchUpAll(parts);
  expect(rounds).toMatchObject([
    { code: 'a', caughtUp: { operations: 0, day: expect.any(String) } },
    { code: 'b', error: expect.objectContaining({ message: 'It fails.' }) },
    { code: 'c', caughtUp: { day: expect.any(String) } },
  ]);
  expect(reviewed).toEqual([keys()[0], keys()[2]]);
});

it('the jobs begin a pause after the start, go on, and end with the tenant that is under way', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { parts, reviewed } = reviewing(() => held);
  const jobs = startJobs(parts, 30);
  expect(reviewed).toEqual([]);
  await delay(200);
  let stopped = false;
  const stopping = jobs.stop().then(() => {
    stopped = true;
  });
  await delay(50);
  expect(stopped).toBe(false);
  release();
  await stopping;
  expect(reviewed).toEqual([keys()[0]]);
  await delay(100);
  expect(reviewed).toEqual([keys()[0]]);
});

it('a round that fails as a whole is followed by the next', async () => {
  const { parts, reviewed } = reviewing(async () => undefined);
  let lists = 0;
  const list = async (): Promise<{ key: string; code: string }[]> => {
    lists += 1;
    if (lists === 1) throw new Error('The database is away.');
    return await application.jobs.tenants.list();
  };
  const facts = application.jobs.tenants.facts.bind(application.jobs.tenants);
  const jobs = startJobs({ ...parts, tenants: { list, facts } as JobParts['tenants'] }, 10);
  while (reviewed.length < 3) await delay(20);
  await jobs.stop();
  expect(lists).toBeGreaterThan(1);
  expect(reviewed).toEqual(keys());
});
