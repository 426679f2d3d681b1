import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { pino } from 'pino';
import { type Application, composeApplication, createLogger } from '../../src/compose.ts';
import { loadConfig } from '../../src/config/index.ts';
import { IdentityKind } from '../../src/domain/members/index.ts';
import { type JobParts, startJobs } from '../../src/jobs/index.ts';
import type { TenantTask } from '../../src/jobs/job.repository.ts';
import { refuse } from '../../src/kernel/errors.ts';
import { migrate } from '../../src/persistence/index.ts';
import { enrolMember, newTenant, setClock, type TestTenant } from '../ledger/tenants.ts';
import { connect, startApplication, type TestApplication } from '../persistence/furnished.ts';
import { auditLedgers } from '../support/audit.ts';
import { untilHolds } from '../support/until-holds.ts';
import { jobsIn, type NextTry, putOff } from './table.ts';

const EVERY_MS = 100;
const LEASE_MS = 600;

let application: TestApplication;
let owner: pg.Client;
let app: pg.Client;
beforeEach(async () => {
  application = await startApplication();
  owner = await connect(application.testDatabase.adminUrl);
  app = await connect(application.testDatabase.appUrl);
});
afterEach(async () => {
  expect(await auditLedgers(application.testDatabase.adminUrl)).toEqual([]);
  await Promise.all([owner.end(), app.end()]);
  await application.close();
});

/** Runs jobs while a test works, and stops them however it ends. */
async function withJobs(parts: readonly JobParts[], work: () => Promise<void>, leaseMs = LEASE_MS) {
  const running = await Promise.all(parts.map((one) => startJobs(one, { everyMs: EVERY_MS, leaseMs })));
  try {
    await work();
  } finally {
    await Promise.all(running.map((jobs) => jobs.stop()));
  }
}

