import { z } from 'zod';

/** A key of a program file. */
export interface ProgramKey {
  /** E.g. `rules[].once.per`. */
  readonly path: string;
  /** REQUIRED, OPTIONAL, or what holds where the key is missing. */
  readonly otherwise: unknown;
  /** The words that it may be; empty where it may be more. */
  readonly words: readonly string[];
}

export const REQUIRED = Symbol('required');
export const OPTIONAL = Symbol('optional');

type Node = z.core.$ZodTypes;

/** Every key of a schema, in its order; the two keys of every `name` and `unit` are told once. */
export function keysOf(schema: z.core.$ZodType): ProgramKey[] {
  const keys = new Map<string, ProgramKey>();
  for (const key of walk(schema as Node, '')) {
    const path = key.path.replace(/^.*\b(?:name|unit)\.(?=[^.]+$)/, 'name.');
    if (!keys.has(path)) keys.set(path, { ...key, path });
  }
  return [...keys.values()];
}

function walk(node: Node, path: string): ProgramKey[] {
  const { def } = node._zod;
  switch (def.type) {
    case 'object':
      return Object.entries(def.shape).flatMap(([name, child]) => keyOf(child, path, name));
    case 'array':
      return walk(def.element as Node, `${path}[]`);
    case 'union':
      return def.options.flatMap((option) => walk(option as Node, path));
    case 'optional':
    case 'default':
      return walk(def.innerType as Node, path);
    default:
      return [];
  }
}

function keyOf(schema: z.core.$ZodType, parent: string, name: string): ProgramKey[] {
  const node = schema as Node;
  const path = parent === '' ? name : `${parent}.${name}`;
  return [{ path, otherwise: otherwiseOf(node), words: wordsOf(node) }, ...walk(node, path)];
}

function otherwiseOf(node: Node): unknown {
  const { def } = node._zod;
  if (def.type === 'default') return def.defaultValue;
  return def.type === 'optional' ? OPTIONAL : REQUIRED;
}

function wordsOf(node: Node): string[] {
  const { def } = node._zod;
  if (def.type === 'enum') return Object.values(def.entries).map(String);
  const isWrapped = def.type === 'optional' || def.type === 'default';
  return isWrapped ? wordsOf(def.innerType as Node) : [];
}
