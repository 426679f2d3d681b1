import { decodeCursor, encodeCursor, momentPlace, readMomentPlace } from '../shared/index.ts';
import type { CallFilter } from './call.repository.ts';
import type { StoredCall } from './extension.entity.ts';

interface Of {
  readonly tenantKey: string;
  readonly extensionKey: string;
}

type After = string | null | undefined;

const extensionsOf = (tenantKey: string): string => `${tenantKey}|Query.extensions`;
const listOf = (field: string, { tenantKey, extensionKey }: Of): string =>
  `${tenantKey}|Extension.${field}|${extensionKey}`;
const callsOf = (of: Of, { outcome, mode }: CallFilter): string =>
  `${listOf('calls', of)}|${outcome ?? ''}|${mode ?? ''}`;

function placeOf(binding: string, after: After): string | null {
  return after === null || after === undefined ? null : decodeCursor(binding, after, 'after');
}

export function extensionCursor(tenantKey: string, extensionKey: string): string {
  return encodeCursor(extensionsOf(tenantKey), extensionKey);
}

/** The key behind a cursor of `extensions`; null without a cursor. */
export function extensionPlace(tenantKey: string, after: After): string | null {
  return placeOf(extensionsOf(tenantKey), after);
}

export function callCursor(of: Of, filter: CallFilter, { recordedAt, callKey }: StoredCall): string {
  return encodeCursor(callsOf(of, filter), momentPlace(recordedAt, callKey));
}

/** The place behind a cursor of `calls`; null without a cursor. */
export function callPlace(of: Of, filter: CallFilter, after: After) {
  const place = placeOf(callsOf(of, filter), after);
  return place === null ? null : readMomentPlace(place);
}

export function revisionCursor(of: Of, version: number): string {
  return encodeCursor(listOf('revisions', of), version.toString(36));
}

/** The version behind a cursor of `revisions`; null without a cursor. */
export function revisionPlace(of: Of, after: After): number | null {
  const place = placeOf(listOf('revisions', of), after);
  return place === null ? null : Number.parseInt(place, 36);
}

export function changeCursor(of: Of, changeKey: string): string {
  return encodeCursor(listOf('changes', of), changeKey);
}

/** The key behind a cursor of `changes`; null without a cursor. */
export function changePlace(of: Of, after: After): string | null {
  return placeOf(listOf('changes', of), after);
}
