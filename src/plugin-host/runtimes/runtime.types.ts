import type { CallMode, CallOutcome, Fault } from '../../extension/index.ts';

/** What an output is worth: the answer that it is in the newest version of the point, or what is wrong. */
export type Checked = { readonly value: unknown; readonly fault: null } | { readonly fault: Fault };

/** One call of one extension, whatever runs it. */
export interface RuntimeCall {
  readonly tenantKey: string;
  readonly extensionKey: string;
  readonly callKey: string;
  /** The tenant's code. */
  readonly tenant: string;
  /** As the extension speaks it, which may be an earlier version. */
  readonly point: { readonly name: string; readonly version: number };
  readonly mode: CallMode;
  readonly attempt: number;
  readonly idempotencyKey: string;
  readonly now: Date;
  readonly deadlineMs: number;
  /** The input's JSON. */
  readonly json: string;
  /** The same, not to be changed. */
  readonly input: unknown;
  /** Holds an output against the point and the question; never throws. */
  check(output: unknown): Promise<Checked>;
}

/** What became of it. */
export interface RuntimeAnswer {
  readonly outcome: CallOutcome;
  /** JSON, as it was answered; null where it wasn't. */
  readonly output: unknown;
  /** With OK: what `check` made of it. */
  readonly value: unknown;
  readonly fault: Fault | null;
  readonly durationMs: number;
  readonly logs: readonly string[];
  /** What a plugin threw, for the operator's log alone. */
  readonly error?: unknown;
}

/** An answer that brings no output. */
export function failedAnswer(
  outcome: CallOutcome,
  fault: Fault,
  { durationMs = 0, logs = [] }: Partial<RuntimeAnswer> = {},
): RuntimeAnswer {
  return { outcome, output: null, value: null, fault, durationMs, logs };
}

/** An answer with an output, as good as the check finds it. */
export function checkedAnswer(
  output: unknown,
  checked: Checked,
  { durationMs, logs }: Pick<RuntimeAnswer, 'durationMs' | 'logs'>,
): RuntimeAnswer {
  if (checked.fault !== null)
    return { outcome: 'INVALID_OUTPUT', output, value: null, fault: checked.fault, durationMs, logs };
  return { outcome: 'OK', output, value: checked.value, fault: null, durationMs, logs };
}
