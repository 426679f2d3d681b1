import type { Sql } from '../../persistence/index.ts';
import { PLAIN_POLICY } from './asset.policy.ts';
import type { Ledger } from './ledger.entity.ts';
import { LedgerDraft } from './ledger.policy.ts';
import { findOpenLots } from './ledger.repository.ts';

/** A ledger as it was read; `owingAt` is the moment, where it owes and time has changed it since. */
export type ReadLedger = Ledger & { readonly owingAt: Date | null };

/**
 * What time has done to ledgers that owe. What falls due pays the debt before it can expire, in the order in
 * which it happened, so this is the ledger's own settling, of which nothing is written.
 */
export async function settleOwing(
  sql: Sql,
  tenantKey: string,
  ledgers: readonly ReadLedger[],
): Promise<Ledger[]> {
  const owing = ledgers.filter(({ owingAt }) => owingAt !== null).map(({ ledgerKey }) => ledgerKey);
  if (owing.length === 0) return [...ledgers];
  const lots = Map.groupBy(await findOpenLots(sql, tenantKey, owing), ({ ledgerKey }) => ledgerKey);
  return ledgers.map((ledger) => {
    const { ledgerKey, assetCode, owingAt, posted, pending, held } = ledger;
    if (owingAt === null) return ledger;
    const state = { ...ledger, asset: assetCode, policy: PLAIN_POLICY };
    const draft = new LedgerDraft(state, lots.get(ledgerKey) ?? [], owingAt);
    draft.settle();
    const due = pending - draft.state.pending;
    return { ...ledger, due, expired: posted + due - draft.state.posted, lapsed: held - draft.state.held };
  });
}
