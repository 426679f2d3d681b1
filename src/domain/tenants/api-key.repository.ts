import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { ApiKey } from './tenant.entity.ts';

/** A key as it is shown: without its hash. */
export type ShownApiKey = Omit<ApiKey, 'keyHash'>;

const shownColumns = `
  tenant_id as "tenantKey", key_id as "keyKey", role, extension_id as "extensionKey", label, created_at as "createdAt", revoked_at as "revokedAt"`;

const insertKey = statement<ShownApiKey>(
  'api_key.insert',
  `insert into api_key (tenant_id, key_id, key_hash, role, label, extension_id, created_at)
   values ($1, $2, $3, $4, $5, $6, business_time()) returning ${shownColumns}`,
);
const selectKey = statement<ShownApiKey>(
  'api_key.by_key',
  `select ${shownColumns} from api_key where tenant_id = $1 and key_id = $2`,
);
/** Newest first: keys are ordered by the time when they were made. */
const selectPage = statement<ShownApiKey>(
  'api_key.page',
  `select ${shownColumns} from api_key where tenant_id = $1 and key_id < $2 order by key_id desc limit $3`,
);
const revokeKey = statement<ShownApiKey>(
  'api_key.revoke',
  `update api_key set revoked_at = coalesce(revoked_at, business_time())
    where tenant_id = $1 and key_id = $2 returning ${shownColumns}`,
);

const selectExtension = statement<{ isThere: boolean }>(
  'api_key.extension',
  `select exists (select from extension where tenant_id = $1 and extension_id = $2) as "isThere"`,
);

const LAST_KEY = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

export async function insertApiKey(
  tx: Transaction,
  key: Omit<ApiKey, 'createdAt' | 'revokedAt'>,
): Promise<ShownApiKey> {
  const [row] = await tx.run(insertKey, [
    ...[key.tenantKey, key.keyKey, key.keyHash, key.role, key.label, key.extensionKey],
  ]);
  if (row === undefined) throw new Error('An API key was inserted and is not there.');
  return row;
}

export async function findApiKey(sql: Sql, tenantKey: string, keyKey: string): Promise<ShownApiKey | null> {
  const [row] = await sql.run(selectKey, [tenantKey, keyKey]);
  return row ?? null;
}

/** Whether there is an extension for a developer's key. */
export async function hasExtension(sql: Sql, tenantKey: string, extensionKey: string): Promise<boolean> {
  const [row] = await sql.run(selectExtension, [tenantKey, extensionKey]);
  return row?.isThere ?? false;
}

/** A page of keys, newest first, and one more to tell whether there is one. */
export async function findApiKeys(
  sql: Sql,
  tenantKey: string,
  before: string | null,
  first: number,
): Promise<ShownApiKey[]> {
  return await sql.run(selectPage, [tenantKey, before ?? LAST_KEY, first + 1]);
}

/** Revokes a key; one that was revoked before keeps its moment. Null when there is no such key. */
export async function revokeStoredKey(
  tx: Transaction,
  tenantKey: string,
  keyKey: string,
): Promise<ShownApiKey | null> {
  const [row] = await tx.run(revokeKey, [tenantKey, keyKey]);
  return row ?? null;
}
