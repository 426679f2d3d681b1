import { statement, type Transaction } from '../../persistence/index.ts';
import type { LedgerState } from './posting.ts';

const insertLedgers = statement(
  'ledger.insert_new',
  `insert into ledger (tenant_id, ledger_id, member_id, asset, floor)
   select $1, l.* from unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[])
                         as l (ledger_id, member_id, asset, floor)
    order by l.ledger_id`,
);

/** Inserts ledgers that weren't there; a unique violation tells that another transaction has made one. */
export async function insertNew(
  tx: Transaction,
  tenantKey: string,
  ledgers: readonly LedgerState[],
): Promise<void> {
  await tx.run(insertLedgers, [
    tenantKey,
    ledgers.map(({ ledgerKey }) => ledgerKey),
    ledgers.map(({ memberKey }) => memberKey),
    ledgers.map(({ asset }) => asset),
    ledgers.map(({ policy }) => policy.floor),
  ]);
}
