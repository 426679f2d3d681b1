import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { startJobs } from '../../src/jobs/index.ts';
import { jobsIn } from '../jobs/table.ts';
import { enrolMember, newTenant, setClock, type TestTenant } from '../ledger/tenants.ts';
import { connect, startApplication, type TestApplication } from '../persistence/furnished.ts';
import { auditLedgers } from '../support/audit.ts';
import { type Running, run } from '../support/process.ts';
import { untilHolds } from '../support/until-holds.ts';

const started: Running[] = [];

/** A gateway of its own process, which is gone when the test is over, however that ends. */
function gateway(more: Record<string, string> = {}): Running {
  const running = run('main', [], { ...environment, ...more });
  started.push(running);
  return running;
}

async function end({ child, ended }: Running): Promise<void> {
  child.kill('SIGKILL');
  await ended;
}

const READY = /Membergraph is ready/;
/** More than one transaction of the job takes. */
const MEMBERS = 50;
/** Processes start, and wait for each other, beside all other tests. */
const AT_MOST_MS = 600_000;
const LEASE_MS = 2_000;

let application: TestApplication;
let tenant: TestTenant;
let owner: pg.Client;
let environment: Record<string, string>;
let dataDir: string;

beforeEach(async () => {
  application = await startApplication();
  owner = await connect(application.testDatabase.adminUrl);
  tenant = await newTenant(application, 'tea');
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  dataDir = await mkdtemp(join(tmpdir(), 'membergraph-jobs-'));
  environment = {
    DATA_DIR: dataDir,
    PORT: '0',
    DATABASE_URL: application.testDatabase.appUrl,
    JOBS_EVERY_SECONDS: '1',
  };
});
afterEach(async () => {
  await Promise.all(started.splice(0).map(end));
  expect(await auditLedgers(application.testDatabase.adminUrl)).toEqual([]);
  await owner.end();
  await application.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function count(what: string): Promise<number> {
  const { rows } = await owner.query<{ n: string }>(`select count(*) as n from ${what}`);
  return Number(rows[0]?.n);
}

const expired = (): Promise<number> => count(`entry where kind = 'EXPIRE' and amount = -100`);

/** Members whose points are over, the last of whose ledgers nobody can settle until `release`. */
async function halfLocked(): Promise<{ release(): Promise<void> }> {
  await setClock(application, tenant.tenantKey, '2026-03-09T04:00:00Z');
  for (let index = 0; index < MEMBERS; index += 1) await enrolMember(application, tenant, `card-${index}`);
  await setClock(application, tenant.tenantKey, '2027-04-01T04:00:00Z');
  const blocker = await connect(application.testDatabase.adminUrl);
  await blocker.query('begin');
  await blocker.query(`select set_config('app.tenant_id', $1, true)`, [tenant.tenantKey]);
  await blocker.query(
    `select from ledger where asset = 'points' and ledger_id = (
       select max(ledger_id::text)::uuid from ledger where asset = 'points') for update`,
  );
  return {
    release: async () => {
      await blocker.query('rollback');
      await blocker.end();
    },
  };
}

const isHeld = async (key: string): Promise<boolean> =>
  (await jobsIn(owner)).some((job) => job.key === key && job.lockedBy !== null);

it(
  'a process that is killed in the middle of a job leaves the rest to another',
  async () => {
    const lock = await halfLocked();
    const doomed = gateway();
    await doomed.until(READY);
    await untilHolds(async () => (await isHeld('settle:tea')) && (await expired()) > 0);
    doomed.child.kill('SIGKILL');
    await doomed.ended;
    const done = await expired();
    expect([done > 0, done < MEMBERS]).toEqual([true, true]);
    await lock.release();
    const jobs = await startJobs(application.jobs, { everyMs: 500, leaseMs: LEASE_MS });
    try {
      await untilHolds(async () => (await expired()) === MEMBERS);
      await untilHolds(async () => (await jobsIn(owner)).map(({ key }) => key).join() === 'find-due');
    } finally {
      await jobs.stop();
    }
    expect(await count(`operation where kind = 'EXPIRE'`)).toBe(MEMBERS);
  },
  AT_MOST_MS,
);

it(
  'a process that is asked to end gives back a job that takes too long, and another goes on',
  async () => {
    const lock = await halfLocked();
    const first = gateway();
    await first.until(READY);
    await untilHolds(async () => (await isHeld('settle:tea')) && (await expired()) > 0);
    first.child.kill('SIGTERM');
    await untilHolds(async () => !(await isHeld('settle:tea')));
    await lock.release();
    expect(await first.ended).toMatchObject({ code: 0, stderr: '' });
    const second = gateway();
    await second.until(READY);
    await untilHolds(async () => (await expired()) === MEMBERS);
    second.child.kill('SIGTERM');
    expect(await second.ended).toMatchObject({ code: 0, stderr: '' });
    expect((await jobsIn(owner)).filter(({ lockedBy }) => lockedBy !== null)).toEqual([]);
  },
  AT_MOST_MS,
);

it('none are run where JOBS_EVERY_SECONDS is 0', async () => {
  const idle = gateway({ JOBS_EVERY_SECONDS: '0' });
  await idle.until(READY);
  expect(await jobsIn(owner)).toEqual([]);
  idle.child.kill('SIGTERM');
  expect((await idle.ended).code).toBe(0);
});
