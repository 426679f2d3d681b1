import pg from 'pg';
import { Batch, type Call, rootOf } from './batch.ts';
import { SESSION_OPTIONS } from './session.ts';
import { type Sql, type Statement, statement } from './statement.ts';

const setTenant = statement('tenant.set', `select set_config('app.tenant_id', $1, true)`);
const setKeyHash = statement('api_key.present', `select set_config('app.api_key_hash', $1, true)`);

const MAX_CALLS_PER_BATCH = 24;
/** PostgreSQL's class "connection exception", and a statement that the server doesn't have (any more). */
const RETRIABLE_STATES = /^(08|57P|26000|0A000)/;

interface Scope {
  readonly set: Statement<unknown>;
  readonly value: string;
  calls: Call[];
}

const ignore = (): void => undefined;

/**
 * Short reads of tenants. Calls of the same turn of the event loop and the same tenant travel together:
 * set_config and the statements under one Sync, which is one implicit transaction and one round trip.
 * A few pipelined clients carry everything; what is written in one turn leaves in one packet.
 */
export class Reader {
  readonly #config: pg.ClientConfig;
  readonly #clients: (Promise<pg.Client> | null)[];
  readonly #scopes = new Map<string, Scope>();
  readonly #onError: (error: Error) => void;
  readonly #session: string;
  #next = 0;
  #scheduled = false;
  #closed = false;

  constructor(
    config: pg.ClientConfig,
    options: { connections: number; onError: (error: Error) => void; session?: string },
  ) {
    this.#config = config;
    this.#session = options.session ?? SESSION_OPTIONS;
    this.#clients = Array.from({ length: options.connections }, () => null);
    this.#onError = options.onError;
  }

  /** The reads of one tenant: row-level security shows them its rows alone. */
  forTenant(tenantKey: string): Sql {
    return { run: (stmt, values) => this.#run(setTenant, tenantKey, stmt, values) };
  }

  /** Reads that need no tenant, or run before it is known: they see the directory and nothing else. */
  forNobody(): Sql {
    return { run: (stmt, values) => this.#run(setTenant, '', stmt, values) };
  }

  /** The read that recognises an API key: it sees the row with this hash alone. */
  forKeyHash(hash: string): Sql {
    return { run: (stmt, values) => this.#run(setKeyHash, hash, stmt, values) };
  }

  #run<Row>(
    set: Statement<unknown>,
    value: string,
    stmt: Statement<Row>,
    values: readonly unknown[],
  ): Promise<Row[]> {
    return new Promise<Row[]>((resolve, reject) => {
      // When the server restarts, each connection may be found broken by the same read.
      let retries = this.#clients.length;
      const call: Call = {
        statement: stmt,
        values,
        resolve: resolve as Call['resolve'],
        reject: (error) => {
          retries -= 1;
          if (retries >= 0 && isRetriable(error)) this.#enqueue(set, value, call);
          else reject(rootOf(error));
        },
      };
      this.#enqueue(set, value, call);
    });
  }

  #enqueue(set: Statement<unknown>, value: string, call: Call): void {
    const id = `${set.name}:${value}`;
    const scope = this.#scopes.get(id) ?? { set, value, calls: [] };
    scope.calls.push(call);
    this.#scopes.set(id, scope);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#scheduled = false;
    const scopes = [...this.#scopes.values()];
    this.#scopes.clear();
    for (const { set, value, calls } of scopes) {
      for (let from = 0; from < calls.length; from += MAX_CALLS_PER_BATCH) {
        void this.#send({ set, value, calls: calls.slice(from, from + MAX_CALLS_PER_BATCH) });
      }
    }
  }

  async #send({ set, value, calls }: Scope): Promise<void> {
    const slot = this.#next;
    this.#next = (this.#next + 1) % this.#clients.length;
    try {
      const client = await this.#client(slot);
      const scoping: Call = { statement: set, values: [value], resolve: ignore, reject: ignore };
      // One failing statement fails its batch: its neighbours, maybe another request's, go again alone.
      const alone = calls.length === 1 ? calls : calls.map((call) => this.#loneOnFailure(set, value, call));
      client.query(new Batch([scoping, ...alone]));
    } catch (error) {
      for (const call of calls) call.reject(error);
    }
  }

  #loneOnFailure(set: Statement<unknown>, value: string, call: Call): Call {
    return {
      ...call,
      reject: () => void this.#send({ set, value, calls: [call] }),
    };
  }

  #client(slot: number): Promise<pg.Client> {
    const existing = this.#clients[slot];
    if (existing !== null && existing !== undefined) return existing;
    if (this.#closed) return Promise.reject(new Error('The database is closed.'));
    const opened: Promise<pg.Client> = this.#open(() => {
      // The slot may have another client by now, which must be kept: nobody else would ever close it.
      if (this.#clients[slot] === opened) this.#clients[slot] = null;
    });
    this.#clients[slot] = opened;
    return opened;
  }

  async #open(forget: () => void): Promise<pg.Client> {
    const client = new pg.Client({
      ...this.#config,
      pipeline: true,
      options: this.#session,
    } as pg.ClientConfig);
    client.on('error', (error) => {
      forget();
      this.#onError(error);
    });
    client.on('end', forget);
    try {
      await client.connect();
    } catch (error) {
      forget();
      throw error;
    }
    return client;
  }

  async close(): Promise<void> {
    this.#closed = true;
    const open = this.#clients.filter((client) => client !== null);
    this.#clients.fill(null);
    await Promise.allSettled(open.map(async (client) => (await client).end()));
  }
}

/** True unless the server refused the statement itself: a lost connection above all. Reads may run twice. */
function isRetriable(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || RETRIABLE_STATES.test(error.code ?? '');
}
