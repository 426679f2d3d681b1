import { decodeCursor, encodeCursor } from '../shared/index.ts';

export function entryCursor(tenantKey: string, ledgerKey: string, version: bigint): string {
  return encodeCursor(`${tenantKey}|Ledger.entries|${ledgerKey}`, version.toString(36));
}

/** The version behind a cursor of `Ledger.entries`; null without a cursor. */
export function entryPlace(
  tenantKey: string,
  ledgerKey: string,
  after: string | null | undefined,
): bigint | null {
  if (after === null || after === undefined) return null;
  const place = decodeCursor(`${tenantKey}|Ledger.entries|${ledgerKey}`, after, 'after');
  return BigInt(Number.parseInt(place, 36));
}

/** A place in the tenant's feed: the cursor of events, and a ledger's `eventCursor`. */
export function feedCursor(tenantKey: string, position: bigint): string {
  return encodeCursor(`${tenantKey}|feed`, position.toString(36));
}

/** @param field where the cursor was sent */
export function feedPlace(tenantKey: string, cursor: string, field: readonly string[] = ['after']): bigint {
  return BigInt(Number.parseInt(decodeCursor(`${tenantKey}|feed`, cursor, ...field), 36));
}

export function lotCursor(
  tenantKey: string,
  ledgerKey: string,
  lot: { expiresAt: Date | null; lotKey: string },
): string {
  const expiry = lot.expiresAt === null ? '' : lot.expiresAt.getTime().toString(36);
  const key = Buffer.from(lot.lotKey.replaceAll('-', ''), 'hex').toString('base64url');
  return encodeCursor(`${tenantKey}|Ledger.lots|${ledgerKey}`, `${key}${expiry}`);
}

export function lotPlace(
  tenantKey: string,
  ledgerKey: string,
  after: string | null | undefined,
): { expiresAt: string; lotKey: string } | null {
  if (after === null || after === undefined) return null;
  const place = decodeCursor(`${tenantKey}|Ledger.lots|${ledgerKey}`, after, 'after');
  const expiry = place.slice(KEY_LENGTH);
  return {
    lotKey: keyFromText(place.slice(0, KEY_LENGTH)),
    expiresAt: expiry === '' ? 'infinity' : new Date(Number.parseInt(expiry, 36)).toISOString(),
  };
}

export function holdCursor(
  tenantKey: string,
  ledgerKey: string,
  status: string | null,
  holdKey: string,
): string {
  const key = Buffer.from(holdKey.replaceAll('-', ''), 'hex').toString('base64url');
  return encodeCursor(`${tenantKey}|Ledger.holds|${ledgerKey}|${status ?? ''}`, key);
}

export function holdPlace(
  tenantKey: string,
  ledgerKey: string,
  status: string | null,
  after: string | null | undefined,
): string | null {
  if (after === null || after === undefined) return null;
  return keyFromText(decodeCursor(`${tenantKey}|Ledger.holds|${ledgerKey}|${status ?? ''}`, after, 'after'));
}

/** Sixteen bytes in base64url. */
const KEY_LENGTH = 22;

function keyFromText(text: string): string {
  const hex = Buffer.from(text, 'base64url').toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
