import { sparse, statement, type Transaction } from '../../persistence/index.ts';
import type { LedgerState } from './posting.ts';

const insertLedgers = statement(
  'ledger.insert_new',
  `insert into ledger (tenant_id, ledger_id, member_id, asset, floor)
   select $1, l.* from unnest($2::uuid[], $3::uuid[], $4::text[], $5::bigint[])
                         as l (ledger_id, member_id, asset, floor)
    order by l.ledger_id`,
);

/** The feed stands where the entries that were written just before have left it, and is locked. */
const insertLeft = statement(
  'ledger.insert_left',
  `insert into ledger (tenant_id, ledger_id, member_id, asset, floor, posted, pending, held, debt, version,
                       settle_at, recorded_at, feed_position)
   select $1, s.ledger_id, s.member_id, s.asset, s.floor, s.posted, coalesce(s.pending, 0),
          coalesce(s.held, 0), coalesce(s.debt, 0), s.version, s.settle_at, s.recorded_at,
          f.position - $2::bigint + s.last_place
     from tenant_feed f, (
       select unnest($3::uuid[]) as ledger_id, unnest($4::uuid[]) as member_id, unnest($5::text[]) as asset,
              unnest($6::bigint[]) as floor, unnest($7::bigint[]) as posted, unnest($8::bigint[]) as pending,
              unnest($9::bigint[]) as held, unnest($10::bigint[]) as debt, unnest($11::bigint[]) as version,
              unnest($12::timestamptz[]) as settle_at, unnest($13::timestamptz[]) as recorded_at,
              unnest($14::bigint[]) as last_place) s
    where f.tenant_id = $1`,
);

/** A ledger as its entries leave it. */
export interface LeftLedger {
  readonly state: LedgerState;
  /** Where the last of them stands among all that are written together, from 1. */
  readonly lastPlace: number;
}

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

/** Writes ledgers that nobody else can have, as they are left, behind their entries and with the COMMIT. */
export function deferNewLedgers(
  tx: Transaction,
  tenantKey: string,
  entries: number,
  ledgers: readonly LeftLedger[],
): void {
  if (ledgers.length === 0) return;
  const states = ledgers.map(({ state }) => state);
  tx.defer(insertLeft, [
    tenantKey,
    entries,
    states.map(({ ledgerKey }) => ledgerKey),
    states.map(({ memberKey }) => memberKey),
    states.map(({ asset }) => asset),
    sparse(states, ({ policy }) => policy.floor),
    states.map(({ posted }) => posted),
    sparse(states, ({ pending }) => pending, 0n),
    sparse(states, ({ held }) => held, 0n),
    sparse(states, ({ debt }) => debt, 0n),
    states.map(({ version }) => version),
    sparse(states, ({ settleAt }) => settleAt),
    states.map(({ recordedAt }) => recordedAt),
    ledgers.map(({ lastPlace }) => lastPlace),
  ]);
}
