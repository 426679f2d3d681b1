import { fromMinorUnits, toMinorUnits } from '../../kernel/money.ts';
import { parsePoints } from '../../kernel/points.ts';
import type { ProgramDefinition } from './program.schema.ts';

/** What a ladder counts. */
export type Metric =
  /** What was earned in an asset, less what was taken back. */
  | { readonly of: 'ASSET'; readonly asset: string }
  /** What purchases cost, less refunds, in minor units. */
  | { readonly of: 'SPEND' }
  /** How many purchases there were, less those that were refunded as a whole. */
  | { readonly of: 'ORDERS' }
  /** How many activities of one type there were. */
  | { readonly of: 'ACTIVITIES'; readonly type: string }
  /** How many of these tags the member carries now, whatever the window. */
  | { readonly of: 'TAGS'; readonly tags: readonly string[] };

const CODE = /^[a-z0-9][a-z0-9_-]{0,63}$/;
const CODES = /^[a-z0-9][a-z0-9_-]{0,63}(,[a-z0-9][a-z0-9_-]{0,63})*$/;

/** Names that mean more than an asset. */
export const OWN_METRICS = ['spend', 'orders'] as const;

/** The metric that a ladder names; null when it is none of the program's. */
export function parseMetric(text: string, { assets }: Pick<ProgramDefinition, 'assets'>): Metric | null {
  if (text === 'spend') return { of: 'SPEND' };
  if (text === 'orders') return { of: 'ORDERS' };
  const [kind = '', rest = ''] = text.split(':', 2);
  if (kind === 'activities' && CODE.test(rest)) return { of: 'ACTIVITIES', type: rest };
  if (kind === 'tags' && CODES.test(rest)) return { of: 'TAGS', tags: rest.split(',') };
  return assets.some(({ code }) => code === text) ? { of: 'ASSET', asset: text } : null;
}

/** A threshold in the unit that its metric counts in; null when it is finer or too large. */
export function toMetricUnits(metric: Metric, threshold: string, currency: string): bigint | null {
  if (metric.of === 'SPEND') return toMinorUnits(threshold, currency);
  return parsePoints(threshold);
}

/** An amount of a metric as people read it: money in the major unit, all else whole. */
export function fromMetricUnits(metric: Metric, amount: bigint, currency: string): string {
  return metric.of === 'SPEND' ? fromMinorUnits(amount, currency) : String(amount);
}
