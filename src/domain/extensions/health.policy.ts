import type { CallHealth } from './call.repository.ts';

export type HealthState = 'IDLE' | 'HEALTHY' | 'DEGRADED' | 'FAILING' | 'BROKEN';

const FAILING = 0.5;
const DEGRADED = 0.01;

/** How an extension does, in one word. */
export function healthState(
  { calls, failures }: Pick<CallHealth, 'calls' | 'failures'>,
  isBroken: boolean,
): HealthState {
  if (isBroken) return 'BROKEN';
  if (calls === 0) return 'IDLE';
  if (failures >= calls * FAILING) return 'FAILING';
  return failures > calls * DEGRADED ? 'DEGRADED' : 'HEALTHY';
}
