import { type Sql, statement } from '../../persistence/index.ts';

const countEntries = statement<{ entries: bigint }>(
  'audit.entries',
  'select count(*) as entries from entry where tenant_id = $1',
);

export async function findEntryCount(sql: Sql, tenantKey: string): Promise<bigint> {
  const [row] = await sql.run(countEntries, [tenantKey]);
  return row?.entries ?? 0n;
}
