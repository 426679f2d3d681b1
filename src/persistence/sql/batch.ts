import pg from 'pg';
import { serialize } from 'pg-protocol';
import { toParameter } from './parameters.ts';
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
  /** Whether the server has run it, so that it need not be sent again. */
  isKnown: boolean;
}

/** What a connection is known to have prepared, by the names of the statements. */
type Prepared = Map<string, Parsed>;

/** The wire protocol of a `pg` connection, as far as it is used here. */
interface Wire {
  readonly stream: { readonly writable: boolean; write(packet: Buffer): unknown };
}

/** Why a statement has no answer: one before it, in the same round trip, failed. */
export class SkippedStatement extends Error {
  constructor(cause: unknown) {
    super('A statement before this one failed.', { cause });
    this.name = 'SkippedStatement';
  }
}

/** Why a statement failed in the end: for a skipped one, what happened to the one before it. */
export function rootOf(error: unknown): unknown {
  return error instanceof SkippedStatement ? error.cause : error;
}

interface RowDescription {
  readonly fields: readonly { name: string; dataTypeID: number; format: string }[];
}

const preparedBy = new WeakMap<Wire, Prepared>();

function preparedOn(wire: Wire): Prepared {
  let prepared = preparedBy.get(wire);
  if (prepared === undefined) {
    prepared = new Map();
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
  #prepared: Prepared = new Map();
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
    const sent: Prepared = new Map();
    this.#prepared = prepared;
    // One buffer, because the system is asked once: many small writes cost more than all of our own work.
    const messages: Buffer[] = [];
    for (const { statement, values } of this.#calls) {
      const { name, text, arrays } = statement;
      let parsed = prepared.get(name) ?? sent.get(name);
      if (parsed === undefined) {
        parsed = { columns: [], isKnown: false };
        sent.set(name, parsed);
        // Batches before this one may have sent it, and nobody knows yet whether the server got that far.
        const [close, parse] = [
          serialize.close({ type: 'S', name }),
          serialize.parse({ name, text, types: [] }),
        ];
        messages.push(close, parse, serialize.describe({ type: 'S', name }));
      }
      this.#parsed.push(parsed);
      const valueMapper = (value: unknown, index: number): unknown => toParameter(value, arrays?.[index]);
      const bound = { statement: name, values: values as unknown[], valueMapper };
      messages.push(serialize.bind(bound), serialize.execute({ portal: '' }));
    }
    messages.push(serialize.sync());
    if (wire.stream.writable) wire.stream.write(Buffer.concat(messages));
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
    const parsed = this.#parsed[this.#results.length];
    const call = this.#calls[this.#results.length];
    if (parsed?.isKnown === false && call !== undefined) {
      parsed.isKnown = true;
      this.#prepared.set(call.statement.name, parsed);
    }
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
      if (index === failing) this.#prepared.delete(call.statement.name);
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
