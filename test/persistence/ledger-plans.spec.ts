import type pg from 'pg';
import { awaitedBy } from '../../src/domain/activities/awaited.repository.ts';
import { findContents } from '../../src/domain/audit/chain.repository.ts';
import { readFacts } from '../../src/domain/endpoints/event-feed.repository.ts';
import { findHold } from '../../src/domain/ledgers/hold.repository.ts';
import { lockExisting } from '../../src/domain/ledgers/ledger.repository.ts';
import { findOpenChanges } from '../../src/domain/ledgers/record-change.repository.ts';
import { followFeed } from '../../src/domain/reconciliation/reconciliation.repository.ts';
import { newKey } from '../../src/kernel/ids.ts';
import type { Transaction } from '../../src/persistence/index.ts';
import type { Statement } from '../../src/persistence/sql/statement.ts';
import { definitionOf, exampleText } from '../ledger/programs.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { connectPlanning, type Explained, explained } from './explained.ts';
import { connect } from './furnished.ts';

/** Ledgers of a busy tenant, each with one credit, which waits for its order to be completed. */
const LEDGERS = 20_000;
/** What tells of a whole tenant being read: far fewer than its tables' pages. */
const FEW_PAGES = 150;

const AWAITING = definitionOf(
  exampleText('demo').replace(
    /^( +)kind: POINTS$/m,
    '$1kind: POINTS\n$1maturity: { after: P30D, event: order_completed }',
  ),
);
const tenantKey = newKey();
const place = (n: number, what: string): string => `md5('${what}' || ${n})::uuid`;
const OF_EACH = { ledger: "md5('ledger' || n)::uuid", member: "md5('member' || n)::uuid" };
const EARNED = "md5('earned' || n)::uuid";

let database: TestDatabase;
let owner: pg.Client;
let client: pg.Client;

async function addLedgers(from: number, to: number): Promise<void> {
  const { ledger, member } = OF_EACH;
  const each = `generate_series(${from}, ${to}) as n`;
  await owner.query(`
    insert into member (tenant_id, member_id, status, display_name, consents, attributes, tags, enrolled_at,
                        updated_at)
    select '${tenantKey}', ${member}, 'ACTIVE', 'm', '[]', '{}', '{}', now(), now() from ${each};
    insert into ledger (tenant_id, ledger_id, member_id, asset, posted, version, feed_position)
    select '${tenantKey}', ${ledger}, ${member}, 'points', 10, 1, n from ${each}`);
}

async function addCredits(): Promise<void> {
  const each = `generate_series(1, ${LEDGERS}) as n`;
  await owner.query(`
    insert into activity (tenant_id, activity_id, member_id, type, explanations, program_version, occurred_at,
                          recorded_at, order_number)
    select '${tenantKey}', ${EARNED}, ${OF_EACH.member}, 'purchase', '[]', 1, now(), now(), 'T-' || n from ${each};
    insert into stored_entry (tenant_id, ledger_id, version, operation_id, activity_id, kind, amount,
                              posted_after, feed_position, occurred_at, account, program_version)
    select '${tenantKey}', ${OF_EACH.ledger}, 1, ${EARNED}, ${EARNED}, 'EARN', 10, 10, n, now(), 'I', 1
      from ${each};
    insert into stored_lot (tenant_id, ledger_id, lot_id, operation_id, amount, available_at, awaits)
    select '${tenantKey}', ${OF_EACH.ledger}, ${EARNED}, ${EARNED}, 10, 'infinity', 'order_completed'
      from ${each};
    insert into open_lot (tenant_id, ledger_id, lot_id, operation_id, amount, remaining, held, lost, pending,
                          available_at, awaits)
    select '${tenantKey}', ${OF_EACH.ledger}, ${EARNED}, ${EARNED}, 10, 10, 0, 0, true, 'infinity',
           'order_completed'
      from ${each};
    insert into hold (tenant_id, hold_id, ledger_id, operation_id, amount, status, created_at)
    select '${tenantKey}', ${EARNED}, ${OF_EACH.ledger}, ${EARNED}, 1, 'ACTIVE', now() from ${each} where n < 10;
    insert into record_change (tenant_id, operation_id, ledger_id, version, member_id, asset, kind, amount,
                               status, attempts, asked_at)
    select '${tenantKey}', ${EARNED}, ${OF_EACH.ledger}, 1, ${OF_EACH.member}, 'points', 'EARN', 10, 'ASKED', 0,
           now()
      from ${each} where n < 10`);
}

beforeAll(async () => {
  database = await createTestDatabase();
  owner = await connect(database.adminUrl);
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
  client = await connectPlanning(database.appUrl);
  await client.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
  // As after `vacuumdb --analyze` of a product that nobody but its demo uses yet.
  await addLedgers(1, 2);
  await owner.query('vacuum (analyze) ledger');
  await addLedgers(3, 64);
});
afterAll(async () => {
  await Promise.all([owner.end(), client.end()]);
  await database.drop();
});

/** Runs a look with the plans that a gateway's sessions make; tells what each of its statements read. */
async function planned(work: (tx: Transaction) => Promise<unknown>): Promise<Explained[]> {
  const found: Explained[] = [];
  const run = async <Row>(statement: Statement<Row>, values: readonly unknown[]): Promise<Row[]> => {
    found.push(await explained(client, statement, values));
    const { name, text } = statement;
    return (await client.query<Row & object>({ name, text, values: [...values] })).rows;
  };
  await work({ run } as Transaction);
  return found;
}

const keyOf = async (what: string): Promise<string> => {
  const { rows } = await owner.query<{ key: string }>(`select ${what} as key`);
  return rows[0]?.key ?? '';
};

describe('the lock of ledgers', () => {
  it('goes by whole keys where PostgreSQL saw two ledgers', async () => {
    const key = await keyOf(place(1, 'ledger'));
    const [lock] = await planned((tx) => lockExisting(tx, tenantKey, [key]));
    const looked = lock?.nodes.flatMap((node) => node['Index Cond'] ?? []) ?? [];
    expect(looked.filter((condition) => condition.includes('ledger_id'))).toHaveLength(1);
  });
});

describe('what is looked up in a busy tenant', () => {
  beforeAll(async () => {
    await addLedgers(65, LEDGERS);
    await addCredits();
    await owner.query('analyze');
  });

  it.each<[string, (tx: Transaction) => Promise<unknown>]>([
    ['a hold', async (tx) => findHold(tx, tenantKey, await keyOf(place(3, 'earned')))],
    [
      'changes that others record',
      async (tx) => findOpenChanges(tx, tenantKey, await keyOf(place(3, 'ledger')), 10),
    ],
    [
      'what an order awaits',
      (tx) =>
        awaitedBy(tx, tenantKey, AWAITING, {
          ...{ type: 'order_completed', orderNumber: 'T-7', activityKey: newKey(), occurredAt: null },
        }),
    ],
    ['facts of the feed', (tx) => readFacts(tx, tenantKey, 700n, 710n)],
    ['what the chain is made of', (tx) => findContents(tx, tenantKey, 700n, 710n)],
    ['ledgers that moved', (tx) => followFeed(tx, tenantKey, [], 10)],
  ])('takes few pages: %s', async (_name, work) => {
    const runs = await planned(work);
    expect(runs.some(({ rows }) => rows > 0)).toBe(true);
    for (const { name, pages } of runs)
      expect({ name, isMany: pages > FEW_PAGES ? pages : false }).toEqual({ name, isMany: false });
  });
});
