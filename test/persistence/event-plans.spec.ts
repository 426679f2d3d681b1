import pg from 'pg';
import { readFeedEvents } from '../../src/domain/live/feed-event.repository.ts';
import { type FeedRange, findEventsFrom } from '../../src/events/index.ts';
import { findDueWork } from '../../src/jobs/due.repository.ts';
import { newKey } from '../../src/kernel/ids.ts';
import type { Sql } from '../../src/persistence/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** Events of a busy tenant: one in a thousand is of the member, one in a hundred of extensions. */
const EVENTS = 60_000;
const PAGE = 100;

const tenantKey = newKey();
const memberKey = newKey();

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.adminUrl });
  await client.connect();
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
  await client.query('set plan_cache_mode = force_generic_plan');
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly Plan[];
}

/** Of each statement that this runs: sorts and whole scans of events, pages that were read, rows answered. */
async function planned(work: (sql: Sql) => Promise<unknown>) {
  const found: { wasteful: string[]; pages: number; rows: number }[] = [];
  const nodes = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodes)];
  const run: Sql['run'] = async ({ name, text }, values) => {
    const explained = `explain (analyze, buffers, format json) ${text}`;
    const { rows } = await client.query({ name, text: explained, values: [...values] });
    const plan: Plan = rows[0]['QUERY PLAN'][0].Plan;
    const wasteful = nodes(plan)
      .filter((node) => node['Relation Name'] === 'feed_event' && /Seq|Bitmap/.test(node['Node Type']))
      .map((node) => node['Node Type']);
    const pages = plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    found.push({ wasteful, pages, rows: plan['Actual Rows'] });
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
