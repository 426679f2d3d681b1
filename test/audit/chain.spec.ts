import type pg from 'pg';
import { toPublicId } from '../../src/kernel/ids.ts';
import type { TestTenant } from '../ledger/tenants.ts';
import { connect, furnishTenant, startApplication, type TestApplication } from '../persistence/furnished.ts';

let application: TestApplication;
let tea: TestTenant;
let owner: pg.Client;

beforeAll(async () => {
  application = await startApplication();
  tea = await furnishTenant(application, 'tea');
  await furnishTenant(application, 'books');
  owner = await connect(application.testDatabase.adminUrl);
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tea.tenantKey]);
});

afterAll(async () => {
  await owner.end();
  await application.close();
});

/** The operations in the order of the feed. */
async function sealedKeys(): Promise<string[]> {
  const { rows } = await owner.query<{ key: string }>(
    'select operation_id as key from operation_chain order by position',
  );
  return rows.map(({ key }) => key);
}

const contents = () =>
  owner.query(
    `select (select jsonb_agg(o order by operation_id) from operation o) as operations,
            (select jsonb_agg(e order by ledger_id, version) from entry e) as entries,
            (select jsonb_agg(a order by operation_id, lot_id) from allocation a) as allocations,
            (select jsonb_agg(t order by lot_id) from lot t) as lots,
            (select jsonb_agg(g order by position, asset, account) from leg g) as legs,
            (select jsonb_agg(h order by hold_id) from hold h) as holds,
            (select jsonb_agg(p order by hold_id, lot_id, operation_id) from hold_lot p) as parts,
            (select jsonb_agg(c order by position) from operation_chain c) as chain`,
  );

/** Copies of tables, so that a fault can be committed, looked at by others, and undone. */
const TABLES = ['operation', 'entry', 'allocation', 'lot', 'hold', 'hold_lot', 'leg', 'operation_chain'];

async function tampered<Result>(fault: string, look: () => Promise<Result>): Promise<Result> {
  const before = await contents();
  for (const table of TABLES) await owner.query(`create temp table was_${table} as select * from ${table}`);
  try {
    expect((await owner.query(fault)).rowCount).toBeGreaterThan(0);
    return await look();
  } finally {
    for (const table of [...TABLES].reverse()) {
      await owner.query(`delete from ${table}`).catch(() => undefined);
    }
    for (const table of TABLES) {
      await owner.query(`insert into ${table} select * from was_${table} on conflict do nothing`);
      await owner.query(`drop table was_${table}`);
    }
    expect((await contents()).rows).toEqual(before.rows);
  }
}

const verify = () => application.proof.verify(tea.tenantKey);

/** The n-th operation of the feed that has a row in a table; its key and place. */
const AN_OPERATION = `(select operation_id from operation_chain order by position offset 2 limit 1)`;

