import type { ForbiddenFlagsFn, TaskList } from 'graphile-worker';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Plugin, PluginJob } from '../extension/index.ts';
import { type CronMoments, momentsAround } from '../kernel/cron.ts';
import type { Sql } from '../persistence/index.ts';
import type { PluginParts } from '../plugin-host/index.ts';
import { JobFailure, nameOf } from './job-failure.ts';
import { addRuns, isDone, markDone, PLUGINS_FLAG, putBack, type WantedRun } from './plugin-job.repository.ts';

const RUN_WITHIN_MS = 30_000;
/** Of the four jobs that a gateway does at once: the others are for the product's own. */
const AT_ONCE = 2;

const target = z.object({ tenantKey: z.uuid(), tenant: z.string(), due: z.iso.datetime() });

interface Held {
  readonly plugin: Plugin;
  readonly job: PluginJob;
  readonly task: string;
}

interface Seen extends CronMoments {
  readonly timeZone: string;
}

export interface PluginJobsParts {
  readonly pluginParts: PluginParts;
  readonly logger: Logger;
}

/**
 * The jobs of plugins, which run among the product's own. A gateway that hasn't a plugin doesn't fetch its jobs,
 * since each is a task of its own name, which none of the product's can have.
 */
export class PluginJobs {
  readonly #parts: PluginJobsParts;
  readonly #held: readonly Held[];
  /** By tenant and task: the moments around the last look, of which the earlier one was queued. */
  readonly #seen = new Map<string, Seen>();
  #running = 0;

  constructor(parts: PluginJobsParts) {
    this.#parts = parts;
    this.#held = parts.pluginParts.plugins.flatMap((plugin) =>
      (plugin.jobs ?? []).map((job) => ({ plugin, job, task: `plugin:${plugin.id}/${job.name}` })),
    );
  }

  /** What a plugin that hangs keeps from being fetched: more of plugins. */
  readonly forbiddenFlags: ForbiddenFlagsFn = () => (this.#running < AT_ONCE ? null : [PLUGINS_FLAG]);

  /** What graphile-worker runs. */
  tasks(sql: Sql): TaskList {
    return Object.fromEntries(
      this.#held.map((held) => [
        held.task,
        (payload: unknown, { abortSignal }: { readonly abortSignal?: AbortSignal }) =>
          this.#run(sql, held, payload, abortSignal),
      ]),
    );
  }

  /** What fell due to a tenant since the last look, by its own clock and its program's zone. */
  due(of: { readonly key: string; readonly code: string }, now: Date, programZone: string): WantedRun[] {
    return this.#held.flatMap(({ job, task }): WantedRun[] => {
      const timeZone = job.timeZone ?? programZone;
      const id = `${of.key} ${task}`;
      const seen = this.#seen.get(id);
      if (seen?.timeZone === timeZone && seen.last <= now && now < seen.next) return [];
      const moments = momentsAround(job.cron, timeZone, now);
      this.#seen.set(id, { ...moments, timeZone });
      if (seen?.last.getTime() === moments.last.getTime()) return [];
      return [{ task, tenantKey: of.key, tenant: of.code, due: moments.last }];
    });
  }

  /** Queues them; those that can't be are found again by the next look. */
  async queue(sql: Sql, runs: readonly WantedRun[]): Promise<void> {
    try {
      await addRuns(sql, runs);
    } catch (error) {
      for (const { tenantKey, task } of runs) this.#seen.delete(`${tenantKey} ${task}`);
      throw error;
    }
  }

  async #run(
    sql: Sql,
    { plugin, job, task }: Held,
    payload: unknown,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { tenantKey, tenant, ...told } = target.parse(payload);
    const { deadlineMs = RUN_WITHIN_MS, name } = job;
    const due = new Date(told.due);
    // Several are fetched in the same moment, before any of them counts.
    if (this.#running >= AT_ONCE) return await putBack(sql, { task, tenantKey, tenant, due });
    const { pluginParts, logger } = this.#parts;
    const call = { tenantKey, what: `jobs.${name}`, deadlineMs, signal };
    this.#running += 1;
    try {
      await pluginParts.run(plugin, call, async (context, enter) => {
        if (await context.transaction((sql) => isDone(sql, name, due))) return;
        await enter(() => job.run({ ...context, due }));
        await context.transaction((sql) => markDone(sql, name, due));
      });
    } catch (error) {
      const at = { plugin: plugin.id, job: name, tenant, due };
      logger.error({ ...at, err: error }, 'a job of a plugin failed; it is tried again');
      throw new JobFailure(nameOf(error));
    } finally {
      this.#running -= 1;
    }
  }
}
