import { loadModule, parsePlPgSQLSync, parseSync } from 'libpg-query';

/** A node of PostgreSQL's own syntax tree, as plain data. */
export type Tree = { [key: string]: unknown };

// PostgreSQL's parser, compiled to WebAssembly, is there once this module is.
await loadModule();

export interface SqlStatement {
  /** As PostgreSQL calls it: `CreateStmt`. */
  kind: string;
  node: Tree;
  text: string;
}

export function statementsOf(sql: string): SqlStatement[] {
  const bytes = Buffer.from(sql);
  const { stmts = [] } = parseSync(sql);
  return stmts.flatMap(({ stmt, stmt_location: start = 0, stmt_len: length }) => {
    const text = bytes.subarray(start, length === undefined ? undefined : start + length).toString();
    return Object.entries(stmt ?? {}).map(([kind, node]) => ({ kind, node: node as Tree, text }));
  });
}

/** Every node of one kind below `tree`, itself included if it is held under that kind's name. */
export function find(tree: unknown, kind: string): Tree[] {
  const found: Tree[] = [];
  walk(tree, (key, node) => {
    if (key === kind) found.push(node);
  });
  return found;
}

/** Visits each node below `tree`; a visitor that answers false is not taken further down. */
export function walk(tree: unknown, visit: (key: string, node: Tree) => unknown): void {
  if (tree === null || typeof tree !== 'object') return;
  for (const [key, value] of Object.entries(tree)) {
    if (value === null || typeof value !== 'object') continue;
    if (Array.isArray(value) || visit(key, value as Tree) !== false) walk(value, visit);
  }
}

/** What a list of String nodes says. */
export function strings(list: unknown): string[] {
  return find(list, 'String').map(({ sval }) => String(sval));
}

/** Two trees of the same SQL are equal but for the places where it was written. */
export function withoutPlaces(tree: unknown): unknown {
  return JSON.parse(JSON.stringify(tree, (key, value) => (/location|_len$/.test(key) ? undefined : value)));
}

/** What a function runs: its SQL, whether in one piece or in the pieces of a PL/pgSQL body. */
export interface FunctionBody {
  trees: unknown[];
  /** Whether some of its SQL is put together when it runs, where no lint can read it. */
  dynamic: boolean;
}

/** The body of a `create function` statement. */
export function functionBody({ node, text }: SqlStatement): FunctionBody {
  if (node.sql_body !== undefined) return { trees: [node.sql_body], dynamic: false };
  const options = Object.fromEntries(
    find(node.options, 'DefElem').map(({ defname, arg }) => [String(defname), strings([arg])[0] ?? '']),
  );
  const { language, as = '' } = options;
  if (language === 'sql') return { trees: [parseSync(as)], dynamic: false };
  if (language !== 'plpgsql') return { trees: [], dynamic: true };
  const body = parsePlPgSQLSync(text) as unknown;
  return {
    trees: find(body, 'PLpgSQL_expr').map(({ query, parseMode }) => parseSync(asStatement(query, parseMode))),
    dynamic: find(body, 'PLpgSQL_stmt_dynexecute').length > 0,
  };
}

// PostgreSQL parses a PL/pgSQL fragment as a statement (0), an expression (2) or an assignment (3 and up).
function asStatement(query: unknown, parseMode: unknown): string {
  const text = String(query);
  if (parseMode === 2) return `select ${text}`;
  if (typeof parseMode === 'number' && parseMode > 2) return `select ${text.replace(/^.*?:?=/s, '')}`;
  return text;
}
