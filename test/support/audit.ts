import pg from 'pg';
import { type BreachRow, describeBreach, LAWS } from '../../src/domain/audit/index.ts';

/** Every breach of the ledger's laws in the whole database, one line each; asked on an owner's connection. */
export async function findBreaches(owner: pg.Client): Promise<string[]> {
  const breaches: string[] = [];
  const { rows: tenants } = await owner.query<{ key: string; code: string }>(
    'select tenant_id as key, code from tenant_directory order by code',
  );
  for (const { key, code } of tenants) {
    await owner.query(`select set_config('app.tenant_id', $1, false)`, [key]);
    for (const { says, broken } of LAWS) {
      const { rows } = await owner.query<BreachRow>(broken.text, [key]);
      breaches.push(...rows.map((row) => `${code}: ${says.en}: ${describeBreach(row)}`));
    }
  }
  return breaches;
}

/** As `findBreaches`, on a connection of its own; for the end of every test file that posts. */
export async function auditLedgers(adminUrl: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    return await findBreaches(client);
  } finally {
    await client.end();
  }
}
