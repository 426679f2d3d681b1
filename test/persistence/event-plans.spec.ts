import type pg from 'pg';
import { readFeedEvents } from '../../src/domain/live/feed-event.repository.ts';
import { type FeedRange, findEventsFrom } from '../../src/events/index.ts';
import { findDueWork } from '../../src/jobs/due.repository.ts';
import { newKey } from '../../src/kernel/ids.ts';
import type { Sql } from '../../src/persistence/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { connectPlanning, explained } from './explained.ts';

/** Events of a busy tenant: one in a thousand is of the member, one in a hundred of extensions. */
const EVENTS = 60_000;
const PAGE = 100;

const tenantKey = newKey();
const memberKey = newKey();

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = await connectPlanning(database.adminUrl);
  await client.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
  await client.query('insert into tenant_feed values ($1, $2, 0)', [tenantKey, EVENTS]);
  await client.query(
    `insert into feed_event (tenant_id, position, stream, type, member_id, subject_id, occurred_at, recorded_at)
     select $1, n, case when n % 100 = 0 then 'extensions' else (array['tiers', 'grants', 'members'])[n % 3 + 1] end,
            'X', case when n % 1000 = 1 then $2::uuid when n % 100 > 0 then gen_random_uuid() end,
            gen_random_uuid(), now(), now()
       from generate_series(1, ${EVENTS}) as n`,
    [tenantKey, memberKey],
  );
  await client.query('analyze feed_event');
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** Of each statement that this runs: sorts and whole scans of events, pages that were read, rows answered. */
async function planned(work: (sql: Sql) => Promise<unknown>) {
  const found: { wasteful: string[]; pages: number; rows: number }[] = [];
  const run: Sql['run'] = async (statement, values) => {
    const { nodes, pages, rows } = await explained(client, statement, values);
    const wasteful = nodes
      .filter((node) => node['Relation Name'] === 'feed_event' && /Seq|Bitmap/.test(node['Node Type']))
      .map((node) => node['Node Type']);
    found.push({ wasteful, pages, rows });
    return [];
  };
  await work({ run });
  return found;
}

describe('events of a busy tenant', () => {
  const middle = BigInt(EVENTS / 2);
  const read = (more: Partial<FeedRange>) => (sql: Sql) =>
    readFeedEvents(sql, tenantKey, { stream: null, memberKey: null, after: middle, limit: PAGE, ...more });

  it.each<[string, number, number, (sql: Sql) => Promise<unknown>]>([
    ['the next of all', 10, PAGE, read({})],
    ['the first of all', 10, PAGE, read({ after: 0n })],
    ['the next of a stream', 120, PAGE, read({ stream: 'grants' })],
    ['the next of a rare stream', 120, PAGE, read({ stream: 'extensions' })],
    ['the next of a member', 60, 10, read({ stream: 'grants', memberKey })],
    ['the next of a member, of all streams', 90, 30, read({ memberKey })],
    ['the next of a member of whom there is nothing', 20, 0, read({ stream: 'tiers', memberKey: newKey() })],
    ['whether there is something new', 10, 0, read({ after: BigInt(EVENTS) })],
    ['how far back they reach', 5, 1, (sql) => findEventsFrom(sql, tenantKey)],
    ['what is due', 60, 0, (sql) => findDueWork(sql, tenantKey, { callDays: 30, eventDays: 30 })],
  ])('are found by an index: %s', async (_name, most, count, work) => {
    for (const { wasteful, pages, rows } of await planned(work)) {
      expect(wasteful).toEqual([]);
      expect(rows).toBe(count);
      expect(pages).toBeLessThan(most);
    }
  });
});
