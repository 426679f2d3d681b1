import pg from 'pg';
import { describeBreach, findBroken, LAWS } from '../../src/domain/audit/index.ts';
import type { Sql } from '../../src/persistence/index.ts';
import { SURVEY_OPTIONS } from '../../src/persistence/sql/session.ts';

/** Every breach of the ledger's laws in the whole database, one line each; asked on an owner's connection. */
export async function findBreaches(owner: pg.Client): Promise<string[]> {
  const breaches: string[] = [];
  const sql: Sql = { run: async ({ text }, values) => (await owner.query(text, [...values])).rows };
  const { rows: tenants } = await owner.query<{ key: string; code: string }>(
    'select tenant_id as key, code from tenant_directory order by code',
  );
  for (const { key, code } of tenants) {
    await owner.query(`select set_config('app.tenant_id', $1, false)`, [key]);
    for (const law of LAWS) {
      const rows = await findBroken(sql, key, law);
      breaches.push(...rows.map((row) => `${code}: ${law.says.en}: ${describeBreach(row)}`));
    }
  }
  return breaches;
}

/** As `findBreaches`, on a connection of its own; for the end of every test file that posts. */
export async function auditLedgers(adminUrl: string): Promise<string[]> {
  // As the product's own audit does.
  const client = new pg.Client({ connectionString: adminUrl, options: SURVEY_OPTIONS });
  await client.connect();
  try {
    return await findBreaches(client);
  } finally {
    await client.end();
  }
}
