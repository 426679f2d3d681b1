import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './sources.ts';
import {
  find,
  functionBody,
  type SqlStatement,
  statementsOf,
  strings,
  type Tree,
  withoutPlaces,
} from './sql-tree.ts';
import { lintTenancy } from './statement-lint.ts';

export interface SqlFile {
  name: string;
  text: string;
}

interface Table {
  primaryKey: string[] | undefined;
  isPartition: boolean;
  enabled: boolean;
  forced: boolean;
  ownTenantOnly: boolean;
}

const TENANT = "nullif(current_setting('app.tenant_id', true), '')::uuid";
const TENANT_ONLY = `tenant_id = ${TENANT}`;
/** The same, looked up once a statement. */
const TENANT_ONLY_ONCE = `tenant_id = (select ${TENANT})`;
const FILE_NAME = /^(\d{4})_[a-z0-9_]+\.sql$/;

/** Files of migrations/ that are no migrations. */
const OTHER_FILES: Record<string, string> = {
  'grants.sql': 'Run after every migration: what the app role may do.',
};

/** What nobody can take back, or what data that is distributed by tenant_id cannot have. */
const REFUSED: Record<string, string> = {
  CreateTrigStmt: 'a trigger: what is written is said by the statement that writes it',
  CreateEventTrigStmt: 'an event trigger',
  RuleStmt: 'a rewrite rule',
  DoStmt: 'a DO block: what it does cannot be read here, so write the statements out',
  CreateTableAsStmt: 'a table or materialized view made by a query: it has no keys and no row security',
  TransactionStmt: 'a transaction of its own: the migrator holds one',
};

/**
 * Reads the migrations in order and answers what breaks the rules of DESIGN's tenancy and distribution: one
 * sentence a problem, none for a clean set.
 */
export function lintMigrations(files: SqlFile[]): string[] {
  const schema = new Schema();
  for (const file of files) schema.read(file);
  return [...lintNumbers(files), ...schema.problems, ...schema.lintTables()];
}

/** The names of the tables and views that the migrations leave behind. */
export function relationsOf(files: SqlFile[]): string[] {
  const schema = new Schema();
  for (const file of files) schema.read(file);
  return [...schema.tables.keys(), ...schema.views];
}

/** The project's migrations, oldest first. */
export function readMigrations(): SqlFile[] {
  const folder = join(ROOT, 'migrations');
  const names = readdirSync(folder).filter((name) => !(name in OTHER_FILES));
  return names.sort().map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));
}

function lintNumbers(files: SqlFile[]): string[] {
  return files.flatMap(({ name }, index) => {
    const [, digits] = FILE_NAME.exec(name) ?? [];
    if (digits === undefined) return [`${name}: not named NNNN_what_it_does.sql`];
    const wanted = String(index + 1).padStart(4, '0');
    const problems = digits === wanted ? [] : [`${name}: its number should be ${wanted}`];
    return /(^|_)(down|undo|revert|rollback)(_|\.)/.test(name)
      ? [...problems, `${name}: migrations only go forward`]
      : problems;
  });
}

class Schema {
  readonly tables = new Map<string, Table>();
  readonly views = new Set<string>();
  readonly problems: string[] = [];
  readonly #functions: { name: string; trees: unknown[] }[] = [];

  read({ name, text }: SqlFile): void {
    for (const statement of statementsOf(text)) {
      const { kind, node } = statement;
      const refused = REFUSED[kind];
      if (refused !== undefined) this.problems.push(`${name}: ${refused}`);
      if (kind === 'CreateStmt') this.#createTable(node);
      if (kind === 'AlterTableStmt') this.#alterTable(node);
      if (kind === 'IndexStmt' && node.unique === true) this.#checkUnique(relation(node), indexColumns(node));
      if (kind === 'CreatePolicyStmt') this.#createPolicy(node);
      if (kind === 'AlterPolicyStmt') this.#alterPolicy(node);
      if (kind === 'CreateFunctionStmt') this.#createFunction(statement);
      if (kind === 'ViewStmt') this.#createView(node);
      if (kind === 'DropStmt' && node.removeType === 'OBJECT_TABLE') this.#dropTables(node);
      if (kind === 'DropStmt' && node.removeType === 'OBJECT_VIEW') this.#dropViews(node);
      if (kind === 'DropStmt' && node.removeType === 'OBJECT_POLICY') this.#dropPolicies(node);
      if (kind === 'RenameStmt' && node.renameType === 'OBJECT_TABLE') this.#renameTable(node);
    }
  }

