import { parseDuration, plus } from '../../kernel/calendar.ts';
import { isExternal } from '../programs/index.ts';
import type { LedgerContext } from './ledger.context.ts';
import type { Balance, ExpiringAmount, Ledger } from './ledger.entity.ts';
import type { LedgerRecord } from './record-reading.ts';

/** What our ledger says, with what time has done to it. */
export function toBalance({
  posted,
  pending,
  held,
  due = 0n,
  expired = 0n,
  lapsed = 0n,
}: Pick<Ledger, 'posted' | 'pending' | 'held' | 'due' | 'expired' | 'lapsed'>): Balance {
  const reserved = held - lapsed;
  return { available: posted - reserved + due - expired, pending: pending - due, held: reserved };
}

/** Whether a ledger mirrors one that is kept elsewhere. */
export async function isMirror(
  { tenantKey, assetCode }: Pick<Ledger, 'tenantKey' | 'assetCode'>,
  { services }: Pick<LedgerContext, 'services'>,
): Promise<boolean> {
  const asset = (await services.programs.inForce(tenantKey)).assets.get(assetCode);
  return asset !== undefined && isExternal(asset);
}

/**
 * What the system that keeps a ledger's record says of it now; null where we keep it, and where our mirror is all
 * that can be told. What an entry left isn't asked about.
 * @throws Refusal EXTENSION_UNAVAILABLE where an extension failed that fails closed
 */
export async function recordOf(ledger: Ledger, context: LedgerContext): Promise<LedgerRecord | null> {
  if (ledger.isThen === true || !(await isMirror(ledger, context))) return null;
  return await context.loaders.ledgers.record.load(ledger);
}

/** The balance as whoever keeps the record says. What we asked for and nobody answered yet is pending. */
export async function balanceNow(ledger: Ledger, context: LedgerContext): Promise<Balance> {
  const own = toBalance(ledger);
  const record = await recordOf(ledger, context);
  return record === null ? own : { ...own, available: record.available, held: record.held ?? own.held };
}

/** What of it expires within a span from now, which is when it was asked. */
export function expiringElsewhere(
  { expiringSoon, asOf }: LedgerRecord,
  within: string,
  timeZone: string,
): ExpiringAmount[] {
  const span = parseDuration(within);
  const until = span === null ? asOf : plus(asOf, span, timeZone);
  return expiringSoon
    .filter(({ expiresAt }) => expiresAt > asOf && expiresAt <= until)
    .toSorted((one, other) => one.expiresAt.getTime() - other.expiresAt.getTime());
}
