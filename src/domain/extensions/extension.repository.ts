import { emitEvents } from '../../events/index.ts';
import type { Stage } from '../../extension/index.ts';
import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { RegisteredExtension, StoredChange, StoredRevision } from './extension.entity.ts';
import type { ExtensionView } from './extension-view.types.ts';

const extensionColumns = `
  e.tenant_id as "tenantKey", e.extension_id as "extensionKey", e.name, e.point, e.runtime, e.priority,
  e.stage, e.canary_percent as "canaryPercent", e.version, e.live_version as "liveVersion",
  e.fallback_version as "fallbackVersion", e.shadowed_version as "shadowedVersion",
  e.error_percent as "errorPercent", e.latency_ms as "latencyMs", e.minimum_calls as "minimumCalls",
  e.secrets, e.staged_at as "stagedAt", e.created_at as "createdAt"`;
const settingColumns = `
  r.point_version as "pointVersion", r.deadline_ms as "deadlineMs", r.on_failure as "onFailure",
  r.default_output as "defaultOutput", r.posting_limits as "postingLimits", r.filter, r.url, r.source,
  r.language, r.digest, r.plugin, r.configuration, r.restores, r.made_at as "madeAt", r.made_by as "madeBy"`;
const revisionColumns = `
  r.tenant_id as "tenantKey", r.extension_id as "extensionKey", r.version, r.code, ${settingColumns}`;
const viewColumns = `${extensionColumns}, ${settingColumns}, false as "isImplied"`;

/** Extensions, each with its newest revision. */
const fromNewest = `
  from extension e
  join extension_revision r on r.tenant_id = $1 and r.extension_id = e.extension_id and r.version = e.version`;

const selectViews = statement<ExtensionView>(
  'extension.views',
  `select ${viewColumns}
     ${fromNewest}
    where e.tenant_id = $1 and e.extension_id = any($2::uuid[])`,
);
const selectByName = statement<ExtensionView>(
  'extension.by_name',
  `select ${viewColumns}
     ${fromNewest}
    where e.tenant_id = $1 and e.name = $2`,
);
/** Newest first: keys are ordered by the time when they were made. */
const selectPage = statement<ExtensionView>(
  'extension.page',
  `select ${viewColumns}
     ${fromNewest}
    where e.tenant_id = $1 and e.extension_id < $2
    order by e.extension_id desc limit $3`,
);
/** Without those that are retired; but a plugin that was registered once isn't implied again. */
const selectRegistered = statement<RegisteredExtension & { plugin: string | null }>(
  'extension.registered',
  `select ${extensionColumns}, r.plugin
     ${fromNewest}
    where e.tenant_id = $1 and (e.stage <> 'RETIRED' or r.plugin is not null)
    order by e.priority, e.extension_id`,
);
const selectAsked = statement<StoredRevision>(
  'extension.asked_revisions',
  `select ${revisionColumns}
     from extension e
     join extension_revision r
       on r.tenant_id = $1 and r.extension_id = e.extension_id
      and (r.version = e.live_version or (r.version = e.version and e.stage not in ('DRAFT', 'RETIRED')))
    where e.tenant_id = $1`,
);
const selectPlugins = statement<{ point: string; plugin: string }>(
  'extension.plugins',
  `select e.point, r.plugin
     ${fromNewest}
    where e.tenant_id = $1 and r.plugin is not null`,
);
const selectRevision = statement<StoredRevision>(
  'extension.revision',
  `select ${revisionColumns} from extension_revision r
    where r.tenant_id = $1 and r.extension_id = $2 and r.version = $3`,
);
const selectRevisions = statement<StoredRevision>(
  'extension.revisions',
  `select ${revisionColumns} from extension_revision r
    where r.tenant_id = $1 and r.extension_id = $2 and r.version < $3
    order by r.version desc limit $4`,
);
const countOfPoint = statement<{ count: number }>(
  'extension.count',
  `select count(*)::int as count from extension where tenant_id = $1 and point = $2 and stage <> 'RETIRED'`,
);
const insertExtension = statement(
  'extension.insert',
  `insert into extension (tenant_id, extension_id, name, point, runtime, priority, stage, canary_percent,
                          version, live_version, shadowed_version, error_percent, latency_ms, minimum_calls,
                          secrets, staged_at, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12, $13, $14,
           date_trunc('milliseconds', now()), business_time())`,
);
const insertRevision = statement(
  'extension.insert_revision',
  `insert into extension_revision (tenant_id, extension_id, version, point_version, deadline_ms, on_failure,
                                   default_output, posting_limits, filter, url, source, language, code,
                                   digest, plugin, configuration, restores, made_at, made_by)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, business_time(), $18)`,
);
/** Only as it was seen: whoever changed it meanwhile, staged it anew. */
const updateExtension = statement<{ version: number }>(
  'extension.update',
  `update extension
      set stage = $3, canary_percent = $4, version = $5, live_version = $6, fallback_version = $7,
          shadowed_version = $8, priority = $9, error_percent = $10, latency_ms = $11, minimum_calls = $12,
          staged_at = date_trunc('milliseconds', now())
    where tenant_id = $1 and extension_id = $2 and version = $13 and stage = $14 and staged_at = $15
   returning version`,
);
const updateSecrets = statement(
  'extension.update_secrets',
  'update extension set secrets = $3 where tenant_id = $1 and extension_id = $2',
);
const insertChange = statement(
  'extension.insert_change',
  `insert into extension_change (tenant_id, extension_id, change_id, kind, version, from_stage, to_stage,
                                 canary_percent, reason, made_by, made_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, business_time())`,
);
const changeColumns = `
  tenant_id as "tenantKey", extension_id as "extensionKey", change_id as "changeKey", kind, version,
  from_stage as "fromStage", to_stage as "toStage", canary_percent as "canaryPercent", reason,
  made_by as "madeBy", made_at as "madeAt"`;
