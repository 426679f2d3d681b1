import { type CaughtUp, catchUp, type JobParts } from './daily.ts';

/** A tenant that was caught up with, or why it was not. */
export type TenantRound = { readonly code: string } & (
  | { readonly caughtUp: CaughtUp }
  | { readonly error: unknown }
);

/** Catches up with every tenant that has a program; one that fails doesn't stop the others. */
export async function catchUpAll(
  parts: JobParts,
  goesOn: () => boolean = () => true,
): Promise<readonly TenantRound[]> {
  const rounds: TenantRound[] = [];
  for (const { key, code } of await parts.tenants.list()) {
    if (!goesOn()) break;
    try {
      const facts = await parts.tenants.facts(key);
      if (facts === null || facts.programVersion === null) continue;
      rounds.push({ code, caughtUp: await catchUp(parts, key) });
    } catch (error) {
      rounds.push({ code, error });
    }
  }
  return rounds;
}

/** Works again and again, each time a pause after the last; `stop` waits for the tenant that is under way. */
export function startJobs(parts: JobParts, everyMs: number): { stop(): Promise<void> } {
  const { logger } = parts;
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout;
  let stopped = false;
  const round = async (): Promise<void> => {
    try {
      for (const one of await catchUpAll(parts, () => !stopped)) {
        const { code: tenant } = one;
        if ('error' in one) logger.error({ tenant, err: one.error }, 'a job failed; the next round goes on');
        else if (one.caughtUp.operations > 0 || one.caughtUp.day !== null)
          logger.info({ tenant, ...one.caughtUp }, 'did what time had brought');
      }
    } catch (error) {
      logger.error({ err: error }, 'the jobs failed; the next round goes on');
    }
    if (!stopped) schedule();
  };
  const schedule = (): void => {
    timer = setTimeout(() => {
      running = round();
    }, everyMs).unref();
  };
  schedule();
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
