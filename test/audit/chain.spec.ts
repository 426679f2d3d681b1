import type pg from 'pg';
import { firstHash, linkAll } from '../../src/domain/audit/chain.policy.ts';
import { findContents } from '../../src/domain/audit/chain.repository.ts';
import { ProofKeeper } from '../../src/domain/audit/index.ts';
import { findDueWork } from '../../src/jobs/due.repository.ts';
import { toPublicId } from '../../src/kernel/ids.ts';
import type { Database } from '../../src/persistence/index.ts';
import type { TestTenant } from '../ledger/tenants.ts';
import { connect, furnishTenant, startApplication, type TestApplication } from '../persistence/furnished.ts';
import { findBreaches } from '../support/audit.ts';
import { FORGET_OPERATION, SPELL_TAKEN_OUT } from '../support/tampering.ts';

let application: TestApplication;
let tea: TestTenant;
let books: TestTenant;
let owner: pg.Client;

beforeAll(async () => {
  application = await startApplication();
  tea = await furnishTenant(application, 'tea');
  books = await furnishTenant(application, 'books');
  owner = await connect(application.testDatabase.adminUrl);
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tea.tenantKey]);
});

afterAll(async () => {
  await owner.end();
  await application.close();
});

/** What is sealed, operation by operation. */
const SEALED = `(select c.position + s.offset as position, s.operation_id
  from operation_chain c, unnest(c.operation_ids, c.offsets) as s (operation_id, "offset"))`;

/** The operations in the order of the feed. */
async function sealedKeys(): Promise<string[]> {
  const { rows } = await owner.query<{ key: string }>(
    `select operation_id as key from ${SEALED} s order by position`,
  );
  return rows.map(({ key }) => key);
}

const contents = () =>
  owner.query(
    `select (select jsonb_agg(o order by operation_id) from operation o) as operations,
            (select jsonb_agg(e order by ledger_id, version) from entry e) as entries,
            (select jsonb_agg(t order by lot_id) from lot t) as lots,
            (select jsonb_agg(h order by hold_id) from hold h) as holds,
            (select jsonb_agg(p order by hold_id, lot_id, operation_id) from hold_lot p) as parts,
            (select jsonb_agg(c order by position) from operation_chain c) as chain`,
  );

/** Copies of tables, so that a fault can be committed, looked at by others, and undone. */
const TABLES = [
  'stored_operation',
  'stored_entry',
  'stored_lot',
  'open_lot',
  'hold',
  'hold_lot',
  'operation_chain',
];

