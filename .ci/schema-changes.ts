import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

/** The files of a schema folder by their path in it: `schema.graphql`, `extension-points/*.json`. */
export type SchemaFiles = Map<string, string>;

/** A change that an existing client or plugin does not survive. */
export interface BreakingChange {
  /** What a declaration names: `Query.member`, or `points.rule.json#output.replace`. */
  path: string;
  message: string;
}

const SDL = 'schema.graphql';

export function readSchemaFiles(folder: string): SchemaFiles {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const emitted = paths.filter((path) => path === SDL || path.endsWith('.json')).sort();
  return new Map(emitted.map((path) => [path, readFileSync(join(folder, path), 'utf8')]));
}

/** The pages of a folder of documentation that the code writes, by name; none where there is no folder. */
export function readPages(folder: string): SchemaFiles {
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

/** How a committed folder differs from what the code emits: one sentence a file. */
export function findDrift(emitted: SchemaFiles, committed: SchemaFiles, folder = 'schema'): string[] {
  const paths = [...new Set([...emitted.keys(), ...committed.keys()])].sort();
  return paths.flatMap((path) => {
    if (!committed.has(path)) return [`${folder}/${path} is missing`];
    if (!emitted.has(path)) return [`${folder}/${path} is not emitted any more`];
    return emitted.get(path) === committed.get(path) ? [] : [`${folder}/${path} is not what the code emits`];
  });
}

export async function findBreakingChanges(
  before: SchemaFiles,
  after: SchemaFiles,
): Promise<BreakingChange[]> {
  const removals = [...before].flatMap(([path, text]) =>
    path.endsWith('.json') ? removed(path, text, after) : [],
  );
  return [...(await breakingSdl(before.get(SDL), after.get(SDL))), ...removals];
}

/** The changes that no line of the declarations (`- \`path\`: reason`) names. */
export function findUndeclared(changes: BreakingChange[], declarations: string): BreakingChange[] {
  const declared = new Set([...declarations.matchAll(/^- `([^`]+)`: *\S/gm)].map(([, path]) => path));
  return changes.filter(({ path }) => !declared.has(path));
}

/**
 * The earlier schemas that clients may have been written against, as far as this clone knows them: the last
 * release, what is on origin/main, what is committed, and what was before the last commit that touched it.
 */
export function findBaselines(root: string): { name: string; files: SchemaFiles }[] {
  const release = git(root, 'describe', '--tags', '--abbrev=0', '--match', 'v*')?.trim();
  const touching = git(root, 'log', '-2', '--format=%H', '--', `schema/${SDL}`)?.trim().split('\n') ?? [];
  const names = [release, 'origin/main', 'HEAD', touching[1]].filter((name) => name !== undefined);
  return names.flatMap((name) => {
    const listed = git(root, 'ls-tree', '-r', '--name-only', name, '--', 'schema')?.trim().split('\n') ?? [];
    const paths = listed.map((path) => path.replace(/^schema\//, ''));
    const emitted = paths.filter((path) => path === SDL || path.endsWith('.json'));
    const files = new Map(emitted.map((path) => [path, git(root, 'show', `${name}:schema/${path}`) ?? '']));
    return files.size === 0 ? [] : [{ name, files }];
  });
}

async function breakingSdl(before: string | undefined, after: string | undefined): Promise<BreakingChange[]> {
  if (before === undefined || after === undefined || before === after) return [];
  const changes = await diff(buildSchema(before), buildSchema(after));
  const breaking = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
  return breaking.map(({ path, message }) => ({ path: path ?? message, message }));
}

/** What an extension point promised and does not know any more: "more fields may come, none may go". */
function removed(path: string, before: string, files: SchemaFiles): BreakingChange[] {
  const after = files.get(path);
  const name = path.split('/').at(-1) ?? path;
  if (after === undefined) return [{ path: name, message: `${path} was removed` }];
  const kept = new Set(propertyPaths(JSON.parse(after)));
  const gone = propertyPaths(JSON.parse(before)).filter((property) => !kept.has(property));
  return gone.map((property) => ({ path: `${name}#${property}`, message: `${path} lost ${property}` }));
}

/** Every property that a JSON Schema names, as a path of property names. */
function propertyPaths(schema: unknown, prefix: string[] = []): string[] {
  if (schema === null || typeof schema !== 'object') return [];
  return Object.entries(schema).flatMap(([key, value]) => {
    if (key !== 'properties' || value === null || typeof value !== 'object') {
      return propertyPaths(value, Array.isArray(schema) || isKeyword(key) ? prefix : [...prefix, key]);
    }
    return Object.entries(value).flatMap(([property, inner]) => {
      const path = [...prefix, property];
      return [path.join('.'), ...propertyPaths(inner, path)];
    });
  });
}

// Words of JSON Schema below which the same value is described; any other key is a part of our own envelope.
function isKeyword(key: string): boolean {
  return ['items', 'anyOf', 'oneOf', 'allOf', 'additionalProperties', '$defs', 'definitions'].includes(key);
}

function git(root: string, ...args: string[]): string | undefined {
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio, maxBuffer: 1 << 26 });
  } catch {
    return undefined;
  }
}
