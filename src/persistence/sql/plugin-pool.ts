import pg from 'pg';
import { inTransaction } from '../in-transaction.ts';
import { valueTypes } from './types.ts';

/** Few, and apart from the product's own: plugins that hang hold up plugins alone. */
const CONNECTIONS = 4;
const WAIT_MS = 5_000;
/** A statement, and the pause between two, of a transaction of a plugin. */
const LIMITS =
  '-c statement_timeout=10000 -c idle_in_transaction_session_timeout=10000 -c jit=off -c timezone=UTC';

/** Whose tables a transaction is about. */
export interface PluginScope {
  readonly tenantKey: string;
  /** The PostgreSQL schema of the plugin's tables. */
  readonly schema: string;
}

/** A transaction on the tables of one plugin, of one tenant. */
export interface PluginTransaction {
  /** Business time. */
  readonly now: Date;
  run<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/** The connections on which plugins work on their own tables. */
export class PluginPool {
  readonly #pool: pg.Pool;

  constructor(appUrl: string, onError: (error: Error) => void) {
    this.#pool = new pg.Pool({
      connectionString: appUrl,
      max: CONNECTIONS,
      options: LIMITS,
      types: valueTypes,
      connectionTimeoutMillis: WAIT_MS,
    });
    this.#pool.on('error', onError);
    this.#pool.on('connect', (client) => client.on('error', onError));
  }

  /** Commits when `work` is done, unless it is a dry run; rolls back when it throws. */
  async run<T>(
    { tenantKey, schema }: PluginScope,
    work: (tx: PluginTransaction) => Promise<T>,
    { dryRun = false }: { readonly dryRun?: boolean } = {},
  ): Promise<T> {
    const client = await this.#pool.connect();
    let isOpen = true;
    let broken: Error | undefined;
    try {
      await client.query('begin');
      await client.query(`select set_config('app.tenant_id', $1, true)`, [tenantKey]);
      const clock = await client.query<{ now: Date }>('select business_time() as now');
      await client.query(`select set_config('search_path', $1, true)`, [schema]);
      const run = async <Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> => {
        // Work that goes on after the end must not reach the connection's next user.
        if (!isOpen) throw new Error('The transaction has ended.');
        // With values a text is one statement alone, so none can end the transaction unseen.
        return (await client.query({ text, values: [...values], queryMode: 'extended' } as pg.QueryConfig))
          .rows as Row[];
      };
      const result = await inTransaction(() =>
        work({ now: clock.rows[0]?.now ?? new Date(Number.NaN), run }),
      );
      isOpen = false;
      await client.query(dryRun ? 'rollback' : 'commit');
      return result;
    } catch (error) {
      isOpen = false;
      await client.query('rollback').catch((failure: Error) => {
        broken = failure;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}
