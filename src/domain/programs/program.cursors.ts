import { decodeCursor, encodeCursor } from '../shared/index.ts';

const bindingOf = (tenantKey: string): string => `${tenantKey}|Query.programVersions`;

export function versionCursor(tenantKey: string, version: number): string {
  return encodeCursor(bindingOf(tenantKey), version.toString(36));
}

/** The version behind a cursor of `programVersions`; null without a cursor. */
export function versionPlace(tenantKey: string, after: string | null | undefined): number | null {
  if (after === null || after === undefined) return null;
  return Number.parseInt(decodeCursor(bindingOf(tenantKey), after, 'after'), 36);
}
