import type { Plugin } from '../../extension/index.ts';
import { migrateOwnTables, missingOwnMigrations, type OwnTables } from '../../persistence/index.ts';
import { type PluginSet, withDependencies } from '../plugin-checks.ts';
import { PluginFault } from '../plugin-fault.ts';
import { tablesSchema } from './part-names.ts';

/** The tables of a plugin; null where it has none. */
export function ownTablesOf({ id, tables }: Plugin): OwnTables | null {
  return tables === undefined ? null : { schema: tablesSchema(id), migrations: tables.migrations };
}

/**
 * Makes the tables of plugins where the owner's address is known, and else looks whether they are there. An
 * optional one whose tables aren't as they have to be is set aside, with those who depend on it.
 * @throws Error, one sentence that names the plugin that isn't optional
 */
export async function preparePlugins(
  { plugins, quarantined, optional }: PluginSet,
  { adminUrl, appUrl }: { readonly adminUrl: string | null; readonly appUrl: string },
): Promise<PluginSet> {
  const candidates = [];
  for (const plugin of plugins) {
    const tables = ownTablesOf(plugin);
    const why = tables === null ? null : await troubleWith(tables, adminUrl, appUrl);
    const isOptional = optional.includes(plugin.id);
    const fault = why === null ? plugin : new PluginFault(`The plugin "${plugin.id}" can't be used: ${why}`);
    candidates.push({ name: plugin.id, isOptional, plugin: fault });
  }
  const prepared = withDependencies(candidates);
  return { ...prepared, quarantined: [...quarantined, ...prepared.quarantined] };
}

async function troubleWith(
  tables: OwnTables,
  adminUrl: string | null,
  appUrl: string,
): Promise<string | null> {
  try {
    if (adminUrl !== null) {
      await migrateOwnTables({ adminUrl, appUrl }, tables);
      return null;
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const missing = await missingOwnMigrations(appUrl, tables);
  if (missing.length === 0) return null;
  return `its migrations are missing (${missing.join(', ')}): run "membergraph migrate" with DATABASE_ADMIN_URL.`;
}
