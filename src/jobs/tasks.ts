import type { TaskList } from 'graphile-worker';
import { z } from 'zod';
import { isExternal, type ProgramDefinition } from '../domain/programs/index.ts';
import { localDate } from '../kernel/calendar.ts';
import type { Sql } from '../persistence/index.ts';
import { announceTenant, type JobParts, runDaily } from './daily.ts';
import { type DueWork, findDueWork } from './due.repository.ts';
import {
  addJobs,
  planNextRound,
  removeIdleQueues,
  type TenantTask,
  type WantedJob,
} from './job.repository.ts';
import { JobFailure, nameOf } from './job-failure.ts';
import type { WantedRun } from './plugin-job.repository.ts';
import { settleTenant } from './settle.ts';

const TENANTS_AT_ONCE = 50;
/** A tenant's jobs go one after another: what is left to ask after this is asked in the next round. */
const ASKS_FOR_MS = 20_000;

const target = z.object({ tenantKey: z.uuid(), tenant: z.string() });

/** Each does its work whole, or again from where it broke off: two that run at once do each thing once. */
const WORK: Readonly<Record<TenantTask, (parts: JobParts, tenantKey: string) => Promise<object | null>>> = {
  settle: async (parts, tenantKey) => {
    const operations = await settleTenant(parts, tenantKey);
    return operations === 0 ? null : { operations };
  },
  daily: runDaily,
  announce: async (parts, tenantKey) => {
    await announceTenant(parts, tenantKey);
    return null;
  },
  extensions: async ({ extensions }, tenantKey) => {
    const steppedBack = await extensions.watch(tenantKey);
    const forgotten = await extensions.forgetOld(tenantKey);
    return steppedBack + forgotten === 0 ? null : { steppedBack, forgotten };
  },
  events: async ({ events }, tenantKey) => {
    const forgotten = await events.forgetOld(tenantKey);
    return forgotten === 0 ? null : { forgotten };
  },
  endpoints: async ({ endpoints }, tenantKey) => {
    const tidied = await endpoints.tidy(tenantKey);
    return tidied.givenUp + tidied.forgotten === 0 ? null : tidied;
  },
  expiries: async ({ expiries }, tenantKey) => {
    let told = 0;
    await forAWhile(async () => {
      const some = await expiries.tell(tenantKey);
      told += some.told;
      return some.isAll;
    });
    return told === 0 ? null : { told };
  },
  records: async ({ records }, tenantKey) => {
    const ledgers = await records.catchUp(tenantKey);
    return ledgers === 0 ? null : { ledgers };
  },
  reconcile: async ({ reconciliation }, tenantKey) => {
    const { compared, differ, adopted } = await reconciliation.reconcile(tenantKey);
    return compared === 0 ? null : { compared, differ, adopted };
  },
  evaluations: async ({ evaluation }, tenantKey) => {
    let changed = 0;
    await forAWhile(async () => {
      const some = await evaluation.evaluateDue(tenantKey);
      changed += some.changed;
      return some.isAll;
    });
    return changed === 0 ? null : { changed };
  },
  seal: async ({ proof }, tenantKey) => {
    await proof.seal(tenantKey);
    return null;
  },
};

/** Works some of it off at a time, until it is all or took too long. */
async function forAWhile(some: () => Promise<boolean>): Promise<void> {
  const until = performance.now() + ASKS_FOR_MS;
  while (!(await some()) && performance.now() < until);
}

/** What graphile-worker runs: a round that finds what is due, and each tenant's work. */
export function tasksOf(parts: JobParts, sql: Sql, everyMs: number): TaskList {
  const tasks: TaskList = {
    ...parts.pluginJobs.tasks(sql),
    'find-due': async (_payload, { job }) => {
      await queueDueWork(parts, sql);
      await planNextRound(sql, job.run_at, everyMs);
    },
  };
  for (const [task, work] of Object.entries(WORK)) {
    tasks[task] = async (payload: unknown) => {
      const { tenantKey, tenant } = target.parse(payload);
      try {
        const done = await work(parts, tenantKey);
        if (done !== null) parts.logger.info({ tenant, ...done }, 'did what time had brought');
      } catch (error) {
        parts.logger.error({ tenant, task, err: error }, 'a job failed; it is tried again');
        throw new JobFailure(nameOf(error));
      }
    };
  }
  return tasks;
}

/** What a look at a tenant finds to queue. */
interface Found {
  readonly jobs: readonly WantedJob[];
  readonly runs: readonly WantedRun[];
}

/** Queues a job for all that is due, of every tenant; a tenant that can't be asked stops no other. */
export async function queueDueWork(parts: JobParts, sql: Sql): Promise<void> {
  await removeIdleQueues(sql);
  const tenants = await parts.tenants.list();
  for (let from = 0; from < tenants.length; from += TENANTS_AT_ONCE) {
    const asked = tenants.slice(from, from + TENANTS_AT_ONCE).map((tenant) => findDue(parts, tenant));
    const found = await Promise.all(asked);
    const wanted = found.flatMap(({ jobs }) => jobs);
    const runs = found.flatMap((one) => one.runs);
    // Together: neither stays away since the other can't be queued.
    await Promise.all([
      wanted.length > 0 ? addJobs(sql, wanted) : null,
      runs.length > 0 ? parts.pluginJobs.queue(sql, runs) : null,
    ]);
  }
}

async function findDue(parts: JobParts, of: { readonly key: string; readonly code: string }): Promise<Found> {
  const { key: tenantKey, code: tenant } = of;
  const { database, programs, extensions, events, expiries, pluginJobs } = parts;
  try {
    const due = await findDueWork(database.read(tenantKey), tenantKey, {
      ...{ callDays: extensions.callDays, eventDays: events.eventDays },
      tellsExpiries: expiries.isForAll,
    });
    if (due === null) return { jobs: [], runs: [] };
    const named = (tasks: readonly TenantTask[]): WantedJob[] =>
      tasks.map((task) => ({ task, tenantKey, tenant }));
    if (due.programVersion === null) return { jobs: named(dueTasks(due, null)), runs: [] };
    const { definition } = await programs.pinned(tenantKey, due.programVersion);
    return { jobs: named(dueTasks(due, definition)), runs: pluginJobs.due(of, due.now, definition.timeZone) };
  } catch (error) {
    parts.logger.error({ tenant, err: error }, 'what is due could not be found; the next round looks again');
    return { jobs: [], runs: [] };
  }
}

/** @param program null without one, and then there is nothing to do by it */
function dueTasks(due: DueWork, program: ProgramDefinition | null): TenantTask[] {
  const tasks: TenantTask[] = due.extensions ? ['extensions'] : [];
  if (due.events) tasks.push('events');
  if (due.endpoints) tasks.push('endpoints');
  if (due.records) tasks.push('records');
  if (program === null) return tasks;
  if (due.settle) tasks.push('settle');
  if (due.day === null || due.day < localDate(due.now, program.timeZone)) tasks.push('daily');
  if (due.evaluations) tasks.push('evaluations');
  if (due.announce) tasks.push('announce');
  if (due.seal) tasks.push('seal');
  if (due.expiries) tasks.push('expiries');
  // Only where a record is kept elsewhere: all others' entries are no mirror's.
  if (due.reconciliation && program.assets.some(isExternal)) tasks.push('reconcile');
  return tasks;
}
