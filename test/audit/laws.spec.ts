import type pg from 'pg';
import { LAWS } from '../../src/domain/audit/index.ts';
import { connect, furnishTenant, startApplication, type TestApplication } from '../persistence/furnished.ts';
import { findBreaches } from '../support/audit.ts';

let application: TestApplication;
let owner: pg.Client;

beforeAll(async () => {
  application = await startApplication();
  await furnishTenant(application, 'books');
  const { tenantKey } = await furnishTenant(application, 'tea');
  owner = await connect(application.testDatabase.adminUrl);
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
});

afterAll(async () => {
  await owner.end();
  await application.close();
});

const LAST = `(ledger_id, version) in (select ledger_id, max(version) from entry group by ledger_id limit 1)`;

/** What a fault would do to the rows, and the laws that must notice. */
const FAULTS: [what: string, sql: string, laws: RegExp][] = [
  [
    'a lost entry',
    `delete from entry where version = 1 and kind = 'EARN' and posted_delta = 100`,
    /without a gap/,
  ],
  ['a changed delta', `update entry set posted_delta = posted_delta + 1 where ${LAST}`, /its deltas/],
  ['a wrong value after', `update entry set pending_after = pending_after + 1 where ${LAST}`, /its deltas/],
  [
    'an entry from the past',
    `update entry set recorded_at = recorded_at - interval '1 day' where version = 2`,
    /recorded before/,
  ],
  ['a position twice', 'update entry set feed_position = 1 where feed_position = 2', /feed positions/],
  ['a lost position', 'update tenant_feed set position = position + 1', /feed positions/],
  ['a changed balance', 'update ledger set posted = posted + 1', /as its last entry left it/],
  ['an entry that its ledger missed', 'update ledger set version = version - 1', /as its last entry left it/],
  ['a lot with too little', 'update lot set remaining = remaining - 1 where remaining > 1', /less the debt/],
  ['a lot that is pending too long', 'update lot set pending = not pending', /less the debt.*parts too/],
  ['a held part that no lot holds', 'update ledger set held = 1 where posted > 1', /parts too/],
  ['a debt beside something free', 'update ledger set debt = 1', /owes while it has something free/],
  [
    'a spend that went below zero',
    `update entry set posted_after = -1 where kind = 'REDEEM'`,
    /left one below zero/,
  ],
  ['a settlement forgotten', 'update ledger set settle_at = null', /settled no later/],
  ['a lot that was taken from without a trace', 'delete from allocation', /was not taken from it/],
  ['a lot that matured in silence', 'update lot set matured_at = null', /has matured/],
  ['a credit without a lot', 'delete from lot', /made a lot of its amount/],
  [
    'a portion that changed on its way',
    `update lot set portion = 'PAID', origin_lot_id = (select lot_id from lot order by lot_id limit 1)
      where lot_id <> (select lot_id from lot order by lot_id limit 1)`,
    /the same portion/,
  ],
  ['a lot out of nowhere', 'update lot set operation_id = tenant_id', /made a lot of its amount/],
  ['a spend that took too little', 'update allocation set amount = amount - 1', /took their amount/],
  [
    'a held part that no hold has',
    'update lot set held = held + 1 where remaining > 1',
    /what holds have of it/,
  ],
  ['a hold that captured in silence', 'update hold set captured = 1', /more than it had/],
  ['a hold that ended in silence', `update hold set status = 'RELEASED'`, /more than it had/],
  ['a hold of nothing', 'update ledger set held = 0 where held > 0', /what its holds have left/],
  ['a lost operation', `delete from operation where kind = 'REDEEM'`, /each entry its operation/],
  [
    'an operation of another kind',
    `update operation set kind = 'ADJUST' where kind = 'REDEEM'`,
    /its operation/,
  ],
  ['an operation that wrote nothing', `delete from entry where kind = 'REDEEM'`, /the entries that it wrote/],
  ['a taker that is no operation', 'update allocation set operation_id = tenant_id', /is an operation/],
  [
    'an operation under two keys',
    `insert into idempotency select tenant_id, key || '-2', mutation, request_hash, result, created_at from idempotency`,
    /one key at most/,
  ],
  [
    'a key without its operation',
    `delete from operation where kind = 'REDEEM'; delete from entry where kind = 'REDEEM'`,
    /what a key answers is there/,
  ],
  ['an entry of no ledger', `update entry set ledger_id = tenant_id where ${LAST}`, /a ledger that there is/],
  [
    'more taken back than was given',
    `update entry set amount = 100 * amount where kind = 'REVERSE'`,
    /taken back/,
  ],
  [
    'what takes back nothing',
    `update operation set ref_operation_id = tenant_id where kind = 'REVERSE'`,
    /taken back/,
  ],
  ['more held of a lot than it says', 'update hold_lot set amount = amount + 1', /what is held of a lot/],
  ['a hold that gave its all and goes on', 'update hold set captured = amount', /it has left, is active/],
  ['a hold that its ledger forgot', 'update ledger set held = held + 1', /what is held of a ledger/],
  ['a lost leg', `delete from leg where account = 'REDEEMED'`, /sum to zero/],
  ['a leg of another amount', 'update leg set amount = amount + 1', /sum to zero/],
  [
    'a leg in another account',
    `update leg set account = 'ADJUSTED' where account = 'REDEEMED'`,
    /account of what was done/,
  ],
  ['a leg of another moment', `update leg set recorded_at = recorded_at - interval '1 s'`, /first entry/],
  ['a leg of no operation', 'update leg set operation_id = tenant_id', /account of what was done/],
  ['a sum of other legs', 'update leg_day set amount = amount + 1', /sums of a day/],
  ['a day without its sum', 'delete from leg_day', /sums of a day/],
  ['legs of another day', `update leg_rollup set time_zone = 'Etc/GMT+12'`, /sums of a day/],
  ['a program that there isn’t', 'update operation set program_version = 99', /version of the program/],
];

it('finds nothing in a sound database', async () => {
  expect(await findBreaches(owner)).toEqual([]);
});

it.each(FAULTS)('finds %s', async (_what, fault, laws) => {
  await owner.query('begin');
  try {
    await owner.query(fault);
    const breaches = await findBreaches(owner);
    expect(breaches).toContainEqual(expect.stringMatching(laws));
    expect(breaches.filter((breach) => !breach.startsWith('tea: '))).toEqual([]);
  } finally {
    await owner.query('rollback');
  }
});

it('has a fault for every law', () => {
  const unproven = LAWS.filter(({ says }) => !FAULTS.some(([, , laws]) => laws.test(says.en)));
  expect(unproven).toEqual([]);
});