/** A logger, and the lines that it wrote. */
function listening() {
  const lines: Record<string, unknown>[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { logger, lines };
}

/** Jobs whose review does this, and the tenants that were reviewed. */
function reviewing(review: (tenantKey: string) => Promise<void>) {
  const reviewed: string[] = [];
  const { logger, lines } = listening();
  const tiers = {
    review: async (tenantKey: string) => {
      await review(tenantKey);
      reviewed.push(tenantKey);
      return { reviewed: 0, changed: 0 };
    },
  };
  const parts: JobParts = { ...application.jobs, tiers, logger };
  return { parts, reviewed, lines };
}

async function count(tenant: TestTenant, what: string): Promise<number> {
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  const { rows } = await owner.query<{ n: string }>(`select count(*) as n from ${what}`);
  return Number(rows[0]?.n);
}

/** Moves a tenant's clock, as time would: nothing else happens. */
async function pass(tenant: TestTenant, interval: string): Promise<void> {
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  await owner.query(`update tenant set clock_offset = clock_offset + $1::interval`, [interval]);
}

/** Queues a job as the round does. */
async function queue(task: TenantTask, tenant: TestTenant, code: string): Promise<void> {
  await owner.query(
    `select graphile_worker.add_job($1, json_build_object('tenantKey', $2::text, 'tenant', $3::text),
       queue_name => 'tenant:' || $3, job_key => $1 || ':' || $3)`,
    [task, tenant.tenantKey, code],
  );
}

const onlyTheRound = async (): Promise<boolean> =>
  (await jobsIn(owner)).map(({ key }) => key).join() === 'find-due';

it('the jobs do all that is due, of every tenant that has a program', async () => {
  const { services } = application;
  await services.tenants.create({ code: 'empty', name: { en: 'Empty' }, locale: 'en', sandbox: true });
  const tenants: TestTenant[] = [];
  for (const code of ['tea', 'books']) {
    const tenant = await newTenant(application, code);
    tenants.push(tenant);
    await enrolMember(application, tenant, 'card');
    await pass(tenant, '3 years');
  }
  const { logger, lines } = listening();
  await withJobs([{ ...application.jobs, logger }], async () => {
    for (const tenant of tenants) {
      await untilHolds(async () => (await count(tenant, `operation where kind = 'EXPIRE'`)) > 0);
      await untilHolds(async () => (await count(tenant, 'daily_run')) === 1);
      await untilHolds(
        async () =>
          (await count(tenant, 'operation_chain, unnest(operation_ids)')) ===
          (await count(tenant, 'operation')),
      );
    }
    await untilHolds(onlyTheRound);
  });
  expect(lines).toContainEqual(expect.objectContaining({ tenant: 'tea', day: expect.any(String) }));
  expect(lines.filter(({ level }) => Number(level) > 30)).toEqual([]);
  expect(lines.map(({ tenant }) => tenant)).not.toContain('empty');
});

it('a hold that ends is released within a round', async () => {
  const tenant = await newTenant(application, 'tea');
  const memberId = await enrolMember(application, tenant, 'card');
  const { holds } = application.services;
  await withJobs([application.jobs], async () => {
    await untilHolds(onlyTheRound);
    const input = { idempotencyKey: 'hold', memberId, asset: 'points', amount: 1n };
    await holds.hold(tenant.ctx, { ...input, expiresIn: 'PT1S' });
    await untilHolds(async () => (await count(tenant, `hold where status = 'EXPIRED'`)) === 1);
  });
});

it('a tenant that fails stops no other, is tried again later and later, and is named', async () => {
  const [bad, good] = [await newTenant(application, 'bad'), await newTenant(application, 'good')];
  let isBroken = true;
  let next: NextTry | undefined;
  const { parts, reviewed, lines } = reviewing(async (tenantKey) => {
    if (tenantKey !== bad.tenantKey || !isBroken) return;
    throw Object.assign(new Error('Lin Wei, +8613800000000'), { code: '23514' });
  });
  await withJobs([parts], async () => {
    await untilHolds(() => reviewed.includes(good.tenantKey));
    // However long the rounds take below, its next try comes after them.
    await untilHolds(async () => {
      next = await putOff(owner, 'daily:bad', '1 hour');
      return next !== undefined;
    });
    // Rounds go on, and neither hurry its next try nor forget how often it was tried.
    await delay(10 * EVERY_MS);
    const [job] = (await jobsIn(owner)).filter(({ key }) => key === 'daily:bad');
    const { attempts = 0, dueIn = '' } = next ?? {};
    expect(job).toMatchObject({ attempts, error: 'Error 23514', queue: 'tenant:bad', lockedBy: null });
    expect(JSON.stringify(await jobsIn(owner))).not.toContain('Lin');
    isBroken = false;
    await putOff(owner, 'daily:bad', dueIn);
    await untilHolds(() => reviewed.includes(bad.tenantKey));
    await untilHolds(onlyTheRound);
  });
  const failures = lines.filter(({ level }) => level === 50);
  const failure = { tenant: 'bad', task: 'daily', err: expect.objectContaining({ code: '23514' }) };
  expect(failures).toEqual(Array(next?.attempts).fill(expect.objectContaining(failure)));
});

it('a job that was tried too often is given up, and queued anew', async () => {
  const tenant = await newTenant(application, 'tea');
  await queue('daily', tenant, 'tea');
  await owner.query('update graphile_worker._private_jobs set attempts = max_attempts');
  await withJobs([application.jobs], async () => {
    await untilHolds(async () => (await count(tenant, 'daily_run')) === 1);
    await untilHolds(onlyTheRound);
  });
});

it('what is kept of a refusal is its code', async () => {
  await newTenant(application, 'tea');
  const { parts } = reviewing(async () => {
    throw refuse('NO_PROGRAM', null);
  });
  await withJobs([parts], () =>
    untilHolds(async () => (await jobsIn(owner)).some(({ error }) => error === 'NO_PROGRAM')),
  );
});

it('stopping waits for what is under way, begins nothing more, and leaves no lock and no connection', async () => {
  await newTenant(application, 'tea');
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  let begun = false;
  const { parts, reviewed } = reviewing(() => {
    begun = true;
    return held;
  });
  const jobs = await startJobs(parts, { everyMs: EVERY_MS, leaseMs: LEASE_MS });
  await untilHolds(() => begun);
  let stopped = false;
  const stopping = jobs.stop().then(() => {
    stopped = true;
  });
  await delay(2 * EVERY_MS);
  expect(stopped).toBe(false);
  release();
  await stopping;
  expect(reviewed).toHaveLength(1);
  const left = await jobsIn(owner);
  expect(left.filter(({ key, lockedBy }) => key === 'daily:tea' || lockedBy !== null)).toEqual([]);
  await untilHolds(async () => (await jobSessions()) === 0);
});

/** Connections of this database on which jobs were fetched or listened for. */
async function jobSessions(): Promise<number> {
  const { rows } = await owner.query<{ n: string }>(
    `select count(*) as n from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()
        and (query like '%graphile_worker%' or query ilike '%listen%')`,
  );
  return Number(rows[0]?.n);
}

/** Another gateway on the same database. */
async function another(): Promise<Application> {
  return await composeApplication({
    config: loadConfig({ LOG_LEVEL: 'silent' }, ''),
    databaseUrl: application.testDatabase.appUrl,
    plugins: [],
    logger: createLogger('silent'),
  });
}

describe('gateways that run at once', () => {
  const MEMBERS = 24;

  // With a lease of nearly nothing, each takes the other's jobs while they are under way.
  it.each([LEASE_MS, 30])('do each thing once, with a lease of %d ms', async (leaseMs) => {
    const tenants: TestTenant[] = [];
    for (const code of ['tea', 'books']) {
      const tenant = await newTenant(application, code);
      tenants.push(tenant);
      await setClock(application, tenant.tenantKey, '2026-03-09T04:00:00Z');
      for (let index = 0; index < MEMBERS; index += 1) {
        await application.services.members.create(tenant.ctx, {
          idempotencyKey: `enrol-${index}`,
          identities: [{ kind: IdentityKind.CARD, value: `card-${index}` }],
          profile: { birthday: '1990-03-10' },
        });
      }
    }
    const other = await another();
    const all = async (condition: string, expected: number): Promise<void> => {
      for (const tenant of tenants)
        await untilHolds(async () => (await count(tenant, condition)) === expected);
    };
    const work = async (): Promise<void> => {
      await all(`daily_run where day = '2026-03-09'`, 1);
      for (const { tenantKey } of tenants) await setClock(application, tenantKey, '2026-03-10T04:00:00Z');
      await all(`daily_run where day = '2026-03-10'`, 1);
      for (const { tenantKey } of tenants) await setClock(application, tenantKey, '2027-04-01T04:00:00Z');
      await all(`daily_run where day = '2027-04-01'`, 1);
      await untilHolds(onlyTheRound);
    };
    try {
      await withJobs([application.jobs, other.jobs], work, leaseMs);
    } finally {
      await other.close();
    }
    // The demo program's bonus of 100 points is over; there was one birthday in each of two years.
    await all('lot where remaining > 0 and expires_at <= business_time()', 0);
    await all(`entry where kind = 'EXPIRE' and amount = -100`, MEMBERS);
    await all(`activity where type = 'birthday'`, 2 * MEMBERS);
  });
});

describe('jobs of a gateway that is gone', () => {
  it('are begun again by another when their lease is over, and not before', async () => {
    const tenant = await newTenant(application, 'tea');
    await queue('daily', tenant, 'tea');
    for (const table of ['_private_jobs', '_private_job_queues'])
      await owner.query(
        `update graphile_worker.${table} set locked_at = now(), locked_by = 'pool-that-is-gone'`,
      );
    const { rows: locked } = await owner.query<{ at: string }>(
      'select min(locked_at)::text as at from graphile_worker._private_jobs',
    );
    const { logger, lines } = listening();
    await withJobs([{ ...application.jobs, logger }], async () => {
      await untilHolds(async () => (await count(tenant, 'daily_run')) === 1);
      // By the database's clock, by which leases are.
      const { rows } = await owner.query<{ ms: number }>(
        `select (extract(epoch from clock_timestamp() - $1::timestamptz) * 1000)::float8 as ms`,
        [locked[0]?.at],
      );
      expect(rows[0]?.ms).toBeGreaterThanOrEqual(LEASE_MS);
      await untilHolds(onlyTheRound);
    });
    expect(lines).toContainEqual(expect.objectContaining({ level: 40, freed: 1 }));
  });

  it('a lease is renewed as long as a job takes', async () => {
    await newTenant(application, 'tea');
    // Long enough for a busy machine to renew it in time.
    const leaseMs = 5 * LEASE_MS;
    const lockedAt = async (): Promise<number> => {
      const text = `select locked_at as at from graphile_worker._private_jobs where key = 'daily:tea'`;
      return (await owner.query<{ at: Date | null }>(text)).rows[0]?.at?.getTime() ?? 0;
    };
    let begun = 0;
    const { parts } = reviewing(async () => {
      begun += 1;
      const first = await lockedAt();
      await untilHolds(async () => (await lockedAt()) > first + leaseMs, 'it is renewed after a lease');
    });
    const other = await another();
    const work = async (): Promise<void> => {
      await untilHolds(() => begun > 0);
      await untilHolds(onlyTheRound);
    };
    try {
      await withJobs([parts, { ...other.jobs, tiers: parts.tiers }], work, leaseMs);
    } finally {
      await other.close();
    }
    expect(begun).toBe(1);
  });

  it('a queue that stays locked behind its job is freed', async () => {
    const tenant = await newTenant(application, 'tea');
    await owner.query(
      `insert into graphile_worker._private_job_queues (queue_name, locked_at, locked_by)
       values ('tenant:tea', now(), 'pool-that-is-gone')`,
    );
    await withJobs([application.jobs], () =>
      untilHolds(async () => (await count(tenant, 'daily_run')) === 1),
    );
  });
});

it('a database that cuts the connections is gone back to', async () => {
  const tenant = await newTenant(application, 'tea');
  await withJobs([application.jobs], async () => {
    await untilHolds(onlyTheRound);
    for (let cut = 0; cut < 5; cut += 1) {
      await app.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and usename = current_user and pid <> pg_backend_pid()`,
      );
      await delay(EVERY_MS);
    }
    await pass(tenant, '1 day');
    const today = `daily_run where day = (business_time() at time zone 'Asia/Shanghai')::date`;
    await untilHolds(async () => (await count(tenant, today)) === 1);
    await untilHolds(onlyTheRound);
  });
});

it('a job whose end can’t be written down is ended when it can', async () => {
  await newTenant(application, 'tea');
  const role = new URL(application.testDatabase.appUrl).username;
  const change = (what: string): Promise<unknown> =>
    owner.query(what.replace(':', 'delete on graphile_worker._private_jobs').replace('app', role));
  const { parts, reviewed } = reviewing(async () => void (await change('revoke : from app')));
  await withJobs([parts], async () => {
    await untilHolds(() => reviewed.length > 0);
    await delay(LEASE_MS);
    await change('grant : to app');
    await untilHolds(onlyTheRound);
  });
  expect(reviewed).toHaveLength(1);
});

describe('a database without the tables of this build’s jobs', () => {
  it('is not ready, and its jobs don’t start', async () => {
    await owner.query('drop schema graphile_worker cascade');
    expect(await application.database.unreadiness()).toBe('Migrations are missing: the tables of jobs.');
    await expect(startJobs(application.jobs, { everyMs: EVERY_MS })).rejects.toThrow(
      /^The tables of jobs are not those of this build: run "membergraph migrate" .*\.$/,
    );
  });

  it('gets none from an owner who may not make a schema, which is said in one sentence', async () => {
    const { adminUrl, appUrl } = application.testDatabase;
    const name = new URL(adminUrl).pathname.slice(1);
    await owner.query('drop schema graphile_worker cascade');
    await owner.query(`revoke create on database ${name} from ${new URL(adminUrl).username}`);
    await expect(migrate(adminUrl, appUrl)).rejects.toThrow(
      /^The role of DATABASE_ADMIN_URL may not make the schema graphile_worker, .*\.$/,
    );
  });

  it('gets them by a migration, also the second time', async () => {
    await owner.query('drop schema graphile_worker cascade');
    const { adminUrl, appUrl } = application.testDatabase;
    for (let times = 0; times < 2; times += 1) expect(await migrate(adminUrl, appUrl)).toEqual([]);
    expect(await application.database.unreadiness()).toBeNull();
    const tenant = await newTenant(application, 'tea');
    await withJobs([application.jobs], () =>
      untilHolds(async () => (await count(tenant, 'daily_run')) === 1),
    );
  });
});
