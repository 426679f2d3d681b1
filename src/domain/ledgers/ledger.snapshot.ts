import type { Entry } from './entry.entity.ts';
import type { Ledger } from './ledger.entity.ts';
import { ledgerKeyOf } from './ledger-writer.ts';

/** A ledger as an entry left it: what a mutation answers, now and when its key is replayed. */
export function ledgerAfter(entry: Entry): Ledger {
  return {
    tenantKey: entry.tenantKey,
    ledgerKey: entry.ledgerKey,
    memberKey: entry.memberKey,
    assetCode: entry.assetCode,
    posted: entry.balanceAfter,
    pending: entry.pendingAfter,
    held: entry.heldAfter,
    debt: 0n,
    floor: null,
    version: entry.version,
    feedPosition: entry.feedPosition,
    recordedAt: entry.recordedAt,
    settleAt: null,
    isThen: true,
  };
}

/** A ledger that has no entry yet. */
export function emptyLedger(tenantKey: string, memberKey: string, assetCode: string): Ledger {
  return {
    tenantKey,
    ledgerKey: ledgerKeyOf(memberKey, assetCode),
    memberKey,
    assetCode,
    posted: 0n,
    pending: 0n,
    held: 0n,
    debt: 0n,
    floor: null,
    version: 0n,
    feedPosition: 0n,
    recordedAt: null,
    settleAt: null,
  };
}
