import { LRUCache } from 'lru-cache';
import type {
  CallMode,
  CallRecord,
  ExtensionPoint,
  Fault,
  Question,
  Registration,
  Revision,
} from '../extension/index.ts';
import { newKey } from '../kernel/ids.ts';
import type { Dialects } from './dialects.ts';
import type { Checked, RuntimeAnswer, RuntimeCall } from './runtimes/runtime.types.ts';
import type { Runtimes } from './runtimes/runtimes.ts';

const REQUESTS_REMEMBERED = 10_000;

/** What is asked, and for whom. */
export interface Asking {
  readonly tenantKey: string;
  /** The tenant's code. */
  readonly tenant: string;
  readonly point: ExtensionPoint;
  readonly dialects: Dialects;
  readonly idempotencyKey: string;
  readonly now: Date;
  readonly judge?: Question<never, never>['judge'];
}

/** Whom it is asked. */
export interface Asked {
  readonly registration: Pick<Registration<never>, 'tenantKey' | 'extensionKey' | 'point'>;
  readonly revision: Revision<never>;
  readonly mode: CallMode;
}

export interface Called {
  readonly record: CallRecord;
  /** With OK: the answer, in the newest version of the point. */
  readonly value: unknown;
  /** What a plugin threw. */
  readonly error?: unknown;
}

/** Calls one revision once, and writes down what became of it. */
export class Caller {
  readonly #runtimes: Runtimes;
  readonly #attempts = new LRUCache<string, number>({ max: REQUESTS_REMEMBERED });

  constructor(runtimes: Runtimes) {
    this.#runtimes = runtimes;
  }

  /** Never throws, unless the question's judge does. */
  async call(asking: Asking, asked: Asked): Promise<Called> {
    const { revision, mode } = asked;
    const spoken = asking.dialects.inputIn(revision.pointVersion);
    if (spoken.fault !== null) return notCalled(asking, asked, spoken.fault);
    const { tenantKey, tenant, idempotencyKey, now } = asking;
    const { extensionKey } = asked.registration;
    const { point, json, value: input } = spoken;
    const call: RuntimeCall = {
      ...{ tenantKey, extensionKey, tenant, mode, idempotencyKey, now, json, input },
      point: { name: point.name, version: point.version },
      callKey: newKey(),
      attempt: this.#attempt(tenantKey, asked, idempotencyKey),
      deadlineMs: revision.deadlineMs,
      check: (output) => judged(asking, revision, output),
    };
    const startedAt = new Date();
    const answer = await this.#runtimes.call(revision.code, call);
    return { record: recordOf(asking, asked, { ...call, ...answer, startedAt }), ...answer };
  }

  /** From 1: the same request asks again when its commit failed, or when its caller tries again. */
  #attempt(tenantKey: string, { registration, mode }: Asked, idempotencyKey: string): number {
    if (mode === 'TEST') return 1;
    const key = `${tenantKey} ${registration.extensionKey} ${mode} ${idempotencyKey}`;
    const attempt = (this.#attempts.get(key) ?? 0) + 1;
    this.#attempts.set(key, attempt);
    return attempt;
  }
}

/** What is kept of a call that never came to a runtime: its filter, or a fault, kept it away. */
export function notCalled(asking: Asking, asked: Asked, fault: Fault | null): Called {
  const spoken = asking.dialects.inputIn(asked.revision.pointVersion);
  const record = recordOf(asking, asked, {
    ...{ callKey: newKey(), attempt: 1, startedAt: new Date(), durationMs: 0, output: null, logs: [], fault },
    outcome: fault === null ? 'SKIPPED_BY_FILTER' : (UNCALLED[fault.code] ?? 'ERROR'),
    input: spoken.fault === null ? spoken.value : null,
  });
  return { record, value: null };
}

const UNCALLED: Partial<Record<string, CallRecord['outcome']>> = { INPUT_INVALID: 'INVALID_INPUT' };

/** Holds an output, or what stands for one, against the point and whatever the asking domain says. */
export async function judged(
  { dialects, judge }: Pick<Asking, 'dialects' | 'judge'>,
  revision: Pick<Revision<never>, 'pointVersion' | 'postingLimits'>,
  output: unknown,
): Promise<Checked> {
  const checked = dialects.outputFrom(revision.pointVersion, output);
  if (checked.fault !== null) return checked;
  const fault = (await judge?.(checked.value as never, revision.postingLimits)) ?? null;
  return fault === null ? checked : { fault };
}

function recordOf(
  { tenantKey, idempotencyKey }: Asking,
  { registration: { extensionKey }, revision: { version }, mode }: Asked,
  told: Pick<RuntimeCall, 'callKey' | 'attempt' | 'input'> &
    Pick<RuntimeAnswer, 'outcome' | 'durationMs' | 'output' | 'fault' | 'logs'> & {
      readonly startedAt: Date;
    },
): CallRecord {
  const { callKey, attempt, outcome, startedAt, durationMs, input, output, fault, logs } = told;
  return {
    ...{ tenantKey, extensionKey, callKey, version, mode, attempt, outcome, idempotencyKey, startedAt },
    ...{ durationMs, input, output, fault, logs, differences: null },
  };
}
