import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { StoredConfiguration } from './extension.entity.ts';

const columns = `
  tenant_id as "tenantKey", plugin, version, configuration, made_at as "madeAt", made_by as "madeBy"`;
const selectNewest = statement<StoredConfiguration>(
  'extension.configurations',
  `select distinct on (plugin) ${columns} from plugin_configuration where tenant_id = $1
    order by plugin, version desc`,
);
const selectVersion = statement<StoredConfiguration>(
  'extension.configuration_version',
  `select ${columns} from plugin_configuration where tenant_id = $1 and plugin = $2 and version = $3`,
);
const insertNext = statement<{ version: number }>(
  'extension.insert_configuration',
  `insert into plugin_configuration (tenant_id, plugin, version, configuration, made_at, made_by)
   select $1, $2, coalesce(max(version), 0) + 1, $3, business_time(), $4
     from plugin_configuration where tenant_id = $1 and plugin = $2
   returning version`,
);

/** What holds of each plugin that the tenant configured ever. */
export async function findConfigurations(sql: Sql, tenantKey: string): Promise<StoredConfiguration[]> {
  return await sql.run(selectNewest, [tenantKey]);
}

export async function findConfiguration(
  sql: Sql,
  { tenantKey, plugin, version }: Pick<StoredConfiguration, 'tenantKey' | 'plugin' | 'version'>,
): Promise<StoredConfiguration | null> {
  const [row] = await sql.run(selectVersion, [tenantKey, plugin, version]);
  return row ?? null;
}

/** @returns its version */
export async function insertConfiguration(
  tx: Transaction,
  { tenantKey, plugin, configuration, madeBy }: Omit<StoredConfiguration, 'version' | 'madeAt'>,
): Promise<number> {
  const json = configuration === null ? null : JSON.stringify(configuration);
  const [row] = await tx.run(insertNext, [tenantKey, plugin, json, madeBy]);
  if (row === undefined) throw new Error('A configuration was written and is not there.');
  return row.version;
}
