import { z } from 'zod';
import { type ExtensionPoint, extensionPoints } from '../../extension/index.ts';

/** An extension point as it is shown. */
export interface ShownPoint {
  readonly name: string;
  readonly version: number;
  readonly kind: ExtensionPoint['kind'];
  readonly description: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  readonly example: unknown;
}

/** JSON Schema, as far as it is looked at here. */
export interface JsonSchema {
  readonly pii?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

const shown = new Map<ExtensionPoint, ShownPoint>();

/** A point in each of its versions, the newest first. */
export function versionsOf(point: ExtensionPoint): ExtensionPoint[] {
  const versions = [point];
  for (let next = point.previous; next !== undefined; next = next.point.previous) versions.push(next.point);
  return versions;
}

/** Every version of every point. */
export function allPoints(): ExtensionPoint[] {
  return extensionPoints.flatMap(versionsOf);
}

/** The newest version when none is named; null when there is no such point. */
export function pointNamed(name: string, version?: number | null): ExtensionPoint | null {
  const found = allPoints().find(
    (point) =>
      point.name === name && (version === undefined || version === null || point.version === version),
  );
  return found ?? null;
}

/** Whether nothing can stand in for who answers a point, since they keep a record. */
export function keepsRecord(point: string): boolean {
  return pointNamed(point)?.keepsRecord === true;
}

export function showPoint(point: ExtensionPoint): ShownPoint {
  let known = shown.get(point);
  if (known === undefined) {
    const { name, version, kind, description, example } = point;
    const inputSchema = z.toJSONSchema(point.input, { io: 'input' }) as JsonSchema;
    const outputSchema = z.toJSONSchema(point.output, { io: 'input' }) as JsonSchema;
    known = { name, version, kind, description, inputSchema, outputSchema, example };
    shown.set(point, known);
  }
  return known;
}

/** What is wrong with a value, in one line; null when it is as the schema says. */
export function misfit(schema: z.ZodType, value: unknown): string | null {
  const parsed = schema.safeParse(value);
  if (parsed.success) return null;
  const [issue] = parsed.error.issues;
  const path = (issue?.path ?? []).map(String).join('.');
  const why = (issue?.message ?? 'it is something else').replace(/\.$/, '');
  return path === '' ? why : `${path}: ${why}`;
}