const selectChangesByKeys = statement<StoredChange>(
  'extension.changes_by_keys',
  `select ${changeColumns} from extension_change
    where tenant_id = $1 and extension_id = any($2::uuid[]) and change_id = any($3::uuid[])`,
);
const selectChanges = statement<StoredChange>(
  'extension.changes',
  `select ${changeColumns}
     from extension_change
    where tenant_id = $1 and extension_id = $2 and change_id < $3
    order by change_id desc limit $4`,
);
const selectRequireShadow = statement<{ required: boolean }>(
  'extension.require_shadow',
  'select require_shadow as required from tenant where tenant_id = $1',
);
const updateRequireShadow = statement(
  'extension.update_require_shadow',
  'update tenant set require_shadow = $2 where tenant_id = $1',
);
const selectNow = statement<{ now: Date }>('extension.now', 'select business_time() as now');

const LAST_KEY = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const LAST_VERSION = 2_147_483_647;

export type ExtensionState = Pick<
  RegisteredExtension,
  | 'stage'
  | 'canaryPercent'
  | 'version'
  | 'liveVersion'
  | 'fallbackVersion'
  | 'shadowedVersion'
  | 'priority'
  | 'errorPercent'
  | 'latencyMs'
  | 'minimumCalls'
>;

export type NewRevision = Omit<StoredRevision, 'madeAt'>;
export type NewChange = Omit<StoredChange, 'madeAt'>;

export async function findExtension(
  sql: Sql,
  tenantKey: string,
  extensionKey: string,
): Promise<ExtensionView | null> {
  const [row] = await findExtensionsByKeys(sql, tenantKey, [extensionKey]);
  return row ?? null;
}

export async function findExtensionsByKeys(
  sql: Sql,
  tenantKey: string,
  extensionKeys: readonly string[],
): Promise<ExtensionView[]> {
  return await sql.run(selectViews, [tenantKey, extensionKeys]);
}

export async function findExtensionNamed(
  sql: Sql,
  tenantKey: string,
  name: string,
): Promise<ExtensionView | null> {
  const [row] = await sql.run(selectByName, [tenantKey, name]);
  return row ?? null;
}

/** Newest first, and one more to tell whether there is one. */
export async function findExtensions(
  sql: Sql,
  tenantKey: string,
  before: string | null,
  first: number,
): Promise<ExtensionView[]> {
  return await sql.run(selectPage, [tenantKey, before ?? LAST_KEY, first + 1]);
}

/** All that a tenant registered, in order of priority, and the revisions that are asked. */
export async function findAsked(sql: Sql, tenantKey: string) {
  const [extensions, revisions] = await Promise.all([
    sql.run(selectRegistered, [tenantKey]),
    sql.run(selectAsked, [tenantKey]),
  ]);
  return { extensions, revisions };
}

/** The plugins that a tenant registered itself, by point. */
export async function findPlugins(sql: Sql, tenantKey: string): Promise<{ point: string; plugin: string }[]> {
  return await sql.run(selectPlugins, [tenantKey]);
}

export async function findRevision(
  sql: Sql,
  { tenantKey, extensionKey }: Pick<RegisteredExtension, 'tenantKey' | 'extensionKey'>,
  version: number,
): Promise<StoredRevision | null> {
  const [row] = await sql.run(selectRevision, [tenantKey, extensionKey, version]);
  return row ?? null;
}

/** Newest first, and one more to tell whether there is one. */
export async function findRevisions(
  sql: Sql,
  { tenantKey, extensionKey }: Pick<RegisteredExtension, 'tenantKey' | 'extensionKey'>,
  before: number | null,
  first: number,
): Promise<StoredRevision[]> {
  return await sql.run(selectRevisions, [tenantKey, extensionKey, before ?? LAST_VERSION, first + 1]);
}

