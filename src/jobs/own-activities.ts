import type { Logger } from 'pino';
import { Refusal } from '../kernel/errors.ts';

/** An activity that nobody sent: it comes of the calendar, or of what the gateway itself did. */
export interface OwnActivity {
  readonly idempotencyKey: string;
  readonly memberKey: string;
  readonly type: string;
  readonly reason?: string | null;
}

/** Records activities of the gateway's own, also of types that callers may not send. */
export interface ActivityRecorder {
  /** @throws Refusal as for an activity that was sent */
  recordOwn(tenantKey: string, activity: OwnActivity): Promise<void>;
}

export interface RecordingParts {
  readonly activities: ActivityRecorder;
  readonly logger: Logger;
}

/** What came of recording: what need not be tried again, and why the rest must be. */
export interface RecordedOwn {
  readonly done: readonly OwnActivity[];
  readonly failures: readonly unknown[];
}

const AT_ONCE = 8;

/**
 * Records activities, a few at a time. One that is refused is done with: the member may have gone meanwhile.
 * One that fails doesn't stop the others.
 */
export async function recordOwnActivities(
  { activities, logger }: RecordingParts,
  tenantKey: string,
  wanted: readonly OwnActivity[],
): Promise<RecordedOwn> {
  const done: OwnActivity[] = [];
  const failures: unknown[] = [];
  const record = async (activity: OwnActivity): Promise<void> => {
    try {
      await activities.recordOwn(tenantKey, activity);
      done.push(activity);
    } catch (error) {
      if (!(error instanceof Refusal)) {
        failures.push(error);
        return;
      }
      const { idempotencyKey, type } = activity;
      logger.warn({ tenantKey, idempotencyKey, type, codes: error.message }, 'an own activity was refused');
      done.push(activity);
    }
  };
  for (let from = 0; from < wanted.length; from += AT_ONCE) {
    await Promise.all(wanted.slice(from, from + AT_ONCE).map(record));
  }
  return { done, failures };
}
