import type pg from 'pg';
import { newKey } from '../../src/kernel/ids.ts';
import {
  bindKeys,
  bindToOperations,
  findAnswers,
  findBound,
  findResult,
} from '../../src/persistence/index.ts';
import type { Transaction } from '../../src/persistence/sql/transaction.ts';
import { BEGINNINGS, type EarlySession, findWide, planEarly, type Sent } from './early-plans.ts';

/** Of each kind: keys with an answer, and operations whose ids are keys. */
const KEYS = 20_000;
/** What tells of a whole tenant being read: far fewer than its tables' pages. */
const FEW_PAGES = 60;

const tenantKey = newKey();
const hash = Buffer.alloc(32);

/** The statements by which keys are found and bound. */
async function statementsOfKeys(keys: readonly string[]): Promise<Sent[]> {
  const sent: Sent[] = [];
  const tx: Partial<Transaction> = {
    run: async (statement, values) => {
      if (!statement.text.startsWith('insert')) sent.push([statement, values]);
      return [];
    },
    check: (statement, values) => {
      sent.push([statement, values]);
    },
  };
  const all = tx as Transaction;
  await findResult(all, tenantKey, { key: keys[0] ?? '', hash });
  await findBound(all, tenantKey, keys);
  await findAnswers(all, tenantKey, keys);
  bindToOperations(all, tenantKey, keys);
  await bindKeys(
    all,
    tenantKey,
    keys.map((key) => ({ key, hash, result: null })),
  );
  expect(sent).toHaveLength(5);
  return sent;
}

async function fill(owner: pg.Client, from: number, to: number): Promise<void> {
  const each = `generate_series(${from}, ${to}) as n`;
  await owner.query(`
    insert into idempotency (tenant_id, key, request_hash, result, created_at)
    select '${tenantKey}', md5('answer' || n)::uuid, '', '{}', now() from ${each};
    insert into stored_entry (tenant_id, ledger_id, version, operation_id, kind, amount, posted_after,
                              feed_position, occurred_at, program_version)
    select '${tenantKey}', md5('ledger' || n)::uuid, 1, md5('operation' || n)::uuid, 'EARN', 1, 1, n, now(), 1
      from ${each}`);
}

const growing = {
  ...{ tenantKey, fill, tables: ['stored_entry', 'idempotency'], rows: KEYS },
  statements: () => statementsOfKeys([newKey()]),
};

describe.each(BEGINNINGS)('what a session planned while the tables were %s', (_, few, isVacuumed) => {
  let session: EarlySession;

  beforeAll(async () => {
    session = await planEarly(growing, few, isVacuumed);
  });
  afterAll(async () => {
    await session.close();
  });

  it('reads few pages for ten keys', async () => {
    const keys = Array.from({ length: 10 }, () => newKey());
    expect(await findWide(session.client, await statementsOfKeys(keys), FEW_PAGES)).toEqual([]);
  });
});
