import { type Sql, statement } from '../../persistence/index.ts';
import { PLAIN_POLICY } from './asset.policy.ts';
import { LedgerDraft } from './ledger.policy.ts';
import { findOpenLots, type LockedLedger } from './ledger.repository.ts';
import type { Portions } from './stored-value.policy.ts';

const selectLedgers = statement<LockedLedger & { now: Date }>(
  'ledger.with_moment',
  `select tenant_id as "tenantKey", ledger_id as "ledgerKey", member_id as "memberKey", asset, posted, pending,
          held, debt, version, recorded_at as "recordedAt", settle_at as "settleAt", business_time() as now
     from ledger where tenant_id = $1 and ledger_id = any($2::uuid[])`,
);

/**
 * What can be spent of each portion now, by ledger: as the ledger would settle itself, of which nothing is
 * written.
 */
export async function findPortions(
  sql: Sql,
  tenantKey: string,
  ledgerKeys: readonly string[],
): Promise<Map<string, Portions>> {
  const [ledgers, open] = await Promise.all([
    sql.run(selectLedgers, [tenantKey, ledgerKeys]),
    findOpenLots(sql, tenantKey, ledgerKeys),
  ]);
  const lots = Map.groupBy(open, ({ ledgerKey }) => ledgerKey);
  return new Map(
    ledgers.map(({ now, ...row }) => {
      const draft = new LedgerDraft({ ...row, policy: PLAIN_POLICY }, lots.get(row.ledgerKey) ?? [], now);
      draft.settle();
      return [row.ledgerKey, draft.portions()];
    }),
  );
}
