import type pg from 'pg';
import { writeDrafts } from '../../src/domain/ledgers/draft.repository.ts';
import { LedgerDraft } from '../../src/domain/ledgers/ledger.policy.ts';
import { findOpenLots } from '../../src/domain/ledgers/ledger.repository.ts';
import { LedgerReads } from '../../src/domain/ledgers/ledger-read.repository.ts';
import { newKey } from '../../src/kernel/ids.ts';
import type { Transaction } from '../../src/persistence/index.ts';
import { day, ledgerOf, newLot, newPosting } from '../ledger/drafts.ts';
import { BEGINNINGS, type EarlySession, findWide, planEarly, type Sent } from './early-plans.ts';

const LEDGERS = 20_000;
/** What tells of a whole tenant being read: far fewer than its tables' pages. */
const FEW_PAGES = 250;

const tenantKey = newKey();

/**
 * How open lots are read, and changed by spends that empty a lot of each ledger and leave something of
 * another.
 */
async function statementsOfLots(ledgerKeys: readonly string[]): Promise<Sent[]> {
  const sent: Sent[] = [];
  const tx: Partial<Transaction> = {
    run: async (statement, values) => {
      sent.push([statement, values]);
      return [];
    },
    defer: () => undefined,
  };
  await findOpenLots(tx as Transaction, tenantKey, ledgerKeys);
  const within = { days: 'P30D', time: 'PT0S' };
  await new LedgerReads(tx as Transaction, tenantKey).expiring(ledgerKeys, 'UTC', within);
  const drafts = ledgerKeys.map((ledgerKey) => {
    const lots = [newLot(5n, { ledgerKey, lotKey: ledgerKey }), newLot(5n, { ledgerKey, lotKey: newKey() })];
    const draft = new LedgerDraft(ledgerOf(lots, { tenantKey, ledgerKey }), lots, day(0));
    draft.apply(newPosting('REDEEM', 7n));
    return draft;
  });
  writeDrafts(tx as Transaction, tenantKey, drafts, { programVersion: 1, now: day(0) });
  expect(sent.map(([{ name }]) => name)).toEqual([
    ...['lot.open', 'lot.expiring', 'open_lot.close', 'open_lot.keep', 'lot.update'],
  ]);
  return sent;
}

async function fill(owner: pg.Client, from: number, to: number): Promise<void> {
  const each = `generate_series(${from}, ${to}) as n`;
  const lot = `'${tenantKey}', md5('ledger' || n)::uuid, md5('ledger' || n)::uuid, md5('operation' || n)::uuid, 5`;
  await owner.query(`
    insert into stored_lot (tenant_id, ledger_id, lot_id, operation_id, amount, available_at)
    select ${lot}, now() from ${each};
    insert into open_lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, lost, pending,
                          available_at, expires_at)
    select ${lot}, 5, 0, 0, false, now(), now() + interval '7 days' from ${each}`);
}

const growing = {
  ...{ tenantKey, fill, tables: ['stored_lot', 'open_lot'], rows: LEDGERS },
  statements: () => statementsOfLots([newKey()]),
};

describe.each(BEGINNINGS)('what a session planned while the tables of lots were %s', (_, few, isVacuumed) => {
  let session: EarlySession;

  beforeAll(async () => {
    session = await planEarly(growing, few, isVacuumed);
    // PostgreSQL 15 and 16 plan well from their first ANALYZE on, which comes within a minute.
    const { rows } = await session.owner.query('show server_version_num');
    if (Number(rows[0].server_version_num) < 170_000)
      await session.owner.query('analyze stored_lot, open_lot');
  });
  afterAll(async () => {
    await session.close();
  });

  it('reads few pages for ten ledgers', async () => {
    const { owner, client } = session;
    const { rows } = await owner.query<{ key: string }>(
      `select md5('ledger' || n * 1999)::uuid as key from generate_series(1, 10) as n`,
    );
    await client.query('begin');
    const sent = await statementsOfLots(rows.map(({ key }) => key));
    expect(await findWide(client, sent, FEW_PAGES)).toEqual([]);
    const { rows: left } = await client.query(
      `select count(*) filter (where remaining = 5)::integer as untouched,
              count(*) filter (where remaining = 3)::integer as begun from open_lot`,
    );
    await client.query('rollback');
    expect(left).toEqual([{ untouched: LEDGERS - 10, begun: 10 }]);
  });
});
