import { type Sql, statement, type Transaction } from '../../persistence/index.ts';
import type { ProgramVersion } from './program.entity.ts';
import type { ProgramDefinition } from './program.schema.ts';

const selectVersion = statement<{ definition: unknown }>(
  'program.version',
  'select definition from program where tenant_id = $1 and version = $2',
);
/** Of these assets, those that ever had an entry. */
const selectUsedAssets = statement<{ code: string }>(
  'program.used_assets',
  `select a.code from unnest($2::text[]) as a (code)
    where exists (select from ledger l where l.tenant_id = $1 and l.asset = a.code and l.version > 0)`,
);
/** Of these benefits, those that somebody was granted and that were not revoked since. */
const selectUsedBenefits = statement<{ code: string }>(
  'program.used_benefits',
  `select b.code from unnest($2::text[]) as b (code)
    where exists (select from benefit_grant g
                   where g.tenant_id = $1 and g.benefit = b.code and g.revoked_at is null
                     and not g.tier_held)`,
);
const insertVersion = statement(
  'program.insert',
  `insert into program (tenant_id, version, definition, applied_at, applied_by)
   values ($1, $2, $3, business_time(), $4)`,
);
const putInForce = statement(
  'program.put_in_force',
  'update tenant set program_version = $2 where tenant_id = $1',
);
const selectVersions = statement<ProgramVersion>(
  'program.versions',
  `select tenant_id as "tenantKey", version, applied_at as "appliedAt", applied_by as "appliedBy" from program
    where tenant_id = $1 and version < $2 order by version desc limit $3`,
);

const LAST_VERSION = 2_147_483_647;

/** A version's definition as it was stored, maybe by an older release; null when there is none. */
export async function findProgram(sql: Sql, tenantKey: string, version: number): Promise<unknown> {
  const [row] = await sql.run(selectVersion, [tenantKey, version]);
  return row?.definition ?? null;
}

/** What of a program can't go, because members have it. */
export async function findUsed(
  sql: Sql,
  tenantKey: string,
  { assets, benefits }: { readonly assets: readonly string[]; readonly benefits: readonly string[] },
): Promise<{ assets: string[]; benefits: string[] }> {
  const [usedAssets, usedBenefits] = await Promise.all([
    assets.length === 0 ? [] : sql.run(selectUsedAssets, [tenantKey, assets]),
    benefits.length === 0 ? [] : sql.run(selectUsedBenefits, [tenantKey, benefits]),
  ]);
  return {
    assets: usedAssets.map(({ code }) => code),
    benefits: usedBenefits.map(({ code }) => code),
  };
}

/** Writes a version and puts it in force. */
export async function insertInForce(
  tx: Transaction,
  tenantKey: string,
  version: { readonly version: number; readonly definition: ProgramDefinition; readonly appliedBy: string },
): Promise<void> {
  const definition = JSON.stringify(version.definition);
  await Promise.all([
    tx.run(insertVersion, [tenantKey, version.version, definition, version.appliedBy]),
    tx.run(putInForce, [tenantKey, version.version]),
  ]);
}

/** A page of versions, newest first, without their definitions; and one more to tell whether there is one. */
export async function findVersions(
  sql: Sql,
  tenantKey: string,
  before: number | null,
  first: number,
): Promise<ProgramVersion[]> {
  return await sql.run(selectVersions, [tenantKey, before ?? LAST_VERSION, first + 1]);
}
