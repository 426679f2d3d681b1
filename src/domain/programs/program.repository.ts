import { type EntityManager, type Sql, statement } from '../../persistence/index.ts';
import { ProgramVersion } from './program.entity.ts';
import type { ProgramDefinition } from './program.schema.ts';

const selectVersion = statement<{ definition: ProgramDefinition }>(
  'program.version',
  'select definition from program where tenant_id = $1 and version = $2',
);

export async function findProgram(
  sql: Sql,
  tenantKey: string,
  version: number,
): Promise<ProgramDefinition | null> {
  const [row] = await sql.run(selectVersion, [tenantKey, version]);
  return row?.definition ?? null;
}

/** Takes the tenant's row, so that programs are applied one after the other; answers the version in force. */
export async function lockProgramVersion(em: EntityManager, tenantKey: string): Promise<number | null> {
  const [row] = await em.execute<{ program_version: number | null }[]>(
    'select program_version from tenant where tenant_id = ? for update',
    [tenantKey],
  );
  return row?.program_version ?? null;
}

export async function findVersion(
  em: EntityManager,
  tenantKey: string,
  version: number,
): Promise<ProgramVersion | null> {
  return await em.findOne(ProgramVersion, { tenantKey, version });
}

/** The assets of this tenant that have ever had an entry. */
export async function findUsedAssets(em: EntityManager, tenantKey: string): Promise<string[]> {
  const rows = await em.execute<{ asset: string }[]>(
    'select distinct asset from ledger where tenant_id = ? and version > 0',
    [tenantKey],
  );
  return rows.map(({ asset }) => asset);
}

export async function putVersionInForce(em: EntityManager, version: ProgramVersion): Promise<void> {
  em.persist(version);
  await em.flush();
  await em.execute('update tenant set program_version = ? where tenant_id = ?', [
    version.version,
    version.tenantKey,
  ]);
}
