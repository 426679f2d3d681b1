import { find, strings, type Tree, walk } from './sql-tree.ts';

const VOLATILE = new Set([
  'clock_timestamp',
  'timeofday',
  'random',
  'random_normal',
  'gen_random_uuid',
  'uuidv4',
  'uuidv7',
  'nextval',
  'setval',
]);

const QUERIES = ['SelectStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt'];

/**
 * What statements break that must run on data distributed by tenant_id: each table they touch is pinned to a
 * tenant in the same statement, and an UPDATE computes the same on every node.
 */
export function lintTenancy(tree: unknown, tables: ReadonlySet<string>): string[] {
  const problems: string[] = [];
  for (const kind of QUERIES) {
    for (const query of find(tree, kind)) {
      for (const name of unpinned(query, tables))
        problems.push(`${verb(kind)} ${name} without its tenant_id`);
    }
  }
  for (const insert of find(tree, 'InsertStmt')) {
    const { relname } = insert.relation as Tree;
    const columns = find(insert.cols, 'ResTarget').map(({ name }) => name);
    if (tables.has(String(relname)) && !columns.includes('tenant_id')) {
      problems.push(`insert into ${String(relname)} without its tenant_id`);
    }
  }
  for (const update of [
    ...find(tree, 'UpdateStmt'),
    ...find(tree, 'OnConflictClause'),
    ...find(tree, 'onConflictClause'),
  ]) {
    for (const call of find(update, 'FuncCall')) {
      const name = strings(call.funcname).at(-1) ?? '';
      if (VOLATILE.has(name)) problems.push(`${name}() in an update, which each node would compute anew`);
    }
  }
  return problems;
}

function verb(kind: string): string {
  return kind.replace('Stmt', '').toLowerCase();
}

/** The tables that a query names itself (not those of its sub-queries) and does not compare by tenant_id. */
function unpinned(query: Tree, tables: ReadonlySet<string>): string[] {
  const named: { name: string; alias: string }[] = [];
  const pinned = new Set<string>();
  const sources = [query.fromClause, query.usingClause, query.sourceRelation];
  if (query.relation !== undefined) sources.push([{ RangeVar: query.relation }]);
  walkOwn(sources, (key, node) => {
    if (key === 'RangeVar') {
      const name = String(node.relname);
      const alias = String((node.alias as Tree | undefined)?.aliasname ?? name);
      if (tables.has(name) && node.schemaname === undefined) named.push({ name, alias });
    }
    if (key === 'JoinExpr' && strings(node.usingClause).includes('tenant_id')) pinned.add('*');
  });
  walkOwn([query.whereClause, query.joinCondition, sources], (key, node) => {
    if (key !== 'ColumnRef') return;
    const path = strings(node.fields);
    if (path.at(-1) === 'tenant_id') pinned.add(path.length > 1 ? String(path.at(-2)) : '*');
  });
  return named.filter(({ alias }) => !pinned.has('*') && !pinned.has(alias)).map(({ name }) => name);
}

function walkOwn(tree: unknown, visit: (key: string, node: Tree) => void): void {
  walk(tree, (key, node) => {
    if (QUERIES.includes(key)) return false;
    visit(key, node);
    return true;
  });
}