describe('the chain', () => {
  it('seals every operation once, in the order of the feed', async () => {
    const { rows } = await owner.query<{ key: string }>(
      `select operation_id as key from entry group by operation_id order by min(feed_position)`,
    );
    expect(await sealedKeys()).toEqual(rows.map(({ key }) => key));
    expect(await application.proof.seal(tea.tenantKey)).toBe(0);
    const { sealed, head, fault } = await verify();
    expect([sealed, fault]).toEqual([rows.length, null]);
    expect(head).toMatch(/^\d+:[0-9a-f]{64}$/);
  });

  it('goes on where it ended, whoever seals, and how many do', async () => {
    const { rows } = await owner.query<{ memberKey: string }>('select member_id as "memberKey" from ledger');
    const memberId = toPublicId('member', rows[0]?.memberKey ?? '');
    const before = await verify();
    for (let n = 0; n < 5; n += 1) {
      const input = { idempotencyKey: `more-${n}`, memberId, asset: 'points', amount: 10n };
      await application.services.ledgers.earn(tea.ctx, input);
    }
    const counts = await Promise.all([1, 2, 3].map(() => application.proof.seal(tea.tenantKey)));
    expect(Math.max(...counts)).toBe(5);
    const after = await verify();
    expect([after.sealed, after.fault]).toEqual([before.sealed + 5, null]);
    expect(await application.proof.hasLink(tea.tenantKey, before.head ?? '')).toBe(true);
    for (const foreign of ['', '1:00', `1:${'0'.repeat(64)}`, (before.head ?? '').replace(/^\d+/, '99999')])
      expect(await application.proof.hasLink(tea.tenantKey, foreign)).toBe(false);
  });

  it('of another tenant is another one', async () => {
    const { rows } = await owner.query<{ hash: string }>(
      `select encode(hash, 'hex') as hash from operation_chain order by position limit 1`,
    );
    const books = await application.services.tenants.findKeyByCode('books');
    const { fault } = await application.proof.verify(books ?? '');
    expect(fault).toBeNull();
    expect(await application.proof.hasLink(books ?? '', `1:${rows[0]?.hash}`)).toBe(false);
  });

  it.each([
    ['the amount of an entry', `update entry set amount = amount + 1 where operation_id = ${AN_OPERATION}`],
    [
      'the moment of an entry',
      `update entry set occurred_at = occurred_at - interval '1 microsecond'
                                 where operation_id = ${AN_OPERATION}`,
    ],
    [
      'the reason of an operation',
      `update operation set reason = 'mine' where operation_id = ${AN_OPERATION}`,
    ],
    [
      'the explanation of an operation',
      `update operation set explanation = '{}'
                                          where operation_id = ${AN_OPERATION}`,
    ],
    ['a leg', `update leg set amount = amount - 1 where operation_id = ${AN_OPERATION}`],
    ['a lost leg', `delete from leg where operation_id = ${AN_OPERATION}`],
    ['a lost operation', `delete from operation where operation_id = ${AN_OPERATION}`],
    [
      'the hash of a link',
      `update operation_chain set hash = sha256('mine') where operation_id = ${AN_OPERATION}`,
    ],
  ])('finds and names what was tampered with: %s', async (_what, fault) => {
    const [, , key] = await sealedKeys();
    const { fault: found } = await tampered(fault, verify);
    expect(found).toMatchObject({ operationKey: key, what: 'CHANGED' });
  });

  it.each([
    ['a lot', 'lot', `update lot set expires_at = expires_at + interval '1 year' where operation_id = $key`],
    ['a lot’s amount', 'lot', `update lot set amount = amount + 1 where operation_id = $key`],
    ['a lost lot', 'lot', `update lot set operation_id = tenant_id where operation_id = $key`],
    ['a lot’s portion', 'lot', `update lot set portion = 'PAID' where operation_id = $key`],
    ['an allocation’s place', 'allocation', `update allocation set place = 7 where operation_id = $key`],
    ['an allocation', 'allocation', `update allocation set amount = amount + 1 where operation_id = $key`],
    ['a hold’s end', 'hold', `update hold set expires_at = created_at where operation_id = $key`],
    ['a hold’s part', 'hold_lot', `update hold_lot set amount = amount + 1 where operation_id = $key`],
    ['a lost part of a hold', 'hold_lot', `delete from hold_lot where operation_id = $key`],
    ['a lost allocation', 'allocation', `delete from allocation where operation_id = $key`],
  ])('finds and names what was tampered with: %s', async (_what, table, fault) => {
    const { rows } = await owner.query<{ key: string }>(
      `select c.operation_id as key from operation_chain c join ${table} using (tenant_id, operation_id)
        where ${table === 'lot' ? 'expires_at is not null' : 'true'} order by position limit 1`,
    );
    const key = rows[0]?.key ?? '';
    const { fault: found } = await tampered(fault.replace('$key', `'${key}'`), verify);
    expect(found).toMatchObject({ operationKey: key, what: 'CHANGED' });
  });

  it('finds a spend that was made to look like a pay back', async () => {
    const { rows } = await owner.query<{ key: string }>(
      `select operation_id as key from operation where kind = 'REDEEM' limit 1`,
    );
    const key = rows[0]?.key ?? '';
    const { fault } = await tampered(
      `update operation set pays_back = true where operation_id = '${key}'`,
      verify,
    );
    expect(fault).toMatchObject({ operationKey: key, what: 'CHANGED' });
  });

  it('finds an operation whose entries were deleted', async () => {
    const [, , key] = await sealedKeys();
    const { fault } = await tampered(`delete from entry where operation_id = ${AN_OPERATION}`, verify);
    expect(fault).toMatchObject({ operationKey: key, what: 'MISSING' });
  });

  it('finds two operations in each other’s place', async () => {
    const [first] = await sealedKeys();
    const swap = `update entry set feed_position = 3 - feed_position where feed_position in (1, 2)`;
    expect((await tampered(swap, verify)).fault).toMatchObject({ operationKey: first, what: 'MOVED' });
  });

  it('finds an operation that was put in', async () => {
    const insert = `insert into entry select tenant_id, ledger_id, 1000, tenant_id, kind, amount,
        posted_delta, pending_delta, held_delta, posted_after, pending_after, held_after, feed_position,
        reason, available_at, expires_at, occurred_at, recorded_at from entry where feed_position = 2`;
    const { fault } = await tampered(insert, verify);
    expect(fault?.position).toBe(2n);
  });

  it('finds a link that was taken out', async () => {
    const [, second] = await sealedKeys();
    const { fault } = await tampered(
      'delete from operation_chain where position = (select min(position) + 1 from operation_chain)',
      verify,
    );
    expect(fault).toMatchObject({ operationKey: second, what: 'FOREIGN' });
  });

  it('can’t be written over by the app', async () => {
    const app = await connect(application.testDatabase.appUrl);
    try {
      for (const sql of ['delete from operation_chain', `update operation_chain set hash = ''`])
        await expect(app.query(sql)).rejects.toMatchObject({ code: '42501' });
    } finally {
      await app.end();
    }
  });
});
