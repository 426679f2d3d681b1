import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { entities } from '../../src/compose.ts';
import { databaseUrl, loadCredentials, SUPERUSER } from '../../src/persistence/embedded/credentials.ts';
import {
  acquireEmbeddedPostgres,
  type EmbeddedDatabase,
  removeEmbeddedPostgres,
} from '../../src/persistence/embedded/index.ts';
import { Database } from '../../src/persistence/index.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { untilHolds } from '../support/until-holds.ts';
import { connect } from './furnished.ts';

function open(appUrl: string): Promise<Database> {
  return Database.open({
    appUrl,
    entities,
    readConnections: 1,
    writeConnections: 1,
    onError: () => undefined,
  });
}

/** Waits until a role has no session but the one that asks: PostgreSQL ends each in its own time. */
async function untilNobodyIsThere(adminUrl: string, role: string): Promise<void> {
  const client = await connect(adminUrl);
  try {
    await untilHolds(async () => {
      const { rowCount } = await client.query(
        `select from pg_stat_activity
          where datname = current_database() and usename = $1 and pid <> pg_backend_pid()`,
        [role],
      );
      return rowCount === 0;
    }, `${role} has no session`);
  } finally {
    await client.end();
  }
}

describe('the database opens', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createTestDatabase();
  });
  afterAll(() => database.drop());

  it('for the app role', async () => {
    const opened = await open(database.appUrl);
    expect(await opened.unreadiness()).toBeNull();
    await opened.close();
  });

  it('not for a role that owns tables, and leaves no connection behind', async () => {
    await expect(open(database.adminUrl)).rejects.toThrow(
      /^The database role "\w+" owns tables: give DATABASE_URL the app role, .*\.$/,
    );
    const owner = new URL(database.adminUrl).username;
    await untilNobodyIsThere(database.adminUrl, owner);
  });

  it('not for a wrong password', async () => {
    const url = new URL(database.appUrl);
    url.password = 'wrong';
    await expect(open(url.href)).rejects.toMatchObject({ code: '28P01' });
  });

  it('but isn’t ready while a migration is missing', async () => {
    const client = await connect(database.adminUrl);
    const opened = await open(database.appUrl);
    await client.query(`delete from schema_migration where name = '0001_house'`);
    expect(await opened.unreadiness()).toBe('Migrations are missing: 0001_house.');
    await client.end();
    await opened.close();
    expect(await opened.unreadiness()).toBe('The database cannot be reached.');
  });
});

/** Only a superuser can make such roles, so they live in a cluster of this test's own. */
describe('the database never opens', () => {
  const dataDirs: string[] = [];
  let cluster: EmbeddedDatabase;
  let superuserUrl: string;

  beforeAll(async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'membergraph-boot-'));
    dataDirs.push(dataDir);
    cluster = await acquireEmbeddedPostgres({ dataDir, durable: false });
    const { superuser } = await loadCredentials(join(dataDir, 'postgres', 'control'));
    superuserUrl = databaseUrl(SUPERUSER, superuser, Number(new URL(cluster.appUrl).port));
  });

  afterAll(async () => {
    await cluster.release();
    for (const dataDir of dataDirs) {
      await removeEmbeddedPostgres(dataDir);
      await rm(dataDir, { recursive: true, force: true });
    }
  });

  it('for a superuser', async () => {
    await expect(open(superuserUrl)).rejects.toThrow(
      /^The database role "postgres" can bypass row-level security: .*\.$/,
    );
  });

  it.each(['bypassrls', 'superuser'])('for a role that was made with %s', async (right) => {
    const client = new pg.Client({ connectionString: superuserUrl });
    await client.connect();
    await client.query(`create role made_${right} login ${right} password 'secret'`);
    await client.end();
    const url = new URL(superuserUrl);
    [url.username, url.password] = [`made_${right}`, 'secret'];
    await expect(open(url.href)).rejects.toThrow(
      `The database role "made_${right}" can bypass row-level security`,
    );
  });
});
