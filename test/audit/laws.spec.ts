import type pg from 'pg';
import { LAWS } from '../../src/domain/audit/index.ts';
import { connect, furnishTenant, startApplication, type TestApplication } from '../persistence/furnished.ts';
import { findBreaches } from '../support/audit.ts';
import { FORGET_OPERATION, SPELL_TAKEN_OUT } from '../support/tampering.ts';

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

const AGAIN = `insert into idempotency
  (tenant_id, key, request_hash, result, created_at, operation_id, activity_id)`;
const OTHER_KEY = 'md5(key::text)::uuid';

/** What a fault would do to the rows, and the laws that must notice. */
const FAULTS: [what: string, sql: string, laws: RegExp][] = [
  [
    'a lost entry',
    `delete from entry where version = 1 and kind = 'EARN' and posted_delta = 100`,
    /without a gap/,
  ],
  [
    'a changed delta',
    `update stored_entry set posted_delta = coalesce(posted_delta, amount) + 1 where ${LAST}`,
    /its deltas/,
  ],
  [
    'a wrong value after',
    `update stored_entry set pending_after = coalesce(pending_after, 0) + 1 where ${LAST}`,
    /its deltas/,
  ],
  [
    'an entry from the past',
    `update stored_entry set recorded_at = coalesce(recorded_at, occurred_at) - interval '1 day' where version = 2`,
    /recorded before/,
  ],
  [
    'a position twice',
    'update entry set feed_position = feed_position + 1 where feed_position = (select min(feed_position) from entry)',
    /feed positions/,
  ],
  [
    'an entry in an event’s place',
    'update entry set feed_position = (select max(position) from feed_event where position < feed_position)',
    /feed positions/,
  ],
  [
    'a lost event',
    'delete from feed_event where position = (select min(position) from feed_event)',
    /feed positions/,
  ],
  [
    'a lost last event',
    'delete from feed_event where position = (select position from tenant_feed where position = feed_event.position)',
    /feed positions/,
  ],
  [
    'an event in an entry’s place, though events may be forgotten',
    `update tenant_feed set events_from = position;
     update feed_event set position = (select min(feed_position) from entry)
      where position = (select min(position) from feed_event)`,
    /feed positions/,
  ],
  [
    'a ledger that was given to another member',
    `insert into member
     select (jsonb_populate_record(m, jsonb_build_object('member_id', gen_random_uuid()))).* from member m;
     update ledger set member_id = (select member_id from member except select member_id from ledger limit 1)
      where ledger_id = (select ledger_id from ledger where asset = 'points' limit 1)`,
    /that its key was made of/,
  ],
  ['a lost position', 'update tenant_feed set position = position + 1', /feed positions/],
  ['a changed balance', 'update ledger set posted = posted + 1', /as its last entry left it/],
  ['an entry that its ledger missed', 'update ledger set version = version - 1', /as its last entry left it/],
  [
    'a lot with too little',
    'update open_lot set remaining = remaining - 1 where remaining > 1 and held = 0',
    /less the debt/,
  ],
  [
    'a lot that is pending too long',
    'update stored_lot set matured_at = case when matured_at is null then available_at end',
    /less the debt.*parts too/,
  ],
  ['a held part that no lot holds', 'update ledger set held = 1 where posted > 1', /parts too/],
  ['a debt beside something free', 'update ledger set debt = 1', /owes while it has something free/],
  [
    'a spend that went below zero',
    `update entry set posted_after = -1 where kind = 'REDEEM'`,
    /left one below zero/,
  ],
  ['a settlement forgotten', 'update ledger set settle_at = null', /settled no later/],
  [
    'a lot that was taken from without a trace',
    'update stored_entry set lot_id = null, lot_ids = null, taken = null, lost = null',
    /was not taken from it/,
  ],
  [
    'a lot that lost more than time took',
    'update stored_lot set lost = coalesce(lost, 0) + 1',
    /lost what time took/,
  ],
  [
    'a lot that matured in silence',
    `update stored_lot set matured_at = coalesce(created_at, available_at) - interval '1 hour'`,
    /has matured/,
  ],
  ['a credit without a lot', 'delete from stored_lot', /made a lot of its amount/],
  [
    'a portion that changed on its way',
    `update stored_lot set portion = 'PAID', origin_lot_id = (select lot_id from lot order by lot_id limit 1)
      where lot_id <> (select lot_id from lot order by lot_id limit 1)`,
    /the same portion/,
  ],
  ['a lot out of nowhere', 'update stored_lot set operation_id = tenant_id', /made a lot of its amount/],
  [
    'a spend that took too little',
    `${SPELL_TAKEN_OUT} update stored_entry set taken[1] = taken[1] - 1 where taken is not null`,
    /took their amount/,
  ],
  [
    'a held part that no hold has',
    'update open_lot set held = held + 1 where remaining > held',
    /what holds have of it/,
  ],
  [
    'a lot that is open without being there',
    'update open_lot set lot_id = gen_random_uuid()',
    /what the lot says itself/,
  ],
  [
    'a lot whose rest expires at another time',
    `update open_lot set expires_at = expires_at + interval '1 day'`,
    /what the lot says itself/,
  ],
  ['a hold that captured in silence', 'update hold set captured = 1', /more than it had/],
  ['a hold that ended in silence', `update hold set status = 'RELEASED'`, /more than it had/],
  ['a hold of nothing', 'update ledger set held = 0 where held > 0', /what its holds have left/],
  ['a lost operation', `${FORGET_OPERATION} where kind = 'REDEEM'`, /each entry its operation/],
  [
    'an operation of another kind',
    `update stored_operation set kind = 'ADJUST' where kind = 'TRANSFER'`,
    /its operation/,
  ],
  [
    'an operation that wrote nothing',
    `delete from entry where kind = 'TRANSFER'`,
    /the entries that it wrote/,
  ],
  [
    'a lot that no operation made',
    'update stored_lot set operation_id = tenant_id',
    /made a lot is an operation/,
  ],
  [
    'an operation under two keys',
    `${AGAIN} select tenant_id, ${OTHER_KEY}, request_hash, result, created_at, operation_id, activity_id
       from idempotency`,
    /one key at most/,
  ],
  [
    'an activity under two keys',
    `${AGAIN} select tenant_id, ${OTHER_KEY}, request_hash, result, created_at, operation_id, activity_id
       from idempotency where activity_id is not null`,
    /one key at most/,
  ],
  [
    'a key without its activity',
    'update idempotency set activity_id = tenant_id where activity_id is not null',
    /what a key answers is there/,
  ],
  [
    'an operation under two keys, one of which was kept as JSON',
    `${AGAIN} select tenant_id, ${OTHER_KEY}, 'a hash', jsonb_build_object('operation', operation_id), now(), null, null
       from idempotency where operation_id is not null`,
    /one key at most/,
  ],
  [
    'a key that an operation has, and another answer',
    `insert into idempotency (tenant_id, key, request_hash, result, created_at)
     select tenant_id, operation_id, input_hash, '{}', now() from entry join operation using (tenant_id, operation_id)
      where entry.kind = 'REDEEM'`,
    /one key at most/,
  ],
  [
    'a key whose request is told by nobody',
    `update stored_entry set input_hash = null where kind = 'REDEEM'`,
    /what a key answers is there/,
  ],
  [
    'a key of an older release whose request is told by nobody',
    `update stored_operation set input_hash = null where kind = 'TRANSFER';
     update idempotency set request_hash = null where operation_id in (
       select operation_id from stored_operation where kind = 'TRANSFER')`,
    /what a key answers is there/,
  ],
  [
    'a key without its operation',
    `delete from stored_operation where kind = 'TRANSFER'`,
    /what a key answers is there/,
  ],
  [
    'an activity of nobody',
    'update activity set member_id = tenant_id',
    /activities, ledgers, identities and tiers belong to a member/,
  ],
  [
    'identities and tiers of nobody',
    `update member_identity set member_id = tenant_id;
     update member_tier set member_id = tenant_id where member_id = (select member_id from member_tier limit 1)`,
    /activities, ledgers, identities and tiers belong to a member/,
  ],
  ['an entry of no ledger', `update entry set ledger_id = tenant_id where ${LAST}`, /a ledger that there is/],
  [
    'more taken back than was given',
    `update entry set amount = 100 * amount where kind = 'REVERSE'`,
    /taken back/,
  ],
  [
    'what takes back nothing',
    `update stored_entry set ref_operation_id = tenant_id where kind = 'REVERSE'`,
    /taken back/,
  ],
  ['more held of a lot than it says', 'update hold_lot set amount = amount + 1', /what is held of a lot/],
  ['a hold that gave its all and goes on', 'update hold set captured = amount', /it has left, is active/],
  [
    'a change of a record that nobody will ask for',
    'delete from record_lane',
    /stands in its ledger’s queue/,
  ],
  ['a hold that its ledger forgot', 'update ledger set held = held + 1', /what is held of a ledger/],
  [
    'an entry of which the other side is nowhere',
    `alter table stored_entry drop constraint stored_entry_account;
     update entry set account = 'X' where account = 'R'`,
    /sum to zero in every asset/,
  ],
  ['an entry without its account', `update entry set account = null where account = 'R'`, /account of what/],
  ['an entry in another account', `update entry set account = 'A' where account = 'R'`, /account of what/],
  ['an account that a hold has', `update entry set account = 'R' where kind = 'HOLD'`, /account of what/],
  [
    'an account of what a reversal is, not of what it undoes',
    `update entry set account = 'R' where kind = 'REVERSE'`,
    /account of what/,
  ],
  [
    'a spend that was paid back',
    `update stored_entry set pays_back = true where kind = 'REDEEM'`,
    /account of what/,
  ],
  [
    'a spend that lost more',
    `update stored_entry set amount = amount + 1, posted_delta = coalesce(posted_delta, amount) where kind = 'REDEEM'`,
    /nothing to time/,
  ],
  [
    'a hold that lost something',
    `update stored_entry set posted_delta = -1 where kind = 'HOLD'`,
    /nothing to time/,
  ],
  ['a sum of other legs', 'update leg_day set amount = amount + 1', /sums of a day/],
  ['a day without its sum', 'delete from leg_day', /sums of a day/],
  [
    'legs of another day',
    // One of the two has another date at any hour: they are 26 hours apart.
    `update leg_rollup set time_zone =
       case when (now() at time zone 'Etc/GMT+12')::date <> (now() at time zone time_zone)::date
            then 'Etc/GMT+12' else 'Etc/GMT-14' end`,
    /sums of a day/,
  ],
  [
    'a program that there isn’t',
    'update stored_operation set program_version = 99',
    /version of the program/,
  ],
];

it('finds nothing in a sound database', async () => {
  expect(await findBreaches(owner)).toEqual([]);
});

it('finds nothing once old events are forgotten', async () => {
  await owner.query('begin');
  try {
    await owner.query('update tenant_feed set events_from = position / 2');
    await owner.query(
      `delete from feed_event e using tenant_feed f where f.tenant_id = e.tenant_id and e.position <= f.events_from`,
    );
    expect(await findBreaches(owner)).toEqual([]);
    await owner.query('update tenant_feed set events_from = position');
    await owner.query('delete from feed_event');
    expect(await findBreaches(owner)).toEqual([]);
  } finally {
    await owner.query('rollback');
  }
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
