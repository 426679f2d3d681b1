import type { ASTNode } from '@marcbachmann/cel-js';
import { isCalendarDate } from '../../kernel/calendar.ts';
import { MAX_POINTS } from '../../kernel/points.ts';
import { Refusal } from './expression-findings.ts';
import type { AllowedFunction } from './expression-functions.ts';
import { DYN, FRACTION, PLAIN, type Shape, text } from './expression-shape.ts';

/** UTF-16 units of an expression, at most. */
export const SOURCE_LENGTH = 2_000;

// Of years that the library takes as well, so that it never fails.
const TIMESTAMP =
  /^([12]\d{3}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,3})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
const DURATION = /^-?(\d{1,6}(\.\d{1,3})?(ms|s|m|h)){1,4}$/;

/** What is known of a part of an expression before it is evaluated. */
export interface Estimate {
  readonly shape: Shape;
  /** Units of work, at most. */
  readonly work: number;
  /** Whether evaluating it may end in an error. */
  readonly canFail: boolean;
}

export function pathOf(shape: Shape, names: readonly string[]): Shape {
  return names.reduce((at, name) => field({ shape: at, work: 0, canFail: false }, name).shape, shape);
}

/** A step whose result is a scalar, on top of its parts. */
export function plainly(parts: readonly Estimate[]): Estimate {
  let [work, canFail] = [1, false];
  for (const part of parts) {
    work += part.work;
    canFail ||= part.canFail;
    // The library looks for the operation when it knows the values, and may find none.
    if (part.shape.kind === 'dyn') [work, canFail] = [work + 3, true];
  }
  return { shape: PLAIN, work, canFail };
}

export function applied({ work, canFail, result }: AllowedFunction, parts: readonly Estimate[]): Estimate {
  const shapes = parts.map(({ shape }) => shape);
  const own = plainly(parts);
  return {
    shape: result(...shapes),
    work: own.work + work(...shapes),
    canFail: own.canFail || canFail,
  };
}

export function field({ shape, work, canFail }: Estimate, name: string): Estimate {
  if (shape.kind !== 'record') return { shape: elementOf(shape), work: work + 2, canFail: true };
  const own = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
  return { shape: own ?? PLAIN, work: work + 1, canFail };
}

/** What an index finds. */
export function elementOf(shape: Shape): Shape {
  if (shape.kind === 'dyn') return DYN;
  return 'element' in shape ? shape.element : PLAIN;
}

/** What a comprehension goes through: of a map the keys. */
export function itemOf(shape: Shape): Shape {
  return shape.kind === 'map' ? text(SOURCE_LENGTH) : elementOf(shape);
}

export function literal(value: unknown, offset: number): Shape {
  if (typeof value === 'string') return text(value.length);
  if (typeof value === 'number') return FRACTION;
  if (typeof value === 'bigint' && value > MAX_POINTS) {
    throw new Refusal('This number needs more than 64 bits.', offset);
  }
  if (typeof value === 'object' && value !== null) {
    throw new Refusal('Neither bytes nor unsigned numbers are known here.', offset);
  }
  return PLAIN;
}

export function refuseArithmetic(left: Shape, right: Shape, offset: number): void {
  const kinds = [left.kind, right.kind];
  if (kinds.some((kind) => kind === 'text' || kind === 'list' || kind === 'map')) {
    throw new Refusal('Texts and lists cannot be calculated with, or joined.', offset);
  }
  if (kinds.includes('fraction')) {
    throw new Refusal('A fraction can be compared, but not calculated with: write mulDiv.', offset);
  }
  if (kinds.every((kind) => kind === 'dyn')) {
    throw new Refusal('Write int() around attributes that are calculated with.', offset);
  }
}

export function refuseTimestamp(node: ASTNode): void {
  const written = node.op === 'value' && typeof node.args === 'string' ? node.args : '';
  if (isCalendarDate(TIMESTAMP.exec(written)?.[1] ?? '')) return;
  throw new Refusal('A moment is written as timestamp("2026-01-31T00:00:00+08:00").', node.start);
}

export function refuseDuration(node: ASTNode): void {
  if (node.op === 'value' && typeof node.args === 'string' && DURATION.test(node.args)) return;
  throw new Refusal('A duration is written as duration("36h"), of h, m, s and ms.', node.start);
}
