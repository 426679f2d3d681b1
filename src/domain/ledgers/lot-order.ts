import type { LotState } from './posting.ts';

/** Lots stand in this order, and within a portion are spent in it: what expires first, then the oldest. */
export function compareLots(a: LotState, b: LotState): number {
  const expiry =
    (a.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY) -
    (b.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY);
  if (expiry < 0 || expiry > 0) return expiry;
  return a.lotKey < b.lotKey ? -1 : 1;
}
