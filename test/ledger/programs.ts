import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type PinnedProgram, type ProgramDefinition, parseProgram } from '../../src/domain/programs/index.ts';
import { projectPath } from '../../src/persistence/index.ts';

/** The text of an example program that comes with the product. */
export function exampleText(name: string): string {
  return readFileSync(join(projectPath('docs', 'examples', 'programs'), `${name}.yaml`), 'utf8');
}

/** The definition that a text says; it must be a good one. */
export function definitionOf(text: string): ProgramDefinition {
  const { definition, findings } = parseProgram(text);
  if (definition === null) throw new Error(`The program is wrong: ${JSON.stringify(findings)}`);
  return definition;
}

export function pinned(definition: ProgramDefinition, version = 1): PinnedProgram {
  return { version, definition, assets: new Map(definition.assets.map((asset) => [asset.code, asset])) };
}

/** The same JSON as jsonb gives it back: the keys of each object by length, then by their letters. */
export function asJsonb<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value), (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner);
    entries.sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
    return Object.fromEntries(entries);
  }) as Value;
}

/** A line of an asset, in YAML: its balance may fall below zero. The one place where tests say how. */
export const MAY_OWE = 'floor: NONE';
