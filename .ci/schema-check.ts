// Holds the committed schema and the pages of the extension points to what the code emits, and refuses a breaking change that nobody declared.
// Run by `npm run schema:check`, after a build.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  findBaselines,
  findBreakingChanges,
  findDrift,
  findUndeclared,
  readPages,
  readSchemaFiles,
  type SchemaFiles,
} from './schema-changes.ts';

const DECLARATIONS = 'schema/breaking-changes.md';
const PAGES = 'docs/extension-points';

function emit(): { schema: SchemaFiles; pages: SchemaFiles } {
  const folder = mkdtempSync(join(tmpdir(), 'membergraph-schema-'));
  try {
    const pages = join(folder, 'pages');
    const into = ['--out', folder, '--pages', pages];
    execFileSync(process.execPath, ['dist/src/gateway/emit-schema.js', ...into], { stdio: 'inherit' });
    return { schema: readSchemaFiles(folder), pages: readPages(pages) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function check(): Promise<string[]> {
  const { schema: emitted, pages } = emit();
  const drift = [
    ...findDrift(emitted, readSchemaFiles('schema')),
    ...findDrift(pages, readPages(PAGES), PAGES),
  ];
  if (drift.length > 0) return [...drift, 'Run `npm run schema:emit` and commit what it wrote.'];

  const declarations = readFileSync(DECLARATIONS, 'utf8');
  const baselines = findBaselines('.');
  if (baselines.length === 0) console.log('No earlier schema to compare with.');
  const problems: string[] = [];
  for (const { name, files } of baselines) {
    const undeclared = findUndeclared(await findBreakingChanges(files, emitted), declarations);
    for (const { path, message } of undeclared) problems.push(`since ${name}: ${message} (\`${path}\`)`);
  }
  if (problems.length === 0) return [];
  return [
    ...problems,
    `A breaking change is declared in ${DECLARATIONS} by a line: - \`path\`: what to do instead`,
  ];
}

const problems = await check();
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
