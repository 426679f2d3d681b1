import { decodeCursor, encodeCursor } from '../shared/index.ts';

const bindingOf = (tenantKey: string): string => `${tenantKey}|Query.apiKeys`;

export function apiKeyCursor(tenantKey: string, keyKey: string): string {
  return encodeCursor(bindingOf(tenantKey), keyKey);
}

/** The key behind a cursor of `apiKeys`; null without a cursor. */
export function apiKeyPlace(tenantKey: string, after: string | null | undefined): string | null {
  return after === null || after === undefined ? null : decodeCursor(bindingOf(tenantKey), after, 'after');
}