  /** What is said of the tables and functions that remain after the last migration. */
  lintTables(): string[] {
    const problems = [...this.tables].flatMap(([name, table]) => [
      ...(table.isPartition || table.primaryKey?.[0] === 'tenant_id'
        ? []
        : [
            `table ${name}: its primary key (${table.primaryKey?.join(', ') ?? 'none'}) does not begin with tenant_id`,
          ]),
      ...(table.enabled ? [] : [`table ${name}: row security is not enabled`]),
      ...(table.forced ? [] : [`table ${name}: row security is not forced, so its owner sees every tenant`]),
      ...(table.ownTenantOnly ? [] : [`table ${name}: no policy for all commands says ${TENANT_ONLY}`]),
    ]);
    const known = new Set([...this.tables.keys(), ...this.views]);
    const inFunctions = this.#functions.flatMap(({ name, trees }) =>
      trees.flatMap((tree) => lintTenancy(tree, known).map((problem) => `function ${name}: ${problem}`)),
    );
    return [...problems, ...inFunctions];
  }

  #createTable(node: Tree): void {
    const name = relation(node);
    const isPartition = node.partbound !== undefined;
    this.tables.set(name, {
      primaryKey: undefined,
      isPartition,
      enabled: false,
      forced: false,
      ownTenantOnly: false,
    });
    for (const column of find(node.tableElts, 'ColumnDef')) this.#columnConstraints(name, column);
    for (const element of asList(node.tableElts)) {
      if (element.Constraint !== undefined) this.#constraint(name, element.Constraint as Tree);
    }
  }

  #alterTable(node: Tree): void {
    const name = relation(node);
    const table = this.tables.get(name);
    for (const command of find(node.cmds, 'AlterTableCmd')) {
      const { subtype, def } = command;
      if (table !== undefined && subtype === 'AT_EnableRowSecurity') table.enabled = true;
      if (table !== undefined && subtype === 'AT_DisableRowSecurity') table.enabled = false;
      if (table !== undefined && subtype === 'AT_ForceRowSecurity') table.forced = true;
      if (table !== undefined && subtype === 'AT_NoForceRowSecurity') table.forced = false;
      for (const column of find(def, 'ColumnDef')) this.#columnConstraints(name, column);
      if (subtype === 'AT_AddConstraint') this.#constraint(name, (def as Tree).Constraint as Tree);
    }
  }

  #columnConstraints(table: string, column: Tree): void {
    for (const constraint of find(column.constraints, 'Constraint')) {
      this.#constraint(table, { ...constraint, keys: undefined }, [String(column.colname)]);
    }
  }

  #constraint(table: string, node: Tree, ownColumn?: string[]): void {
    const columns = ownColumn ?? strings(node.keys ?? node.fk_attrs);
    const { contype } = node;
    const known = this.tables.get(table);
    if (contype === 'CONSTR_PRIMARY' && known !== undefined) known.primaryKey = columns;
    if (contype === 'CONSTR_UNIQUE' && node.indexname === undefined) this.#checkUnique(table, columns);
    if (contype === 'CONSTR_FOREIGN') this.#checkForeign(table, columns, strings(node.pk_attrs));
    if (contype === 'CONSTR_EXCLUSION') this.problems.push(`table ${table}: an exclusion constraint`);
    if (
      node.deferrable === true ||
      contype === 'CONSTR_ATTR_DEFERRABLE' ||
      contype === 'CONSTR_ATTR_DEFERRED'
    ) {
      this.problems.push(`table ${table}: a deferrable constraint (${columns.join(', ')})`);
    }
  }

  #checkUnique(table: string, columns: string[]): void {
    if (columns[0] === 'tenant_id') return;
    this.problems.push(`table ${table}: unique (${columns.join(', ')}) does not begin with tenant_id`);
  }

  #checkForeign(table: string, columns: string[], target: string[]): void {
    if (columns[0] === 'tenant_id' && (target[0] ?? 'tenant_id') === 'tenant_id') return;
    this.problems.push(`table ${table}: foreign key (${columns.join(', ')}) does not begin with tenant_id`);
  }

  #createPolicy(node: Tree): void {
    const name = relation(node);
    const table = this.tables.get(name);
    const forAll = node.cmd_name === 'all' && node.permissive === true;
    const open = [node.qual, node.with_check].filter((qual) => qual !== undefined && !isTenantOnly(qual));
    if (forAll && node.qual !== undefined && open.length === 0 && table !== undefined)
      table.ownTenantOnly = true;
    // Permissive policies add up: one that asks for less than the tenant opens the table to others.
    if (node.permissive === true && open.length > 0) {
      this.problems.push(
        `table ${name}: policy ${String(node.policy_name)} lets through more than the own tenant`,
      );
    }
  }

  /** A policy may be said in other words, which have to say the same. */
  #alterPolicy(node: Tree): void {
    const open = [node.qual, node.with_check].some((qual) => qual !== undefined && !isTenantOnly(qual));
    if (!open) return;
    this.problems.push(
      `table ${relation(node)}: policy ${String(node.policy_name)} lets through more than the own tenant`,
    );
  }

  #createFunction(statement: SqlStatement): void {
    const { node } = statement;
    const name = strings(node.funcname).join('.');
    const body = functionBody(statement);
    this.#functions.push({ name, trees: body.trees });
    if (body.dynamic) this.problems.push(`function ${name}: runs SQL that cannot be read here`);
    const definer = find(node.options, 'DefElem').some(
      ({ defname, arg }) => defname === 'security' && find([arg], 'Boolean')[0]?.boolval === true,
    );
    if (definer) this.problems.push(`function ${name}: runs with its owner's rights (security definer)`);
  }

  #createView(node: Tree): void {
    this.views.add(relation(node, 'view'));
    const invoker = find(node.options, 'DefElem').some(
      ({ defname, arg }) => defname === 'security_invoker' && strings([arg])[0] === 'true',
    );
    if (!invoker) this.problems.push(`view ${relation(node, 'view')}: reads with its owner's rights`);
  }

  #dropTables(node: Tree): void {
    for (const object of asList(node.objects)) this.tables.delete(strings([object]).at(-1) ?? '');
  }

  #dropViews(node: Tree): void {
    for (const object of asList(node.objects)) this.views.delete(strings([object]).at(-1) ?? '');
  }

  #dropPolicies(node: Tree): void {
    for (const object of asList(node.objects)) {
      const table = this.tables.get(strings([object]).at(-2) ?? '');
      if (table !== undefined) table.ownTenantOnly = false;
    }
  }

  #renameTable(node: Tree): void {
    const table = this.tables.get(relation(node));
    this.tables.delete(relation(node));
    if (table !== undefined) this.tables.set(String(node.newname), table);
  }
}

function relation(node: Tree, key = node.relation === undefined ? 'table' : 'relation'): string {
  return String((node[key] as Tree).relname);
}

function indexColumns(node: Tree): string[] {
  return find(node.indexParams, 'IndexElem').map(({ name }) => String(name ?? '(expression)'));
}

function asList(value: unknown): Tree[] {
  return Array.isArray(value) ? (value as Tree[]) : [];
}

function isTenantOnly(qual: unknown): boolean {
  const said = JSON.stringify(withoutPlaces(qual));
  return [TENANT_ONLY, TENANT_ONLY_ONCE].some((words) => {
    const [target] = find(statementsOf(`select ${words}`)[0]?.node, 'ResTarget');
    return said === JSON.stringify(withoutPlaces(target?.val));
  });
}
