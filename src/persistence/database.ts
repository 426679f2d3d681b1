import type { MikroORM } from '@mikro-orm/postgresql';
import { knownMigrations } from './migrate.ts';
import { type EntityManager, openOrm, unitOfWork } from './orm.ts';
import { type Channel, type ChannelListener, openChannel } from './sql/channel.ts';
import { JobPool } from './sql/job-pool.ts';
import { PluginPool, type PluginScope, type PluginTransaction } from './sql/plugin-pool.ts';
import { Reader } from './sql/reader.ts';
import { RELAXED_OPTIONS, SESSION_OPTIONS, SURVEY_OPTIONS } from './sql/session.ts';
import { type Sql, statement } from './sql/statement.ts';
import { type Transaction, type TransactionOptions, TransactionPool } from './sql/transaction.ts';

const selectRole = statement<{ name: string; bypasses: boolean; owns: boolean }>(
  'boot.role',
  `select r.rolname as name, r.rolsuper or r.rolbypassrls as bypasses,
          exists (select from pg_tables t where t.tableowner = r.rolname and t.schemaname = 'public') as owns
     from pg_roles r where r.rolname = current_user`,
);
const selectMigrations = statement<{ name: string }>('boot.migrations', 'select name from schema_migration');
const selectJobTables = statement<{ isThere: boolean }>(
  'boot.job_tables',
  `select exists (select from pg_tables where schemaname = 'graphile_worker' and tablename = '_private_jobs')
       as "isThere"`,
);
const selectVersion = statement<{ version: string }>('boot.version', 'show server_version_num');

const OLDEST_SERVER = 150_000;

export interface DatabaseOptions {
  /** Where, as the app role. */
  readonly appUrl: string;
  /** The classes that MikroORM maps. */
  readonly entities: readonly (new (
    ...args: never[]
  ) => object)[];
  /** Connections that carry reads, pipelined. */
  readonly readConnections: number;
  /** Connections on which transactions run. */
  readonly writeConnections: number;
  readonly onError: (error: Error) => void;
  /** Commits don't wait for the disk: only for work that can be done again, and ends with `harden`. */
  readonly relaxedCommits?: boolean;
}

/** The one way to the data. Whatever it runs, it runs for one tenant, under row-level security. */
export class Database {
  readonly #orm: MikroORM;
  readonly #reader: Reader;
  readonly #surveyor: Reader;
  readonly #transactions: TransactionPool;
  readonly #options: DatabaseOptions;
  /** Opened by the first plugin that has tables. */
  #plugins: PluginPool | null = null;

