import { decodeCursor, encodeCursor } from '../shared/index.ts';
import type { DifferenceFilter } from './reconciliation.repository.ts';

const bindingOf = (tenantKey: string, { asset, status }: DifferenceFilter): string =>
  `${tenantKey}|Reconciliation.differences|${asset ?? ''}|${status ?? ''}`;

export function differenceCursor(tenantKey: string, filter: DifferenceFilter, key: string): string {
  return encodeCursor(bindingOf(tenantKey, filter), key);
}

/** The key behind a cursor of `differences`; null without a cursor. */
export function differencePlace(
  tenantKey: string,
  filter: DifferenceFilter,
  after: string | null | undefined,
): string | null {
  if (after === null || after === undefined) return null;
  return decodeCursor(bindingOf(tenantKey, filter), after, 'after');
}
