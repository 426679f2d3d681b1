import { Reconciler, type ReconcilerParts } from '../domain/reconciliation/index.ts';
import type { Metrics } from '../gateway/metrics.ts';
import type { Foundation } from './foundation.ts';

/** What holds our mirrors against the records that other systems keep. */
export function reconcilerOf(
  { logger }: Foundation,
  parts: Omit<ReconcilerParts, 'onCompared' | 'onRefused'>,
  metrics: Metrics,
): Reconciler {
  const { database, programs, records, mirrors } = parts;
  return new Reconciler({
    ...{ database, programs, records, mirrors },
    onCompared: (outcome) => metrics.mirrorCompared(outcome),
    onRefused: (tenantKey, codes) => logger.warn({ tenantKey, codes }, 'a record could not be taken over'),
  });
}
