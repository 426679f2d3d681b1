import { readdir, readFile } from 'node:fs/promises';
import { ReflectMetadataProvider } from '@mikro-orm/decorators/legacy';
import { Migration, Migrator } from '@mikro-orm/migrations';
import { MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import { installJobTables } from './job-tables.ts';
import { projectPath } from './project-root.ts';

const MIGRATION_FILE = /^\d{4}_[a-z0-9_]+\.sql$/;

/** The database role that the gateway uses, made by the migrator when it is missing. */
interface AppRole {
  readonly name: string;
  readonly password: string;
}

interface NamedMigration {
  readonly name: string;
  readonly class: new (...args: ConstructorParameters<typeof Migration>) => Migration;
}

function toMigration(sql: string): NamedMigration['class'] {
  return class extends Migration {
    override up(): void {
      this.addSql(sql);
    }
  };
}

/** The migrations of the folder `migrations/`, oldest first: plain SQL, forward only. */
export async function loadMigrations(): Promise<NamedMigration[]> {
  const folder = projectPath('migrations');
  const files = (await readdir(folder)).filter((file) => MIGRATION_FILE.test(file)).sort();
  return await Promise.all(
    files.map(async (file) => ({
      name: file.replace(/\.sql$/, ''),
      class: toMigration(await readFile(`${folder}/${file}`, 'utf8')),
    })),
  );
}

/** The names of the migrations that this build knows; readiness compares them with the database's. */
export async function knownMigrations(): Promise<string[]> {
  const files = await readdir(projectPath('migrations'));
  return files.filter((file) => MIGRATION_FILE.test(file)).map((file) => file.replace(/\.sql$/, ''));
}

/**
 * Brings the database to this build's schema and grants the app role what it needs. Several processes may
 * do so at once: an advisory lock lets one go first, and the others find it done.
 * @returns the names of the migrations that were applied now.
 */
export async function migrate(adminUrl: string, appUrl: string): Promise<string[]> {
  const lock = new pg.Client({ connectionString: adminUrl });
  await lock.connect();
  try {
    await lock.query(`select pg_advisory_lock(hashtext('membergraph.migrate'))`);
    const applied = await applyMigrations(adminUrl);
    await installJobTables(lock, adminUrl);
    await grantAppRole(lock, appRoleOf(appUrl));
    return applied;
  } finally {
    await lock.end();
  }
}

async function applyMigrations(adminUrl: string): Promise<string[]> {
  const orm = await MikroORM.init({
    clientUrl: adminUrl,
    entities: [],
    discovery: { warnWhenNoEntities: false },
    metadataProvider: ReflectMetadataProvider,
    extensions: [Migrator],
    migrations: {
      tableName: 'schema_migration',
      snapshot: false,
      silent: true,
      migrationsList: await loadMigrations(),
    },
  });
  try {
    const applied = await orm.migrator.up();
    return applied.map(({ name }) => name);
  } finally {
    await orm.close(true);
  }
}

function appRoleOf(appUrl: string): AppRole {
  const url = new URL(appUrl);
  return { name: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
}

async function grantAppRole(admin: pg.Client, role: AppRole): Promise<void> {
  const name = pg.escapeIdentifier(role.name);
  const existing = await admin.query('select 1 from pg_roles where rolname = $1', [role.name]);
  if (existing.rowCount === 0) {
    await admin.query(`create role ${name} login password ${pg.escapeLiteral(role.password)}`);
  }
  const grants = await readFile(projectPath('migrations/grants.sql'), 'utf8');
  await admin.query(grants.replaceAll('app_role', name).replace(/^--.*$/gm, ''));
}
