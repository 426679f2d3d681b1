import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, readSource, type SyntaxNode, syntaxNodes, typescriptFiles } from './sources.ts';

/** What the folders of src are, and the two files that may know all of them. */
const ROOMS = [
  'cli',
  'boot',
  'compose.ts',
  'composition',
  'config',
  'domain',
  'events',
  'extension',
  'gateway',
  'jobs',
  'kernel',
  'main.ts',
  'persistence',
  'plugin-host',
  'testing',
];

/** What a file may be to its noun: `member.service.ts`. */
const ROLES = [
  'context',
  'cursors',
  'd',
  'entity',
  'enums',
  'errors',
  'file',
  'inputs',
  'loaders',
  'lookahead',
  'payloads',
  'policy',
  'repository',
  'resolver',
  'schema',
  'service',
  'snapshot',
  'spec',
  'types',
];

const LINE_WIDTH = 110;

const shipped = typescriptFiles('src', 'plugins').filter((path) => !path.endsWith('.spec.ts'));
const everything = typescriptFiles('src', 'plugins', 'test', 'bench');

describe('the house', () => {
  it('has the rooms that the design names', () => {
    expect(readdirSync(join(ROOT, 'src')).filter((name) => !ROOMS.includes(name))).toEqual([]);
  });

  it('says of each file what it is to its noun, in one of the agreed words', () => {
    const strangers = everything.filter((path) => {
      const [, ...roles] = (path.split('/').at(-1) ?? '').replace(/\.ts$/, '').split('.');
      return roles.some((role) => !ROLES.includes(role));
    });
    expect(strangers).toEqual([]);
  });

  it('keeps each plugin with its manual', () => {
    const entries = readdirSync(join(ROOT, 'plugins'), { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory());
    const missing = folders.flatMap(({ name }) =>
      ['plugin.ts', 'README.md']
        .map((file) => join('plugins', name, file))
        .filter((path) => !existsSync(join(ROOT, path))),
    );
    expect(missing).toEqual([]);
  });

  it('records each decision with its context and consequences, numbered without a gap', () => {
    const folder = 'docs/decisions';
    const records = readdirSync(join(ROOT, folder)).sort();
    const numbers = records.map((name) => /^(\d{4})-[a-z0-9-]+\.md$/.exec(name)?.[1]);
    expect(numbers).toEqual(records.map((_name, index) => String(index + 1).padStart(4, '0')));
    for (const name of records) {
      const lines = readSource(join(folder, name)).matchAll(/^## (.+)$/gm);
      const headings = [...lines].map(([, heading]) => heading);
      expect([name, headings]).toEqual([
        name,
        expect.arrayContaining(['Context', 'Decision', 'Consequences']),
      ]);
    }
  });
});

describe('habits that no linter holds', () => {
  // The formatter breaks code; it leaves comments, long strings and addresses alone.
  it(`keeps comments within ${LINE_WIDTH} columns`, () => {
    const wide = everything.flatMap((path) =>
      readSource(path)
        .split('\n')
        .flatMap((line, index) =>
          line.length > LINE_WIDTH && !/['"`]|:\/\//.test(line) ? [`${path}:${index + 1}`] : [],
        ),
    );
    expect(wide).toEqual([]);
  });

  it('ends the process in main.ts and commands only: elsewhere work in flight would be lost', () => {
    const elsewhere = shipped.filter((path) => !/^src\/(main\.ts$|cli\/)/.test(path));
    expect(elsewhere.filter((path) => syntaxNodes(readSource(path)).some(endsProcess))).toEqual([]);
  });

  it('never asks a clock in the domain: business time is the database’s, and is passed in', () => {
    const domain = shipped.filter((path) => path.startsWith('src/domain/'));
    expect(domain.filter((path) => syntaxNodes(readSource(path)).some(asksClock))).toEqual([]);
  });

  it('imports a path made at run time only where plugins are loaded', () => {
    const elsewhere = shipped.filter((path) => !path.startsWith('src/plugin-host/'));
    expect(elsewhere.filter((path) => syntaxNodes(readSource(path)).some(importsComputed))).toEqual([]);
  });

  it.each([
    [endsProcess, 'process.exit(1)', 'process.exitCode = 1'],
    [endsProcess, 'const { exit } = process;', 'const { env } = process;'],
    [endsProcess, 'setTimeout(process.exit, 1)', 'server.exit()'],
    [asksClock, 'Date.now()', 'Date.UTC(2026, 1)'],
    [asksClock, 'new Date()', 'new Date(at)'],
    [asksClock, 'performance.now()', 'clock.now()'],
    [importsComputed, 'import(path)', "import('./x.ts')"],
  ])('%p finds %s, not %s', (habit, bad, good) => {
    expect(syntaxNodes(bad).some(habit)).toBe(true);
    expect(syntaxNodes(good).some(habit)).toBe(false);
  });
});

describe('the packages', () => {
  const manifest = JSON.parse(readSource('package.json')) as Record<string, Record<string, string>>;

  it('are pinned to one version each, so that two installs are the same', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.overrides };
    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual(
      [],
    );
  });

  it('come from whichever registry the installer uses', () => {
    expect(readSource('package-lock.json')).not.toMatch(/"resolved": "https?:/);
  });
});

function isMember(node: SyntaxNode, object: string, property: string): boolean {
  return (
    node.type === 'MemberExpression' && node.object?.value === object && node.property?.value === property
  );
}

function endsProcess(node: SyntaxNode): boolean {
  if (['exit', 'reallyExit', 'abort'].some((name) => isMember(node, 'process', name))) return true;
  const taken =
    node.type === 'VariableDeclarator' && node.init?.value === 'process' ? node.id?.properties : [];
  return taken?.some(({ key }) => key?.value === 'exit') ?? false;
}

function asksClock(node: SyntaxNode): boolean {
  if (isMember(node, 'Date', 'now') || isMember(node, 'performance', 'now')) return true;
  return node.type === 'NewExpression' && node.callee?.value === 'Date' && !node.arguments?.length;
}

function importsComputed(node: SyntaxNode): boolean {
  if (node.type !== 'CallExpression' || node.callee?.type !== 'Import') return false;
  return node.arguments?.[0]?.expression.type !== 'StringLiteral';
}
