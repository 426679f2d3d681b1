import { readExampleProgram } from '../../src/boot/index.ts';
import { findDailyState } from '../../src/domain/tenants/index.ts';
import type { JobContext, PluginJob } from '../../src/extension/index.ts';
import { startJobs } from '../../src/jobs/index.ts';
import { setClock } from '../ledger/tenants.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { shelfPlugin } from '../support/shelf-plugin.ts';
import { untilHolds } from '../support/until-holds.ts';

const EVERY_MS = 200;
const WRITE = 'insert into note (tenant_id, about, words) values ($1, $2, $3)';

/** What each job of each tenant was run for, and what it does then. */
const runs: { job: string; tenant: string; due: string }[] = [];
const ways = new Map<string, (context: JobContext) => Promise<unknown>>();

function job(name: string, more: Partial<PluginJob> = {}): PluginJob {
  return {
    ...{ name, cron: '30 3 * * *', ...more },
    run: async (context) => {
      const { tenant, due, transaction } = context;
      runs.push({ job: name, tenant, due: due.toISOString() });
      await ways.get(`${name} ${tenant}`)?.(context);
      await transaction((sql) => sql.run(WRITE, [sql.tenantKey, `${name} ${due.toISOString()}`, tenant]));
    },
  };
}

const { plugin } = shelfPlugin({
  jobs: [
    job('nightly', { deadlineMs: 600_000 }),
    job('in-utc', { timeZone: 'UTC' }),
    job('short', { deadlineMs: 2_000 }),
  ],
});

const said: string[] = [];
let gateways: TestGateway[];
let running: { stop(): Promise<void> }[];
beforeAll(async () => {
  const first = await startTestGateway({ plugins: [plugin], log: (line) => said.push(line) });
  const second = await startTestGateway({ plugins: [plugin], beside: first, log: (line) => said.push(line) });
  // One that hasn't the plugin leaves its jobs alone.
  const third = await startTestGateway({ plugins: [], beside: first });
  gateways = [third, second, first];
  running = await Promise.all(
    gateways.map(({ application }) => startJobs(application.jobs, { everyMs: EVERY_MS })),
  );
});
afterAll(async () => {
  await Promise.all(running.map((jobs) => jobs.stop()));
  for (const gateway of gateways) await gateway.close();
});

function first(): TestGateway {
  const gateway = gateways.at(-1);
  if (gateway === undefined) throw new Error('There is no gateway.');
  return gateway;
}

const of = ({ code }: OwnTenant, name: string) =>
  runs.filter(({ job: ran, tenant }) => ran === name && tenant === code).map(({ due }) => due);
const clock = (tenant: OwnTenant, moment: string) => setClock(first().application, tenant.tenantKey, moment);

/** A tenant whose clock shows a moment, and whose jobs were seen, so that the next moments are run. */
async function tenantAt(moment: string): Promise<OwnTenant> {
  const tenant = await ownTenant(first(), { program: false });
  await clock(tenant, moment);
  const { programs } = first().application.services;
  await programs.apply(tenant.tenantKey, await readExampleProgram('demo'), 'a test');
  await untilHolds(async () => (await own(tenant, 'select from _job')).length === 3, 'all jobs are seen');
  return tenant;
}

async function own<Row>({ tenantKey }: OwnTenant, text: string): Promise<Row[]> {
  const { pluginParts } = first().application.services;
  return await pluginParts.transaction(plugin, tenantKey, (sql) => sql.run<Row>(text));
}

async function notes(tenant: OwnTenant, name: string): Promise<string[]> {
  const rows = await own<{ about: string }>(tenant, 'select about from note');
  return rows.map(({ about }) => about).filter((about) => about.startsWith(`${name} `));
}

const written = (tenant: OwnTenant, name: string, times: number) =>
  untilHolds(async () => (await notes(tenant, name)).length === times, `"${name}" ran ${times} times`);

it('run once over all gateways when they are due by the tenant’s clock, each by its zone', async () => {
  const [moved, other] = [await tenantAt('2026-03-01T10:00:00Z'), await tenantAt('2026-03-01T10:00:00Z')];
  expect([of(moved, 'nightly'), of(moved, 'in-utc')]).toEqual([[], []]);
  await clock(moved, '2026-03-02T02:00:00Z');
  await written(moved, 'nightly', 1);
  // The demo program's zone is eight hours ahead.
  expect(of(moved, 'nightly')).toEqual(['2026-03-01T19:30:00.000Z']);
  expect(of(moved, 'in-utc')).toEqual([]);
  // What was missed is run once, for the last moment.
  await clock(moved, '2026-03-05T04:00:00Z');
  await written(moved, 'nightly', 2);
  await written(moved, 'in-utc', 1);
  expect(of(moved, 'nightly')).toEqual(['2026-03-01T19:30:00.000Z', '2026-03-04T19:30:00.000Z']);
  expect(of(moved, 'in-utc')).toEqual(['2026-03-05T03:30:00.000Z']);
  expect(of(other, 'nightly')).toEqual([]);
});

it('are tried again when they fail or take too long, and named in the log and in metrics', async () => {
  const tenant = await tenantAt('2026-03-01T10:00:00Z');
  let tries = 0;
  ways.set(`short ${tenant.code}`, async ({ signal }) => {
    tries += 1;
    if (tries === 1) throw new Error('the first of all mistakes');
    if (tries === 2) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    if (tries === 2) throw new Error('too late to count');
  });
  await clock(tenant, '2026-03-02T02:00:00Z');
  await written(tenant, 'short', 1);
  expect(new Set(of(tenant, 'short'))).toEqual(new Set(['2026-03-01T19:30:00.000Z']));
  const lines = said.filter((line) => line.includes('"job":"short"') && line.includes(tenant.code));
  expect(lines).toHaveLength(tries - 1);
  expect(lines[0]).toMatch(/"plugin":"shelf-notes".*the first of all mistakes.*a job of a plugin failed/);
  expect(lines[1]).toContain('PLUGIN_TIMEOUT');
  const metrics = async (): Promise<string> =>
    (await Promise.all(gateways.map(async ({ url }) => await (await fetch(`${url}/metrics`)).text()))).join(
      '\n',
    );
  // What was written is seen before the job's own gateway has heard of its COMMIT, and counts it.
  for (const outcome of ['ok', 'threw', 'late']) {
    const counted = `^membergraph_plugin_part_seconds_count.*part="jobs.short",outcome="${outcome}"`;
    await untilHolds(async () => new RegExp(counted, 'm').test(await metrics()), counted);
  }
});

it('leave room for the product’s own, however many hang', async () => {
  const release = Promise.withResolvers<void>();
  const tenants: OwnTenant[] = [];
  for (let at = 0; at < 5; at += 1) tenants.push(await tenantAt('2026-03-01T10:00:00Z'));
  for (const { code } of tenants) ways.set(`nightly ${code}`, () => release.promise);
  const begun = (): number => tenants.flatMap((tenant) => of(tenant, 'nightly')).length;
  for (const tenant of tenants) await clock(tenant, '2026-03-02T02:00:00Z');
  // Two in each of the two gateways that have the plugin.
  await untilHolds(() => begun() === 4, 'four hang');
  const { tenantKey } = await ownTenant(first());
  const { database } = first().application;
  await untilHolds(async () => {
    const { day } = await findDailyState(database.read(tenantKey), tenantKey);
    return day !== null;
  }, 'another tenant’s day is done');
  expect(begun()).toBe(4);
  release.resolve();
  for (const tenant of tenants) await written(tenant, 'nightly', 1);
});