async function tampered<Result>(fault: string, look: () => Promise<Result>): Promise<Result> {
  const before = await contents();
  for (const table of TABLES) await owner.query(`create temp table was_${table} as select * from ${table}`);
  try {
    const results = [await owner.query(fault)].flat();
    expect(results.at(-1)?.rowCount).toBeGreaterThan(0);
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

const hasNoted = async (head: string, { tenantKey } = tea) =>
  (await application.proof.verify(tenantKey, head)).hasNoted;

/** The third of the feed. */
const AN_OPERATION = `(select operation_id from ${SEALED} s order by position offset 2 limit 1)`;

/** The first run, which has several operations. */
const FIRST_RUN = 'position = (select min(position) from operation_chain)';

const earn = async (key: string) => {
  const { rows } = await owner.query<{ memberKey: string }>('select member_id as "memberKey" from ledger');
  const memberId = toPublicId('member', rows[0]?.memberKey ?? '');
  const input = { idempotencyKey: key, memberId, asset: 'points', amount: 10n };
  await application.services.ledgers.earn(tea.ctx, input);
};

/** One who seals, and adds what it worked out when it is told to; `isReady` once it has worked it out. */
function slowSealer() {
  const { database } = application;
  const [ready, told] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow: Pick<Database, 'survey' | 'transaction'> = {
    survey: (tenantKey) => database.survey(tenantKey),
    transaction: async (tenantKey, work) => {
      ready.resolve();
      await told.promise;
      return await database.transaction(tenantKey, work);
    },
  };
  const sealed = new ProofKeeper(slow as Database).seal(tea.tenantKey);
  return { isReady: ready.promise, go: told.resolve, sealed };
}

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
    const before = await verify();
    for (let n = 0; n < 5; n += 1) await earn(`more-${n}`);
    const counts = await Promise.all([1, 2, 3].map(() => application.proof.seal(tea.tenantKey)));
    expect(counts.sort()).toEqual([0, 0, 5]);
    const after = await verify();
    expect([after.sealed, after.fault]).toEqual([before.sealed + 5, null]);
    expect(await hasNoted(before.head ?? '')).toBe(true);
    for (const foreign of ['', '1:00', `1:${'0'.repeat(64)}`, (before.head ?? '').replace(/^\d+/, '99999')])
      expect(await hasNoted(foreign)).toBe(false);
  });

  it.each([
    ['less', [2, 3]],
    ['more', [5, 0]],
  ])('seals each operation once where another who saw %s was faster', async (what, counts) => {
    const before = await verify();
    await earn(`saw-${what}-1`);
    await earn(`saw-${what}-2`);
    const first = slowSealer();
    await first.isReady;
    for (const n of [3, 4, 5]) await earn(`saw-${what}-${n}`);
    const last = slowSealer();
    await last.isReady;
    const [faster, slower] = what === 'less' ? [first, last] : [last, first];
    faster.go();
    const fast = await faster.sealed;
    slower.go();
    expect([fast, await slower.sealed]).toEqual(counts);
    expect(await verify()).toMatchObject({ sealed: before.sealed + 5, fault: null });
    expect(new Set(await sealedKeys()).size).toBe(before.sealed + 5);
  });

  it('is the same whichever pages it is sealed and verified in', async () => {
    const before = await verify();
    for (let n = 0; n < 12; n += 1) await earn(`page-${n}`);
    expect(await new ProofKeeper(application.database, 5n).seal(tea.tenantKey)).toBe(12);
    const after = await verify();
    expect(after).toMatchObject({ sealed: before.sealed + 12, fault: null });
    const key = (await sealedKeys()).at(-4);
    await tampered(`update stored_entry set reason = 'mine' where operation_id = '${key}'`, async () => {
      const fault = { operationKey: key, what: 'CHANGED' };
      for (const page of [1n, 2n, 7n, 5_000n])
        expect(await new ProofKeeper(application.database, page).verify(tea.tenantKey)).toMatchObject({
          fault,
        });
    });
    for (const page of [1n, 2n, 7n])
      expect(await new ProofKeeper(application.database, page).verify(tea.tenantKey)).toEqual(after);
  });

  it('has every head that could be noted, and no other', async () => {
    const sql = application.database.survey(tea.tenantKey);
    const links = linkAll(firstHash(tea.tenantKey), await findContents(sql, tea.tenantKey, 0n, 5_000n));
    const noted = links.map(({ position, hash }) => `${position}:${hash.toString('hex')}`);
    expect(noted.length).toBeGreaterThan(10);
    expect(noted.at(-1)).toBe((await verify()).head);
    for (const head of noted) {
      expect(await hasNoted(head)).toBe(true);
      expect(await hasNoted(`${head.slice(0, -1)}${head.endsWith('0') ? '1' : '0'}`)).toBe(false);
      expect(await hasNoted(head, books)).toBe(false);
    }
    expect((await application.proof.verify(books.tenantKey)).fault).toBeNull();
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
      `update stored_entry set reason = 'mine' where operation_id = ${AN_OPERATION}`,
    ],
    [
      'the explanation of an operation',
      `update stored_entry set explanation = '{}', explained_by = null
                                          where operation_id = ${AN_OPERATION}`,
    ],
    ['an account', `update entry set account = 'T' where operation_id = ${AN_OPERATION}`],
    ['a lost account', `update entry set account = null where operation_id = ${AN_OPERATION}`],
    ['a lost operation', `${FORGET_OPERATION} where operation_id = ${AN_OPERATION}`],
    [
      'the hash of a link',
      `update operation_chain set hashes = overlay(hashes placing sha256('mine') from 33) where ${FIRST_RUN}`,
    ],
  ])('finds and names what was tampered with: %s', async (_what, fault) => {
    const [, , key] = await sealedKeys();
    const { fault: found } = await tampered(fault, verify);
    expect(found).toMatchObject({ operationKey: key, what: 'CHANGED' });
  });

  it('finds and names what was tampered with: why, as the activity of an operation keeps it', async () => {
    const { rows } = await owner.query<{ key: string }>(
      `select o.operation_id as key from operation o join entry e using (operation_id)
        where o.explained_by is not null order by e.feed_position limit 1`,
    );
    expect(rows).toHaveLength(1);
    await owner.query(`update activity set explanations = jsonb_build_array('tampered', explanations)`);
    const { fault } = await verify();
    await owner.query('update activity set explanations = explanations -> 1');
    expect(fault).toMatchObject({ operationKey: rows[0]?.key, what: 'CHANGED' });
    expect(await verify()).toMatchObject({ fault: null });
  });

  it.each([
    [
      'a lot',
      'lot',
      `update stored_lot set expires_at = expires_at + interval '1 year' where operation_id = $key`,
    ],
    ['a lot’s amount', 'lot', `update stored_lot set amount = amount + 1 where operation_id = $key`],
    ['a lost lot', 'lot', `update stored_lot set operation_id = tenant_id where operation_id = $key`],
    ['a lot’s portion', 'lot', `update stored_lot set portion = 'PAID' where operation_id = $key`],
    [
      'what was taken from a lot',
      'entry',
      `${SPELL_TAKEN_OUT} update stored_entry set taken[1] = taken[1] + 1 where operation_id = $key`,
    ],
    [
      'a lot that was taken from',
      'entry',
      `${SPELL_TAKEN_OUT} update stored_entry set lot_ids[1] = tenant_id where operation_id = $key`,
    ],
    [
      'what time took',
      'entry',
      `${SPELL_TAKEN_OUT} update stored_entry set lost = taken where operation_id = $key`,
    ],
    ['a hold’s end', 'hold', `update hold set expires_at = created_at where operation_id = $key`],
    ['a hold’s part', 'hold_lot', `update hold_lot set amount = amount + 1 where operation_id = $key`],
    ['a lost part of a hold', 'hold_lot', `delete from hold_lot where operation_id = $key`],
    [
      'a taking without a trace',
      'entry',
      `update stored_entry set lot_id = null, lot_ids = null, taken = null, lost = null where operation_id = $key`,
    ],
  ])('finds and names what was tampered with: %s', async (_what, table, fault) => {
    const { rows } = await owner.query<{ key: string }>(
      `select c.operation_id as key from ${SEALED} c join ${table} using (operation_id)
        where ${{ lot: 'expires_at is not null', entry: 'taken is not null' }[table] ?? 'true'} order by position limit 1`,
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
      `update stored_entry set pays_back = true where operation_id = '${key}'`,
      verify,
    );
    expect(fault).toMatchObject({ operationKey: key, what: 'CHANGED' });
  });

  it('steps over the events that lie between entries, and asks for no sealing of them', async () => {
    const { services, database, proof } = application;
    const { tenantKey, ctx } = tea;
    const before = await verify();
    const due = async () =>
      (await findDueWork(database.read(tenantKey), tenantKey, { callDays: 30, eventDays: 30 }))?.seal;
    const { rows } = await owner.query<{ id: string }>('select member_id as id from member limit 1');
    const memberId = toPublicId('member', rows[0]?.id ?? '');
    await services.members.changeTags(ctx, { idempotencyKey: 'tags', memberId, add: ['seen'], remove: [] });
    expect([await due(), await proof.seal(tenantKey)]).toEqual([false, 0]);
    await services.ledgers.earn(ctx, { idempotencyKey: 'more', memberId, asset: 'points', amount: 1n });
    expect([await due(), await proof.seal(tenantKey)]).toEqual([true, 1]);
    expect(await verify()).toMatchObject({ sealed: before.sealed + 1, fault: null });
    await proof.rollUp(tenantKey, 'Asia/Shanghai');
    expect(await findBreaches(owner)).toEqual([]);
  });

  it('finds an operation whose entries were deleted', async () => {
    const [, , key] = await sealedKeys();
    const { fault } = await tampered(`delete from entry where operation_id = ${AN_OPERATION}`, verify);
    expect(fault).toMatchObject({ operationKey: key, what: 'MISSING' });
  });

  it('finds two operations in each other’s place', async () => {
    const [first] = await sealedKeys();
    const swap = `with two as (select feed_position from entry order by feed_position limit 2)
      update entry set feed_position = (select sum(feed_position) from two) - feed_position
       where feed_position in (select feed_position from two)`;
    expect((await tampered(swap, verify)).fault).toMatchObject({ operationKey: first, what: 'MOVED' });
  });

  it('finds an operation that was put in', async () => {
    const insert = `insert into stored_entry (tenant_id, ledger_id, version, operation_id, kind, amount,
        posted_after, feed_position, occurred_at)
      select tenant_id, ledger_id, 1000, tenant_id, kind, amount, posted_after, feed_position, occurred_at
        from entry
       where feed_position = (select max(feed_position) from entry)`;
    const { rows } = await owner.query('select max(feed_position) as last from entry');
    const { fault } = await tampered(insert, verify);
    expect(String(fault?.position)).toBe(rows[0].last);
  });

  it('finds an operation of which nothing is left', async () => {
    const [, , key] = await sealedKeys();
    const tables = ['stored_operation', 'stored_lot', 'open_lot', 'hold', 'hold_lot'];
    const { fault } = await tampered(
      `with ${tables.map((name) => `${name}_gone as (delete from ${name} where operation_id = '${key}')`)}
       delete from stored_entry where operation_id = '${key}'`,
      verify,
    );
    expect(fault).toMatchObject({ operationKey: key, what: 'MISSING' });
  });

  const set = (columns: string) => `update operation_chain set ${columns} where ${FIRST_RUN}`;
  const without2nd = (column: string) => `${column} = ${column}[:1] || ${column}[3:]`;
  it.each([
    [
      'was taken out of a run',
      1,
      'FOREIGN',
      set(`${without2nd('operation_ids')}, ${without2nd('offsets')},
        hashes = substring(hashes for 16) || substring(hashes from 33)`),
    ],
    ['was taken out with its run', 0, 'FOREIGN', `delete from operation_chain where ${FIRST_RUN}`],
    [
      'is in another’s place',
      0,
      'MOVED',
      set('operation_ids = operation_ids[2:2] || operation_ids[:1] || operation_ids[3:]'),
    ],
    ['was moved', 1, 'FOREIGN', set('offsets[2] = offsets[2] + 1000')],
    [
      'ends a run of which the hash was changed',
      -1,
      'CHANGED',
      set(`hashes = set_byte(hashes, length(hashes) - 1,
        255 - get_byte(hashes, length(hashes) - 1))`),
    ],
  ])('finds a link that %s', async (_what, place, what, fault) => {
    const { rows } = await owner.query<{ keys: string[] }>(
      `select operation_ids::text[] as keys from operation_chain where ${FIRST_RUN}`,
    );
    const key = rows[0]?.keys.at(place);
    const { fault: found } = await tampered(fault, verify);
    // Two that changed places are told by the one that stands in the first one's.
    const named = what === 'MOVED' ? rows[0]?.keys[1] : key;
    expect(found).toMatchObject({ operationKey: named, what });
  });

  it('refuses a run whose parts don’t fit', async () => {
    for (const part of ['operation_ids = operation_ids[2:]', `offsets = '{}'`, `hashes = hashes || '0'`])
      await expect(owner.query(set(part))).rejects.toMatchObject({ code: '23514' });
  });

  it('can’t be written over by the app', async () => {
    const app = await connect(application.testDatabase.appUrl);
    try {
      for (const sql of ['delete from operation_chain', `update operation_chain set hashes = ''`])
        await expect(app.query(sql)).rejects.toMatchObject({ code: '42501' });
    } finally {
      await app.end();
    }
  });
});
