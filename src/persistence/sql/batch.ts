import pg from 'pg';
import utils from 'pg/lib/utils.js';
import type { Statement } from './statement.ts';
import { valueTypes } from './types.ts';

/** One statement of a batch, with whoever waits for its rows. */
export interface Call {
  readonly statement: Statement<unknown>;
  readonly values: readonly unknown[];
  resolve(rows: unknown[]): void;
  reject(error: unknown): void;
}

interface Column {
  readonly name: string;
  readonly parse: (text: string) => unknown;
}

/** One Parse of a statement on a connection; its columns are known once its description has arrived. */
interface Parsed {
  columns: readonly Column[];
}

/** What a connection has prepared, by the names of the statements. */
interface Prepared {
  readonly statements: Map<string, Parsed>;
  /** Sent in a batch that failed: prepared or not, nobody knows, so they are closed before they are sent again. */
  readonly doubtful: Set<string>;
}

/** The wire protocol of a `pg` connection, as far as it is used here. */
interface Wire {
  readonly stream: { cork?(): void; uncork?(): void };
  parse(message: { name: string; text: string; types?: number[] }): void;
  bind(message: { statement: string; values: unknown[]; valueMapper: (value: unknown) => unknown }): void;
  describe(message: { type: 'S'; name: string }): void;
  execute(message: { portal: string }): void;
  close(message: { type: 'S'; name: string }): void;
  sync(): void;
}

/** Why a statement has no answer: one before it, in the same round trip, failed. */
export class SkippedStatement extends Error {
  constructor(cause: unknown) {
    super('A statement before this one failed.', { cause });
    this.name = 'SkippedStatement';
  }
}

interface RowDescription {
  readonly fields: readonly { name: string; dataTypeID: number; format: string }[];
}

const preparedBy = new WeakMap<Wire, Prepared>();

function preparedOn(wire: Wire): Prepared {
  let prepared = preparedBy.get(wire);
  if (prepared === undefined) {
    prepared = { statements: new Map(), doubtful: new Set() };
    preparedBy.set(wire, prepared);
  }
  return prepared;
}

/**
 * Several prepared statements under one Sync: one write, one round trip and, outside an explicit
 * transaction, one implicit transaction, which all succeed or all fail. It is a subclass of pg.Query
 * because a pipelined `pg` client takes no other.
 */
export class Batch extends pg.Query {
  readonly #calls: readonly Call[];
  readonly #results: unknown[][] = [];
  /** What each call runs: that Parse, even if the statement is parsed anew while this batch is on its way. */
  readonly #parsed: Parsed[] = [];
  #wire: Wire | null = null;
  #rows: unknown[] = [];
  #failure: unknown = null;

  constructor(calls: readonly Call[]) {
    super({ text: 'batch', queryMode: 'extended' } as pg.QueryConfig);
    this.#calls = calls;
  }

  /** Called by `pg` when it is this batch's turn on the wire. */
  prepare(connection: unknown): void {
    const wire = connection as Wire;
    const prepared = preparedOn(wire);
    this.#wire = wire;
    for (const { statement, values } of this.#calls) {
      if (prepared.doubtful.delete(statement.name)) {
        wire.close({ type: 'S', name: statement.name });
        prepared.statements.delete(statement.name);
      }
      let parsed = prepared.statements.get(statement.name);
      if (parsed === undefined) {
        parsed = { columns: [] };
        prepared.statements.set(statement.name, parsed);
        wire.parse({ name: statement.name, text: statement.text });
        // Before the values are bound: if they are wrong, the statement is prepared, and others rely on it.
        wire.describe({ type: 'S', name: statement.name });
      }
      this.#parsed.push(parsed);
      wire.bind({ statement: statement.name, values: values as unknown[], valueMapper: utils.prepareValue });
      wire.execute({ portal: '' });
    }
    wire.sync();
  }

  handleRowDescription(message: RowDescription): void {
    const parsed = this.#parsed[this.#results.length];
    if (parsed === undefined) return;
    parsed.columns = message.fields.map(({ name, dataTypeID }) => ({
      name,
      parse: valueTypes.getTypeParser(dataTypeID, 'text') as (text: string) => unknown,
    }));
  }

  handleDataRow(message: { fields: readonly (string | null)[] }): void {
    const row: Record<string, unknown> = {};
    const columns = this.#parsed[this.#results.length]?.columns ?? [];
    for (let index = 0; index < columns.length; index += 1) {
      const column = columns[index];
      const text = message.fields[index];
      if (column !== undefined)
        row[column.name] = text === null || text === undefined ? null : column.parse(text);
    }
    this.#rows.push(row);
  }

  handleCommandComplete(): void {
    this.#results.push(this.#rows);
    this.#rows = [];
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete();
  }

  /** What came before the failing statement was done and answered; what comes behind it never ran. */
  handleError(error: unknown): void {
    this.#failure = error;
    const failing = this.#results.length;
    this.#calls.forEach((call, index) => {
      if (this.#wire !== null) preparedOn(this.#wire).doubtful.add(call.statement.name);
      if (index < failing) call.resolve(this.#results[index] ?? []);
      else call.reject(index === failing ? error : new SkippedStatement(error));
    });
  }

  handleReadyForQuery(): void {
    if (this.#failure !== null) return;
    this.#calls.forEach((call, index) => {
      call.resolve(this.#results[index] ?? []);
    });
  }
}
