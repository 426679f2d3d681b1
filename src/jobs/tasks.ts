import type { TaskList } from 'graphile-worker';
import { z } from 'zod';
import { localDate } from '../kernel/calendar.ts';
import { Refusal } from '../kernel/errors.ts';
import type { Sql } from '../persistence/index.ts';
import { announceTenant, type JobParts, runDaily } from './daily.ts';
import { findDueWork } from './due.repository.ts';
import {
  addJobs,
  planNextRound,
  removeIdleQueues,
  type TenantTask,
  type WantedJob,
} from './job.repository.ts';
import { settleTenant } from './settle.ts';

const TENANTS_AT_ONCE = 50;

const target = z.object({ tenantKey: z.uuid(), tenant: z.string() });

/** Why a job failed, as it is kept beside it: names and codes, never what a message quotes. */
class JobFailure extends Error {}

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
  seal: async ({ proof }, tenantKey) => {
    await proof.seal(tenantKey);
    return null;
  },
};

/** What graphile-worker runs: a round that finds what is due, and each tenant's work. */
export function tasksOf(parts: JobParts, sql: Sql, everyMs: number): TaskList {
  const tasks: TaskList = {
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

/** Queues a job for all that is due, of every tenant; a tenant that can't be asked stops no other. */
export async function queueDueWork(parts: JobParts, sql: Sql): Promise<void> {
  await removeIdleQueues(sql);
  const tenants = await parts.tenants.list();
  for (let from = 0; from < tenants.length; from += TENANTS_AT_ONCE) {
    const asked = tenants.slice(from, from + TENANTS_AT_ONCE).map((tenant) => jobsFor(parts, tenant));
    const wanted = (await Promise.all(asked)).flat();
    if (wanted.length > 0) await addJobs(sql, wanted);
  }
}

async function jobsFor(
  parts: JobParts,
  { key: tenantKey, code: tenant }: { readonly key: string; readonly code: string },
): Promise<WantedJob[]> {
  try {
    return (await dueTasks(parts, tenantKey)).map((task) => ({ task, tenantKey, tenant }));
  } catch (error) {
    parts.logger.error({ tenant, err: error }, 'what is due could not be found; the next round looks again');
    return [];
  }
}

async function dueTasks({ database, programs }: JobParts, tenantKey: string): Promise<TenantTask[]> {
  const due = await findDueWork(database.read(tenantKey), tenantKey);
  if (due === null || due.programVersion === null) return [];
  const { definition } = await programs.pinned(tenantKey, due.programVersion);
  const tasks: TenantTask[] = [];
  if (due.settle) tasks.push('settle');
  if (due.day === null || due.day < localDate(due.now, definition.timeZone)) tasks.push('daily');
  if (due.announce) tasks.push('announce');
  if (due.seal) tasks.push('seal');
  return tasks;
}

function nameOf(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  return [name, code].filter((one) => typeof one === 'string').join(' ') || 'unknown';
}
