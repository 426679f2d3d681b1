import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from '@swc/core';

export const ROOT = process.cwd();

const NOT_OURS = new Set(['node_modules', 'generated', 'dist']);

/** A node of a TypeScript syntax tree, as far as the lints look at it. */
export interface SyntaxNode {
  type?: string;
  value?: string;
  source?: SyntaxNode | null;
  argument?: SyntaxNode;
  expression?: SyntaxNode;
  object?: SyntaxNode;
  property?: SyntaxNode;
  properties?: SyntaxNode[];
  key?: SyntaxNode;
  callee?: SyntaxNode;
  id?: SyntaxNode;
  init?: SyntaxNode | null;
  arguments?: { expression: SyntaxNode }[] | null;
  quasis?: { cooked: string }[];
  expressions?: SyntaxNode[];
}

/** The TypeScript files below some folders, relative to the project's root. */
export function typescriptFiles(...folders: string[]): string[] {
  return folders.flatMap((folder) => {
    if (!existsSync(join(ROOT, folder))) return [];
    return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : typescriptFiles(path);
      return path.endsWith('.ts') ? [path] : [];
    });
  });
}

/** Every node of a TypeScript text. */
export function syntaxNodes(text: string): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  const visit = (node: unknown): void => {
    if (node === null || typeof node !== 'object') return;
    if (!Array.isArray(node)) found.push(node as SyntaxNode);
    Object.values(node).forEach(visit);
  };
  visit(parseSync(text, { syntax: 'typescript', decorators: true }));
  return found;
}

export function readSource(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Every module that a TypeScript text names in any way, `import('…')` inside a type included. */
export function namedModules(text: string): string[] {
  return syntaxNodes(text)
    .map(namedModule)
    .filter((name) => name !== undefined)
    .map(bare);
}

/** A module without the `node:` that the cruiser leaves out. */
export function bare(module: string): string {
  return module.replace(/^node:/, '');
}

function namedModule(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      return node.source?.value;
    case 'TsImportType':
      return node.argument?.value;
    case 'TsExternalModuleReference':
      return node.expression?.value;
    case 'CallExpression': {
      const [first] = node.arguments ?? [];
      const imports = node.callee?.type === 'Import' || node.callee?.value === 'require';
      return imports && first?.expression.type === 'StringLiteral' ? first.expression.value : undefined;
    }
    default:
      return undefined;
  }
}
