import { arraysIn, type ElementType } from './binary-arrays.ts';

/** A named SQL statement: prepared once a connection under its name, so one name has one text. */
export interface Statement<Row> {
  readonly name: string;
  readonly text: string;
  /** Its parameters that are arrays and go in binary, by their places from 0. */
  readonly arrays?: readonly (ElementType | null)[];
  /** Only for the type checker: the shape of a row. */
  readonly row?: Row;
}

const texts = new Map<string, string>();

/** Declares a statement. Names are unique in the process; the text never holds a value, only $1, $2… */
export function statement<Row>(name: string, text: string): Statement<Row> {
  if (texts.has(name))
    throw new Error(`The SQL statement "${name}" is declared twice: give one another name.`);
  texts.set(name, text);
  return { name, text, arrays: arraysIn(text) };
}

/** What repositories run their statements on: a tenant's reads, or a transaction. */
export interface Sql {
  run<Row>(statement: Statement<Row>, values: readonly unknown[]): Promise<Row[]>;
}
