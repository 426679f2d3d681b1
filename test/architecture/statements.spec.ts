import { readMigrations, relationsOf } from './migration-lint.ts';
import { readSource, type SyntaxNode, syntaxNodes, typescriptFiles } from './sources.ts';
import { statementsOf } from './sql-tree.ts';
import { lintTenancy } from './statement-lint.ts';

/** Tables that hold no tenant's data and are copied to every node. */
const REFERENCE_TABLES = ['tenant_directory'];

/** Statements that touch a table without its tenant_id, each with its reason. */
const EXEMPT: Record<string, string> = {
  'api_key.by_hash: select api_key without its tenant_id':
    'It finds the tenant of a key; the policy `presented` shows no other row.',
};

/** What `execute` of others than a database takes: written out there, neither can be a statement. */
const NO_TEXTS = ['ObjectExpression', 'ArrowFunctionExpression'];

interface DeclaredStatement {
  name: string;
  /** Undefined where it is put together when the program runs. */
  text: string | undefined;
}

/** The calls `statement('name', 'text')` and `em.execute('text')` of a TypeScript text. */
function declaredStatements(source: string): DeclaredStatement[] {
  const nodes = syntaxNodes(source);
  const constants = new Map<string, SyntaxNode>();
  for (const { type, id, init } of nodes) {
    if (type === 'VariableDeclarator' && id?.value !== undefined && init) constants.set(id.value, init);
  }
  const calls = nodes.filter(({ type }) => type === 'CallExpression');
  return calls.flatMap(({ callee, arguments: given }) => {
    const [first, second] = (given ?? []).map(({ expression }) => literal(expression, constants));
    if (callee?.value === 'statement') return [{ name: first ?? '(computed name)', text: second }];
    // MikroORM writes a parameter as a question mark.
    const kind = given?.[0]?.expression.type ?? '';
    const sends = callee?.property?.value === 'execute' && !NO_TEXTS.includes(kind);
    if (sends) return [{ name: 'execute', text: first?.replaceAll('?', '$1') }];
    return [];
  });
}

/** What a string, a template of strings or a constant of the same file says. */
function literal(node: SyntaxNode | undefined, constants: Map<string, SyntaxNode>): string | undefined {
  if (node?.type === 'StringLiteral') return node.value;
  if (node?.type === 'Identifier') return literal(constants.get(node.value ?? ''), constants);
  if (node?.type !== 'TemplateLiteral') return undefined;
  const holes = (node.expressions ?? []).map((hole) => literal(hole, constants));
  if (holes.includes(undefined)) return undefined;
  return (node.quasis ?? []).map(({ cooked }, index) => cooked + (holes[index] ?? '')).join('');
}

function lintStatements(source: string, tables: ReadonlySet<string>): string[] {
  return declaredStatements(source).flatMap(({ name, text }) => {
    if (text === undefined) return [`${name}: its text is put together when the program runs`];
    const problems = statementsOf(text).flatMap(({ kind, node }) => lintTenancy({ [kind]: node }, tables));
    return problems.map((problem) => `${name}: ${problem}`);
  });
}

describe('the lint over statements', () => {
  const tables = new Set(['lot', 'ledger']);

  it.each([
    ['select * from lot where lot_id = $1', ['s: select lot without its tenant_id']],
    ['select * from lot l where l.tenant_id = $1', []],
    ['select * from lot join ledger using (tenant_id, ledger_id) where tenant_id = $1', []],
    [
      'select * from lot l join ledger g on g.ledger_id = l.ledger_id where l.tenant_id = $1',
      ['s: select ledger without its tenant_id'],
    ],
    [
      'select (select count(*) from lot where ledger_id = g.ledger_id) from ledger g where tenant_id = $1',
      ['s: select lot without its tenant_id'],
    ],
    ['with lot as (select 1) select * from ledger where (tenant_id, ledger_id) = ($1, $2)', []],
    ['update lot set held = 0 where lot_id = $1', ['s: update lot without its tenant_id']],
    ['delete from lot using ledger where lot.tenant_id = $1', ['s: delete ledger without its tenant_id']],
    ['insert into lot (lot_id) values ($1)', ['s: insert into lot without its tenant_id']],
    ['insert into lot (tenant_id, lot_id) values ($1, $2)', []],
    [
      'insert into lot (tenant_id) values ($1) on conflict do update set lot_id = gen_random_uuid()',
      ['s: gen_random_uuid() in an update, which each node would compute anew'],
    ],
    ['select * from elsewhere', []],
  ])('%s', (text, problems) => {
    expect(lintStatements(`const x = statement<Row>('s', \`${text}\`);`, tables)).toEqual(problems);
  });

  it('reads constants of the same file, and refuses what it cannot read', () => {
    const source = `
      const TABLE = 'lot';
      statement('a', \`select 1 from \${TABLE}\`);
      statement('b', \`select 1 from \${table()}\`);
      em.execute('update ledger set version = ?', [1]);
      em.execute(text);
      graphql.execute({ document });
      breaker.execute(() => send());`;
    expect(lintStatements(source, tables)).toEqual([
      'a: select lot without its tenant_id',
      'b: its text is put together when the program runs',
      'execute: update ledger without its tenant_id',
      'execute: its text is put together when the program runs',
    ]);
  });
});

describe('the statements of the source', () => {
  const tables = new Set(relationsOf(readMigrations()));
  for (const name of REFERENCE_TABLES) tables.delete(name);

  it('pin every table to a tenant but those exempted here, and each exemption is still needed', () => {
    const sources = typescriptFiles('src', 'plugins').filter((path) => !path.endsWith('.spec.ts'));
    const problems = sources.flatMap((path) => lintStatements(readSource(path), tables));
    expect(problems.sort()).toEqual(Object.keys(EXEMPT).sort());
  });
});