  private constructor(
    orm: MikroORM,
    readers: [Reader, Reader],
    transactions: TransactionPool,
    options: DatabaseOptions,
  ) {
    this.#options = options;
    this.#orm = orm;
    [this.#reader, this.#surveyor] = readers;
    this.#transactions = transactions;
  }

  /**
   * Connects as the app role.
   * @throws Error, one sentence, when the server is too old or the role could bypass row-level security.
   */
  static async open(options: DatabaseOptions): Promise<Database> {
    const { appUrl, onError } = options;
    const reader = new Reader(
      { connectionString: appUrl },
      { connections: options.readConnections, onError },
    );
    const surveyor = new Reader(
      { connectionString: appUrl },
      { connections: 1, onError, session: SURVEY_OPTIONS },
    );
    const transactions = new TransactionPool(
      {
        connectionString: appUrl,
        max: options.writeConnections,
        options: SESSION_OPTIONS + (options.relaxedCommits === true ? RELAXED_OPTIONS : ''),
      },
      onError,
    );
    try {
      await refuseUnsafeServer(reader.forNobody());
      const orm = await openOrm(appUrl, options.entities);
      return new Database(orm, [reader, surveyor], transactions, options);
    } catch (error) {
      await Promise.allSettled([reader.close(), transactions.close()]);
      throw error;
    }
  }

  /** Short reads of a tenant; those of one turn of the event loop share one round trip. */
  read(tenantKey: string): Sql {
    return this.#reader.forTenant(tenantKey);
  }

  /** Long looks over all that a tenant has: each by itself, on a connection that nothing else waits for. */
  survey(tenantKey: string): Sql {
    return this.#surveyor.forTenant(tenantKey);
  }

  /** Reads of the tenants' directory, which belongs to no tenant. */
  readDirectory(): Sql {
    return this.#reader.forNobody();
  }

  /** The read that recognises a caller by the hash of the API key presented. */
  readByKeyHash(hash: string): Sql {
    return this.#reader.forKeyHash(hash);
  }

  /**
   * One transaction with the tenant set: retried when PostgreSQL asks for it, rolled back when `work`
   * throws.
   */
  transaction<T>(
    tenantKey: string,
    work: (tx: Transaction) => Promise<T>,
    options?: TransactionOptions,
  ): Promise<T> {
    return this.#transactions.run(tenantKey, work, options);
  }

  /** One MikroORM unit of work with the tenant set, for what is not on a hot path. */
  unitOfWork<T>(tenantKey: string, work: (em: EntityManager) => Promise<T>): Promise<T> {
    return unitOfWork(this.#orm, tenantKey, work);
  }

  /** One transaction on the tables of a plugin, which names without a schema mean: of the tenant's rows alone. */
  inPluginTables<T>(
    scope: PluginScope,
    work: (tx: PluginTransaction) => Promise<T>,
    options?: { readonly dryRun?: boolean },
  ): Promise<T> {
    this.#plugins ??= new PluginPool(this.#options.appUrl, this.#options.onError);
    return this.#plugins.run(scope, work, options);
  }

  /** Waits until all that was committed is on the disk: a commit that waits takes the others along. */
  async harden(tenantKey: string): Promise<void> {
    await this.unitOfWork(tenantKey, async (em) => {
      await em.execute('update tenant_feed set position = position where tenant_id = ?', [tenantKey]);
    });
  }

  /** New connections for the runner of jobs, which closes them. They belong to no tenant. */
  openJobPool(connections: number): JobPool {
    const { appUrl, onError } = this.#options;
    return new JobPool({ connectionString: appUrl, max: connections }, onError);
  }

  /** A connection of its own that listens and notifies; rejects when it can't be had, or is told to stop. */
  openChannel(name: string, listener: ChannelListener, stop: AbortSignal): Promise<Channel> {
    return openChannel(this.#options.appUrl, name, listener, stop);
  }

  /** Why the database can't serve now, in one sentence; null when it can. */
  async unreadiness(): Promise<string | null> {
    try {
      const sql = this.readDirectory();
      const [rows, [jobTables]] = await Promise.all([
        sql.run(selectMigrations, []),
        sql.run(selectJobTables, []),
      ]);
      const applied = new Set(rows.map(({ name }) => name));
      const missing = (await knownMigrations()).filter((name) => !applied.has(name));
      if (jobTables?.isThere !== true) missing.push('the tables of jobs');
      return missing.length === 0 ? null : `Migrations are missing: ${missing.join(', ')}.`;
    } catch {
      return 'The database cannot be reached.';
    }
  }

  async close(): Promise<void> {
    await Promise.allSettled([
      this.#orm.close(true),
      this.#reader.close(),
      this.#surveyor.close(),
      this.#transactions.close(),
      this.#plugins?.close(),
    ]);
  }
}

async function refuseUnsafeServer(sql: Sql): Promise<void> {
  const [[version], [role]] = await Promise.all([sql.run(selectVersion, []), sql.run(selectRole, [])]);
  if (Number(Object.values(version ?? {})[0]) < OLDEST_SERVER) {
    throw new Error('The PostgreSQL server is older than 15: use 15 or newer.');
  }
  if (role?.bypasses === true) {
    throw new Error(
      `The database role "${role.name}" can bypass row-level security: give DATABASE_URL a role that is neither ` +
        'superuser nor BYPASSRLS.',
    );
  }
  if (role?.owns === true) {
    throw new Error(
      `The database role "${role.name}" owns tables: give DATABASE_URL the app role, and the owner's to ` +
        'DATABASE_ADMIN_URL alone.',
    );
  }
}
