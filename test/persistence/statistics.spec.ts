import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { connect } from './furnished.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
});

it('doesn’t have PostgreSQL find out what is in JSON, by which nobody searches', async () => {
  const client = await connect(database.adminUrl);
  const { rows } = await client.query<{ column: string; target: number | null }>(
    `select format('%s.%s', c.relname, a.attname) as column, a.attstattarget as target
       from pg_class c
       join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.atttypid in ('json'::regtype, 'jsonb'::regtype)`,
  );
  await client.end();
  expect(rows.length).toBeGreaterThan(15);
  expect(rows.filter(({ target }) => target !== 0)).toEqual([]);
});
