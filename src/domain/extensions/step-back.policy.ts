import type { CallOutcome, FailurePolicy } from '../../extension/index.ts';
import { refuse } from '../../kernel/errors.ts';
import type { RegisteredExtension } from './extension.entity.ts';
import { COUNTING, restage } from './stage.policy.ts';

const ERROR_PERCENT = 50;
const MINIMUM_CALLS = 20;

/** How often each outcome came up among the last calls, the most frequent first. */
export interface LatestOutcome {
  readonly outcome: CallOutcome;
  readonly count: number;
  /** Of all of them: one call in twenty took longer. */
  readonly p95Ms: number;
}

export type Watched = RegisteredExtension & { readonly onFailure: FailurePolicy };

/** When an extension steps back, as its registration or else the product says. */
export function stepBackOf({
  errorPercent,
  latencyMs,
  minimumCalls,
}: Pick<RegisteredExtension, 'errorPercent' | 'latencyMs' | 'minimumCalls'>) {
  return {
    errorPercent: errorPercent ?? ERROR_PERCENT,
    latencyMs,
    minimumCalls: minimumCalls ?? MINIMUM_CALLS,
  };
}

/** Why an extension has to step back, as people read it; null where it may stay. */
export function whyStepBack(extension: Watched, latest: readonly LatestOutcome[]): string | null {
  if (!COUNTING.includes(extension.stage) || mustStay(extension)) return null;
  const { errorPercent, latencyMs, minimumCalls } = stepBackOf(extension);
  const calls = sumOf(latest);
  if (calls < minimumCalls) return null;
  const failed = latest.filter(({ outcome }) => outcome !== 'OK');
  const failures = sumOf(failed);
  if (failures * 100 >= errorPercent * calls) {
    const named = failed.map(({ outcome, count }) => `${outcome} ${count}`).join(', ');
    return `${failures} of ${calls} calls failed: ${named}`;
  }
  const p95Ms = latest[0]?.p95Ms ?? 0;
  if (latencyMs === null || p95Ms <= latencyMs) return null;
  return `one call in twenty of ${calls} took longer than ${Math.round(p95Ms)} ms; ${latencyMs} ms were allowed`;
}

/** In SHADOW; what was LIVE before it answers. */
export function steppedBack<From extends Watched>(extension: From): From {
  return restage(extension, { stage: 'SHADOW' });
}

/**
 * Without its answer nothing should be done, and no other revision could give one: it stays, unless its owner
 * set a threshold.
 */
function mustStay({ stage, onFailure, fallbackVersion, ...thresholds }: Watched): boolean {
  const { errorPercent, latencyMs, minimumCalls } = thresholds;
  const isSet = [errorPercent, latencyMs, minimumCalls].some((value) => value !== null);
  return stage === 'LIVE' && onFailure === 'FAIL_CLOSED' && fallbackVersion === null && !isSet;
}

function sumOf(outcomes: readonly LatestOutcome[]): number {
  return outcomes.reduce((sum, { count }) => sum + count, 0);
}

/** The thresholds that were given; null for each that wasn't. @throws Refusal STEP_BACK_INVALID */
export function readStepBack(
  given:
    | {
        readonly errorPercent?: number | null;
        readonly latencyMs?: number | null;
        readonly minimumCalls?: number | null;
      }
    | null
    | undefined,
): Pick<RegisteredExtension, 'errorPercent' | 'latencyMs' | 'minimumCalls'> {
  const { errorPercent = null, latencyMs = null, minimumCalls = null } = given ?? {};
  const within = (value: number | null, most: number): boolean =>
    value === null || (value >= 1 && value <= most);
  if (!within(errorPercent, 100)) throw refuse('STEP_BACK_INVALID', ['stepBack', 'errorPercent']);
  if (!within(latencyMs, 10_000)) throw refuse('STEP_BACK_INVALID', ['stepBack', 'latencyMs']);
  if (!within(minimumCalls, 100)) throw refuse('STEP_BACK_INVALID', ['stepBack', 'minimumCalls']);
  return { errorPercent, latencyMs, minimumCalls };
}
