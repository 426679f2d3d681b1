import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { withTree } from './cruise.ts';
import { ROOT, readSource } from './sources.ts';

const LONG_FUNCTION = `export function long(): void {\n${'  void 0;\n'.repeat(71)}}\n`;

/** Our own rules beyond what the linter recommends: a file that breaks each, and its name. */
const BROKEN: [file: string, text: string, rule: string][] = [
  ['src/a.ts', 'export const a: any = 1;\n', 'noExplicitAny'],
  ['src/b.ts', 'export const b = (x?: string) => x!;\n', 'noNonNullAssertion'],
  ['src/c.ts', LONG_FUNCTION, 'noExcessiveLinesPerFunction'],
  ['src/d.ts', 'export const d = 0;\n'.repeat(401), 'noExcessiveLinesPerFile'],
  ['src/e.ts', 'export default 1;\n', 'noDefaultExport'],
  ['src/BadName.ts', 'export const f = 0;\n', 'useFilenamingConvention'],
  ['src/g.ts', 'export const g = process.env.HOME;\n', 'noProcessEnv'],
  ['src/h.ts', "import { env } from 'node:process';\n\nexport const h = env;\n", 'noRestrictedImports'],
  ['src/i.ts', 'async function go(): Promise<void> {}\ngo();\n', 'noFloatingPromises'],
  ['src/j.ts', "export * from './a.ts';\n", 'noReExportAll'],
  ['src/k.ts', "export { a } from './a';\n", 'useImportExtensions'],
  ['src/l.ts', 'console.log(1);\n', 'noConsole'],
  [
    'src/m.ts',
    "import { b } from './b.ts';\nimport { a } from './a.ts';\n\nexport const m = [a, b];\n",
    'organizeImports',
  ],
  ['src/n.ts', 'export const n = "1"\n', 'format'],
];

/** What must be let through. */
const FINE: Record<string, string> = {
  'src/config/config.ts': 'export const config = process.env.HOME;\n',
  'src/cli/bin.ts': 'console.log(process.env.HOME);\n',
  'src/x.spec.ts': LONG_FUNCTION,
  'test/support/global-setup.ts': 'export default function globalSetup(): void {}\n',
  'src/member.resolver.ts': [
    "import { Ctx, Resolver } from 'type-graphql';",
    "import { Context } from './context.ts';",
    '',
    '@Resolver()',
    'export class MemberResolver {',
    '  hello(@Ctx() context: Context): string {',
    '    return context.name;',
    '  }',
    '}',
    '',
  ].join('\n'),
  'test/e2e/generated/graphql.ts': 'export default   "any"',
};

interface Report {
  diagnostics: { category: string; location?: { path?: string | { file: string } } }[];
}

/** Lints a tree with the project's own settings, and answers what it found as `file rule`. */
function lint(files: Record<string, string>): string[] {
  const biome = join(ROOT, 'node_modules/@biomejs/biome/bin/biome');
  const settings = { 'biome.json': readSource('biome.json').replace(/ *"\$schema".*\n/, '') };
  return withTree({ ...files, ...settings }, (cwd) => {
    const args = [biome, 'check', '--reporter=json', '--max-diagnostics=none', '.'];
    const { stdout } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
    const { diagnostics } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as Report;
    return diagnostics.map(({ category, location }) => {
      const path = typeof location?.path === 'string' ? location.path : location?.path?.file;
      return `${path} ${category.split('/').at(-1)}`;
    });
  });
}

describe('the lint rules', () => {
  const found = lint({ ...Object.fromEntries(BROKEN), ...FINE });

  it.each(BROKEN)('%s is refused', (file, _text, rule) => {
    expect(found).toContain(`${file} ${rule}`);
  });

  it('let through what is allowed where it is', () => {
    expect(found.filter((line) => Object.keys(FINE).some((file) => line.startsWith(file)))).toEqual([]);
  });
});
