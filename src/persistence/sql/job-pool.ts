import pg from 'pg';
import type { Sql, Statement } from './statement.ts';

/**
 * The connections of the runner of jobs, as the app role. No tenant is set on them, so row-level security
 * shows them no tenant's rows: they are for the tables of jobs alone.
 */
export class JobPool implements Sql {
  readonly pool: pg.Pool;

  constructor(config: pg.PoolConfig, onError: (error: Error) => void) {
    this.pool = new pg.Pool(config);
    this.pool.on('error', onError);
    // The pool listens to idle connections alone, and an error that nobody hears ends the process.
    this.pool.on('connect', (client) => client.on('error', onError));
  }

  async run<Row>({ name, text }: Statement<Row>, values: readonly unknown[]): Promise<Row[]> {
    const { rows } = await this.pool.query({ name, text, values: [...values] });
    return rows as Row[];
  }

  async close(): Promise<void> {
    await this.pool.end();
  }
}
