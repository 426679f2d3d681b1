import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bare, ROOT } from './sources.ts';

export interface Violation {
  rule: string;
  from: string;
  to: string;
}

export interface Cruise {
  /** Names of all rules that were in force. */
  rules: string[];
  violations: Violation[];
  /** What each file imports, as written. */
  imports: Map<string, Set<string>>;
}

interface CruiseJson {
  modules: { source: string; dependencies: { module: string; protocol?: string }[] }[];
  summary: {
    violations: { from: string; to: string; rule: { name: string } }[];
    ruleSetUsed: { forbidden: { name: string }[] };
  };
}

/** Holds the import rules against a tree laid out like this project. */
export function cruise(root: string, folders: string[]): Cruise {
  const bin = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const config = join(ROOT, '.dependency-cruiser.mjs');
  const args = [bin, ...folders, '--config', config, '--output-type', 'json', '--progress', 'none'];
  const output = execFileSync(process.execPath, args, { cwd: root, maxBuffer: 1 << 28, encoding: 'utf8' });
  const { modules, summary } = JSON.parse(output) as CruiseJson;
  return {
    rules: summary.ruleSetUsed.forbidden.map(({ name }) => name),
    violations: summary.violations.map(({ from, to, rule }) => ({ rule: rule.name, from, to })),
    imports: new Map(
      modules.map(({ source, dependencies }) => [
        source,
        new Set(dependencies.map(({ module }) => bare(module))),
      ]),
    ),
  };
}

/** Writes a tree of files into a temporary folder, hands it to `use`, and removes it again. */
export function withTree<T>(files: Record<string, string>, use: (root: string) => T): T {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'membergraph-tree-')));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return use(root);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
