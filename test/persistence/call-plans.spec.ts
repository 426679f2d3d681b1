import type pg from 'pg';
import {
  findCalls,
  findCallsForReplay,
  findFailing,
  findLatestOutcomes,
  forgetCalls,
  readHealth,
  readShadow,
} from '../../src/domain/extensions/call.repository.ts';
import type { RegisteredExtension } from '../../src/domain/extensions/extension.entity.ts';
import { findDueWork } from '../../src/jobs/due.repository.ts';
import { newKey } from '../../src/kernel/ids.ts';
import type { Sql, Transaction } from '../../src/persistence/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { connectPlanning, explained } from './explained.ts';

/** Calls of a busy extension within an hour; one in a thousand failed, one in a hundred was a shadow. */
const CALLS = 60_000;

const tenantKey = newKey();
const extensionKey = newKey();
const stagedAt = new Date(0);
const extension = { tenantKey, extensionKey, stage: 'LIVE', version: 1, stagedAt } as RegisteredExtension;

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = await connectPlanning(database.adminUrl);
  await client.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
  const of = [tenantKey, extensionKey];
  await client.query(
    `insert into extension (tenant_id, extension_id, name, point, runtime, priority, stage, version, live_version,
                            staged_at, created_at)
     values ($1, $2, 'busy', 'points.rule', 'SANDBOX', 100, 'LIVE', 1, 1, now() - interval '1 day', now())`,
    of,
  );
  await client.query(
    `insert into extension_call (tenant_id, call_id, extension_id, version, mode, attempt, outcome,
                                 idempotency_key, started_at, duration_ms, differences, contents, recorded_at)
     select $1, gen_random_uuid(), case when n % 2 = 0 then $2::uuid else gen_random_uuid() end, 1,
            case when n % 100 = 0 then 'SHADOW' else 'LIVE' end, 1,
            case when n % 1000 = 2 then 'TIMEOUT' else 'OK' end, 'k', now(), 1,
            case when n % 100 = 0 then n % 200 / 100 end, convert_to(repeat('x', 900), 'UTF8'),
            now() - n * interval '60 milliseconds'
       from generate_series(1, ${CALLS}) as n`,
    of,
  );
  await client.query('analyze extension_call');
}, 300_000);
afterAll(async () => {
  await client.end();
  await database.drop();
});

/** Whole scans of calls, and how many pages were looked at in all, of each statement that this runs. */
async function planned(work: (sql: Sql & Transaction) => Promise<unknown>) {
  const found: { name: string; scans: string[]; pages: number }[] = [];
  const run: Sql['run'] = async (statement, values) => {
    const { name, nodes, pages } = await explained(client, statement, values);
    const scans = nodes
      .filter((node) => node['Relation Name'] === 'extension_call' && /Seq/.test(node['Node Type']))
      .map((node) => node['Node Type']);
    found.push({ name, scans, pages });
    return [];
  };
  await work({ run } as Sql & Transaction);
  return found;
}

describe('calls of a busy extension', () => {
  const page = { first: 20, before: null };
  const later = { first: 20, before: { moment: new Date(Date.now() - 1_800_000), key: newKey() } };

  it.each<[string, number, (sql: Sql & Transaction) => Promise<unknown>]>([
    ['the newest page', 500, (sql) => findCalls(sql, extension, {}, page)],
    ['a page in the middle', 500, (sql) => findCalls(sql, extension, {}, later)],
    ['a page of failures', 500, (sql) => findCalls(sql, extension, { outcome: 'TIMEOUT' }, page)],
    ['a page of what never came up', 500, (sql) => findCalls(sql, extension, { outcome: 'ERROR' }, page)],
    ['a page of a mode', 500, (sql) => findCalls(sql, extension, { mode: 'SHADOW' }, page)],
    ['calls to ask again', 500, (sql) => findCallsForReplay(sql, extension, { mode: 'SHADOW', first: 100 })],
    ['health', 3_000, (sql) => readHealth(sql, extension)],
    ['stepping back', 500, (sql) => findLatestOutcomes(sql, extension)],
    ['the shadow', 5_000, (sql) => readShadow(sql, extension, null)],
    ['who failed', 100, (sql) => findFailing(sql, tenantKey)],
    ['what is due', 200, (sql) => findDueWork(sql, tenantKey, { callDays: 30, eventDays: 30 })],
    ['what is forgotten', 100, (sql) => forgetCalls(sql, tenantKey, 30, 2_000)],
  ])('are found by an index: %s', async (_name, most, work) => {
    for (const { name, scans, pages } of await planned(work)) {
      expect([name, scans]).toEqual([name, []]);
      expect(pages).toBeLessThan(most);
    }
  });
});
