import pg from 'pg';
import { entities } from '../../src/compose.ts';
import { newKey } from '../../src/kernel/ids.ts';
import { Database } from '../../src/persistence/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { connect } from './furnished.ts';

/** A database with a table and two tenants that belong to the test alone. */
export interface Scratch {
  readonly testDatabase: TestDatabase;
  readonly database: Database;
  /** Two tenants without a program. */
  readonly tea: string;
  readonly books: string;
  /** A connection of the owner. */
  readonly owner: pg.Client;
  /** The numbers that the scratch table holds, of all tenants, by their place. */
  numbers(): Promise<number[]>;
  /** A connection of the app role, which sees what others of that role are doing. */
  readonly app: pg.Client;
  /** Waits until a condition holds, as the app role sees it. */
  until(condition: string, values?: unknown[]): Promise<void>;
  close(): Promise<void>;
}

/** What a test needs besides the schema: a table, and functions that fail as the server would. */
const OBJECTS = `
  create table scratch (tenant_id uuid not null, place serial, number integer not null unique);
  grant select, insert, update, delete on scratch to app;
  grant usage on sequence scratch_place_seq to app;
  create function fail(state text) returns integer language plpgsql as $$
    begin raise exception 'a failure of the test' using errcode = state; end $$;`;

const MOST_LOOKS = 20_000;

async function addTenant(owner: pg.Client, code: string): Promise<string> {
  const tenantKey = newKey();
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
  await owner.query(
    `insert into tenant (tenant_id, code, name, sandbox, locale, created_at) values ($1, $2, '{}', true, 'en', now())`,
    [tenantKey, code],
  );
  return tenantKey;
}

export async function openScratch(connections: { reads: number; writes: number }): Promise<Scratch> {
  const testDatabase = await createTestDatabase();
  const owner = await connect(testDatabase.adminUrl);
  const app = await connect(testDatabase.appUrl);
  const role = pg.escapeIdentifier(new URL(testDatabase.appUrl).username);
  await owner.query(OBJECTS.replaceAll(' to app;', ` to ${role};`));
  const tea = await addTenant(owner, 'tea');
  const books = await addTenant(owner, 'books');
  const database = await Database.open({
    appUrl: testDatabase.appUrl,
    entities,
    readConnections: connections.reads,
    writeConnections: connections.writes,
    onError: () => undefined,
  });
  return {
    testDatabase,
    database,
    tea,
    books,
    owner,
    numbers: async () => {
      const { rows } = await owner.query<{ number: number }>('select number from scratch order by place');
      return rows.map(({ number }) => number);
    },
    app,
    until: async (condition, values = []) => {
      for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
        const { rows } = await app.query<{ met: boolean }>(`select (${condition}) as met`, values);
        if (rows[0]?.met === true) return;
      }
      throw new Error(`It never came true: ${condition}`);
    },
    close: async () => {
      await database.close();
      await Promise.all([owner.end(), app.end()]);
      await testDatabase.drop();
    },
  };
}
