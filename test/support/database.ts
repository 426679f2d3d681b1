import { randomBytes } from 'node:crypto';
import pg from 'pg';

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is missing: run the tests through jest, which sets it.`);
  return value;
}

function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}

/** A database of one test file: a copy of the migrated template. */
export interface TestDatabase {
  /** The owner role's. */
  readonly adminUrl: string;
  /** The app role's. */
  readonly appUrl: string;
  drop(): Promise<void>;
}

async function asOwner(adminUrl: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: withDatabase(adminUrl, 'postgres') });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

const PERMISSION_DENIED = '42501';

/**
 * An owner can’t force out an autovacuum worker, which is a superuser’s; unforced, the server asks it to
 * go.
 */
async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  try {
    await asOwner(adminUrl, `drop database ${name} with (force)`);
  } catch (error) {
    if ((error as { code?: unknown }).code !== PERMISSION_DENIED) throw error;
    await asOwner(adminUrl, `drop database ${name}`);
  }
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = required('MEMBERGRAPH_TEST_ADMIN_URL');
  const appUrl = required('MEMBERGRAPH_TEST_APP_URL');
  const template = new URL(adminUrl).pathname.slice(1);
  const name = `test_${randomBytes(8).toString('hex')}`;
  await asOwner(adminUrl, `create database ${name} template ${pg.escapeIdentifier(template)}`);
  return {
    adminUrl: withDatabase(adminUrl, name),
    appUrl: withDatabase(appUrl, name),
    drop: () => dropDatabase(adminUrl, name),
  };
}
