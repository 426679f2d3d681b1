import { FACT_LIMITS } from './expression-scope.ts';

/**
 * How large a value can be at most. A fraction is a double that the expression itself wrote; `dyn` is
 * anything that comes out of the attributes.
 */
export type Shape =
  | { readonly kind: 'plain' | 'fraction' | 'dyn' }
  | { readonly kind: 'text'; readonly length: number }
  | { readonly kind: 'list' | 'map'; readonly length: number; readonly element: Shape }
  | { readonly kind: 'record'; readonly fields: Readonly<Record<string, Shape>> };

export const PLAIN: Shape = { kind: 'plain' };
export const FRACTION: Shape = { kind: 'fraction' };
export const DYN: Shape = { kind: 'dyn' };

export function text(length: number): Shape {
  return { kind: 'text', length };
}

export function list(length: number, element: Shape): Shape {
  return { kind: 'list', length, element };
}

const own = text(FACT_LIMITS.text);

function texts(...names: readonly string[]): Record<string, Shape> {
  return Object.fromEntries(names.map((name) => [name, own]));
}

const line: Shape = { kind: 'record', fields: texts('sku', 'category') };

/** The fields that are not plain: whether a field exists at all is the type checker's business. */
export const FACT_SHAPES: ReadonlyMap<string, Shape> = new Map<string, Shape>([
  [
    'member',
    {
      kind: 'record',
      fields: {
        ...texts('id', 'birthday', 'gender', 'channel', 'store', 'region', 'locale'),
        tags: list(FACT_LIMITS.tags, own),
        attributes: DYN,
      },
    },
  ],
  ['activity', { kind: 'record', fields: texts('type', 'localDate', 'channel', 'store') }],
  ['order', { kind: 'record', fields: { ...texts('number'), lines: list(FACT_LIMITS.lines, line) } }],
  ['tier', { kind: 'record', fields: texts('code') }],
  ['now', PLAIN],
]);

/** How often a comprehension over the value runs. */
export function lengthOf(shape: Shape): number {
  if (shape.kind === 'dyn') return FACT_LIMITS.attributeValues;
  return 'length' in shape ? shape.length : 1;
}

/** The characters that a function on the value reads. */
export function charactersOf(shape: Shape): number {
  if (shape.kind === 'dyn') return FACT_LIMITS.attributeText;
  return shape.kind === 'text' ? shape.length : 1;
}

/** Units of work to compare the whole value with another. */
export function weightOf(shape: Shape): number {
  switch (shape.kind) {
    case 'dyn':
      return FACT_LIMITS.attributeValues;
    case 'text':
      return 1 + shape.length / 64;
    case 'list':
    case 'map':
      return 1 + shape.length * weightOf(shape.element);
    default:
      return 1;
  }
}

/** How many lists and maps the value lies in. The library keeps every type that it ever met. */
export function nestingOf(shape: Shape): number {
  return shape.kind === 'list' || shape.kind === 'map' ? 1 + nestingOf(shape.element) : 0;
}

/** What may be either; null for what is too different to be bounded by either. */
export function either(a: Shape, b: Shape): Shape | null {
  if (a === b || (a.kind === b.kind && !('length' in a))) return a;
  if (a.kind === 'text' && b.kind === 'text') return a.length > b.length ? a : b;
  if ((a.kind === 'list' || a.kind === 'map') && a.kind === b.kind && 'element' in b) {
    if (b.length === 0) return a;
    const element = a.length === 0 ? b.element : either(a.element, b.element);
    return element && { kind: a.kind, length: Math.max(a.length, b.length), element };
  }
  const kinds = [a.kind, b.kind];
  if (kinds.some((kind) => kind === 'list' || kind === 'map' || kind === 'record')) return null;
  // Of different kinds of scalars at least one is dynamic, or the type checker refuses them.
  return DYN;
}
