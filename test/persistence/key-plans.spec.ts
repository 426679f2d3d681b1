import type pg from 'pg';
import { newKey } from '../../src/kernel/ids.ts';
import {
  bindKeys,
  bindToOperations,
  findAnswers,
  findBound,
  findResult,
} from '../../src/persistence/index.ts';
import type { Statement } from '../../src/persistence/sql/statement.ts';
import type { Transaction } from '../../src/persistence/sql/transaction.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { connectPlanning, explainedPrepared, prepare } from './explained.ts';
import { connect } from './furnished.ts';

/** Of each kind: keys with an answer, and operations whose ids are keys. */
const KEYS = 20_000;
/** What tells of a whole tenant being read: far fewer than its tables' pages. */
const FEW_PAGES = 60;

const tenantKey = newKey();
const hash = Buffer.alloc(32);

/** The statements by which keys are found and bound. */
async function statementsOfKeys(
  keys: readonly string[],
): Promise<[Statement<unknown>, readonly unknown[]][]> {
  const sent: [Statement<unknown>, readonly unknown[]][] = [];
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

const LOOK = 'vacuum (analyze) stored_entry, idempotency';

describe.each([
  ['empty, and never looked at', 0, ''],
  ['empty, and vacuumed', 0, LOOK],
  ['small, and vacuumed', 30, LOOK],
  ['small, and never looked at', 500, ''],
])('what a session planned while the tables were %s', (_, few, look) => {
  let database: TestDatabase;
  let owner: pg.Client;
  let client: pg.Client;

  beforeAll(async () => {
    database = await createTestDatabase();
    owner = await connect(database.adminUrl);
    client = await connectPlanning(database.appUrl);
    for (const one of [owner, client])
      await one.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
    // What has been analyzed since would be planned again.
    await owner.query(`alter table stored_entry set (autovacuum_enabled = off);
                       alter table idempotency set (autovacuum_enabled = off)`);
    await fill(owner, 1, few);
    await owner.query(look);
    for (const [statement, values] of await statementsOfKeys([newKey()])) {
      await prepare(client, statement);
      await explainedPrepared(client, statement, values);
    }
    await fill(owner, few + 1, KEYS);
  });
  afterAll(async () => {
    await Promise.all([owner.end(), client.end()]);
    await database.drop();
  });

  it('reads few pages for ten keys', async () => {
    const keys = Array.from({ length: 10 }, () => newKey());
    for (const [statement, values] of await statementsOfKeys(keys)) {
      const { name, pages } = await explainedPrepared(client, statement, values);
      expect({ name, isMany: pages > FEW_PAGES ? pages : false }).toEqual({ name, isMany: false });
    }
  });
});
