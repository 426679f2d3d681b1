import { fromPublicId } from '../../src/kernel/ids.ts';
import type { Json, TestGateway } from './gateway.ts';

/** Made anew by every run, or taken in the order of commits. */
const NOT_COMPARED = ['tenant_id', 'feed_position', 'position', 'caller', 'key_hash'];
const UNCOMPARED_TABLES = [
  'tenant_directory',
  'tenant',
  'api_key',
  'schema_migration',
  'program',
  'extension_call',
  'call_seal',
];
/** Operations that come of the ledger and the moment: their hash is made of both. */
const BY_TIME = ['MATURE', 'EXPIRE'];
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const MEMBER_ID = /mem_[0-9a-z]{26}/g;
const MOMENT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)/g;
const A_WHILE_MS = 60 * 60 * 1_000;

type Row = Record<string, Json>;

/**
 * Every row that a tenant has, by table, so that tenants with the same past have equal ones: keys are
 * replaced by what they stand for, moments of the last hour by a word.
 * @param now when the tenant's clock began; what PostgreSQL calls now is now, too
 */
export async function rowsOfTenant(
  { sql, tenantKey: own }: Pick<TestGateway, 'sql' | 'tenantKey'>,
  tenantKey: string,
  now: number,
): Promise<Record<string, string[]>> {
  const setTenant = (key: string) => sql(`select set_config('app.tenant_id', $1, false)`, [key]);
  await setTenant(tenantKey);
  const tables = await sql<{ name: string }>(
    `select c.table_name as name from information_schema.columns c
      where c.table_schema = 'public' and c.column_name = 'tenant_id' order by 1`,
  );
  const found: Record<string, Row[]> = {};
  for (const { name } of tables.filter((one) => !UNCOMPARED_TABLES.includes(one.name))) {
    const rows = await sql<{ row: Row }>(`select to_jsonb(t) as row from ${name} t where tenant_id = $1`, [
      tenantKey,
    ]);
    found[name] = rows.map(({ row }) =>
      BY_TIME.includes(row.kind) ? { ...row, input_hash: 'a moment' } : row,
    );
  }
  await setTenant(own);
  const names = namesOfKeys(found);
  const isNow = (moment: number): boolean =>
    [now, Date.now()].some((one) => Math.abs(one - moment) < A_WHILE_MS);
  const shown = (text: string): string =>
    text
      .replace(MEMBER_ID, (id) => fromPublicId('member', id) ?? id)
      .replace(UUID, (key) => names.get(key) ?? 'unmade')
      .replace(MOMENT, (moment) => (isNow(Date.parse(moment)) ? 'now' : moment));
  return Object.fromEntries(
    Object.entries(found).map(([name, rows]) => {
      const compared = rows.map((row) =>
        Object.fromEntries(Object.entries(row).filter(([column]) => !NOT_COMPARED.includes(column))),
      );
      return [name, compared.map((row) => shown(JSON.stringify(row))).sort()];
    }),
  );
}

/** What each key stands for: whose it is, and which of theirs in the order of their keys. */
function namesOfKeys(found: Record<string, Row[]>): Map<string, string> {
  const names = new Map<string, string>();
  const rowsOf = (table: string): Row[] => found[table] ?? [];
  for (const { member_id, kind, value } of rowsOf('member_identity'))
    names.set(member_id, `${kind}:${value}`);
  for (const { ledger_id, member_id, asset } of rowsOf('ledger')) {
    names.set(ledger_id, `${names.get(member_id)}/${asset}`);
  }
  for (const { ledger_id, version, operation_id } of rowsOf('entry')) {
    names.set(operation_id, `${names.get(ledger_id)}@${version}`);
  }
  const number = (table: string, key: string, ownerOf: (row: Row) => string): void => {
    const counts = new Map<string, number>();
    for (const row of rowsOf(table).sort((a, b) => (a[key] < b[key] ? -1 : 1))) {
      const owner = ownerOf(row);
      const count = (counts.get(owner) ?? 0) + 1;
      counts.set(owner, count);
      names.set(row[key], `${table} ${owner} ${count}`);
    }
  };
  const memberOf = ({ member_id }: Row): string => names.get(member_id) ?? '';
  number('lot', 'lot_id', ({ ledger_id }) => names.get(ledger_id) ?? '');
  number('activity', 'activity_id', memberOf);
  number('tier_change', 'change_id', (row) => `${memberOf(row)}/${row.ladder}`);
  // What rules and tiers grant at one moment has no order.
  number('benefit_grant', 'grant_id', (row) => `${memberOf(row)}/${row.benefit}`);
  // Counters of everybody have a key that is nobody's.
  names.set('00000000-0000-0000-0000-000000000000', 'everybody');
  // Digests stand for the same keys in every tenant.
  for (const { key } of rowsOf('idempotency')) names.set(key, key);
  return names;
}