/** How many of a tenant's extensions answer a point, or may once. */
export async function countExtensions(sql: Sql, tenantKey: string, point: string): Promise<number> {
  const [row] = await sql.run(countOfPoint, [tenantKey, point]);
  return row?.count ?? 0;
}

export async function insertNewExtension(
  tx: Transaction,
  row: Omit<RegisteredExtension, 'version' | 'fallbackVersion' | 'stagedAt' | 'createdAt'>,
): Promise<void> {
  await tx.run(insertExtension, [
    ...[row.tenantKey, row.extensionKey, row.name, row.point, row.runtime, row.priority, row.stage],
    ...[row.canaryPercent, row.liveVersion, row.shadowedVersion],
    ...[row.errorPercent, row.latencyMs, row.minimumCalls, row.secrets],
  ]);
}

export async function insertNewRevision(tx: Transaction, row: NewRevision): Promise<void> {
  await tx.run(insertRevision, [
    ...[row.tenantKey, row.extensionKey, row.version, row.pointVersion, row.deadlineMs, row.onFailure],
    ...[jsonOf(row.defaultOutput), jsonOf(row.postingLimits), row.filter, row.url, row.source, row.language],
    ...[row.code, row.digest, row.plugin, jsonOf(row.configuration), row.restores, row.madeBy],
  ]);
}

/** Whether it was as it was seen, and so is changed now. */
export async function changeState(
  tx: Transaction,
  seen: Pick<RegisteredExtension, 'tenantKey' | 'extensionKey' | 'version' | 'stage' | 'stagedAt'>,
  state: ExtensionState,
): Promise<boolean> {
  const changed = await tx.run(updateExtension, [
    ...[seen.tenantKey, seen.extensionKey, state.stage, state.canaryPercent, state.version],
    ...[state.liveVersion, state.fallbackVersion, state.shadowedVersion, state.priority],
    ...[state.errorPercent, state.latencyMs, state.minimumCalls],
    ...[seen.version, seen.stage, seen.stagedAt],
  ]);
  return changed.length > 0;
}

export async function changeSecrets(
  tx: Transaction,
  { tenantKey, extensionKey }: Pick<RegisteredExtension, 'tenantKey' | 'extensionKey'>,
  secrets: Buffer,
): Promise<void> {
  await tx.run(updateSecrets, [tenantKey, extensionKey, secrets]);
}

/** Writes down what was done, and tells of it. */
export async function insertNewChange(tx: Transaction, row: NewChange): Promise<void> {
  const { tenantKey, extensionKey, changeKey, kind } = row;
  const detail = { change: changeKey, version: row.version, stage: row.toStage };
  const told = { memberKey: null, subjectKey: extensionKey, detail };
  emitEvents(tx, tenantKey, [{ stream: 'extensions', type: kind, ...told }]);
  await tx.run(insertChange, [
    ...[row.tenantKey, row.extensionKey, row.changeKey, row.kind, row.version, row.fromStage, row.toStage],
    ...[row.canaryPercent, row.reason, row.madeBy],
  ]);
}

/** Newest first, and one more to tell whether there is one. */
export async function findChanges(
  sql: Sql,
  { tenantKey, extensionKey }: Pick<RegisteredExtension, 'tenantKey' | 'extensionKey'>,
  before: string | null,
  first: number,
): Promise<StoredChange[]> {
  return await sql.run(selectChanges, [tenantKey, extensionKey, before ?? LAST_KEY, first + 1]);
}

/** Changes, each named with its extension. */
export async function findChangesByKeys(
  sql: Sql,
  tenantKey: string,
  wanted: readonly Pick<StoredChange, 'extensionKey' | 'changeKey'>[],
): Promise<StoredChange[]> {
  const extensionKeys = [...new Set(wanted.map(({ extensionKey }) => extensionKey))];
  const changeKeys = wanted.map(({ changeKey }) => changeKey);
  return await sql.run(selectChangesByKeys, [tenantKey, extensionKeys, changeKeys]);
}

export async function isShadowRequired(sql: Sql, tenantKey: string): Promise<boolean> {
  const [row] = await sql.run(selectRequireShadow, [tenantKey]);
  return row?.required ?? false;
}

export async function changeShadowRequired(
  tx: Transaction,
  tenantKey: string,
  required: boolean,
): Promise<void> {
  await tx.run(updateRequireShadow, [tenantKey, required]);
}

/** Business time. */
export async function readNow(sql: Sql): Promise<Date> {
  const [row] = await sql.run(selectNow, []);
  if (row === undefined) throw new Error('The tenant has no clock.');
  return row.now;
}

/** The stages in which the newest revision is asked. */
export const ASKED_STAGES: readonly Stage[] = ['SHADOW', 'CANARY', 'LIVE'];

function jsonOf(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}
