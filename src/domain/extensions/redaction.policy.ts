import type { JsonSchema } from './points.policy.ts';

export const REDACTED = '[redacted]';

const SHORTEST_ASCII = 6;
const SHORTEST = 2;
const ASCII = /^[\x20-\x7e]*$/;
/** As long as no amount or count of a log would be by chance a part of somebody's number. */
const LONG_NUMBER = /\d{7,}/g;

/** JSON without what its schema marks as personal. */
export function redact(value: unknown, ...schemas: readonly JsonSchema[]): unknown {
  if (value === null || value === undefined) return value;
  const all = schemas.flatMap(alternatives);
  if (all.some(({ pii }) => pii === true)) return REDACTED;
  if (Array.isArray(value)) {
    const items = all.flatMap((schema) => (schema.items === undefined ? [] : [schema.items]));
    return value.map((item) => redact(item, ...items));
  }
  if (typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, redact(item, ...all.flatMap(below(key)))]),
  );
}

/** What a schema says of the value at a path, e.g. `profile.displayName`. */
export function schemaAt(schema: JsonSchema, path: string): { schemas: JsonSchema[]; isPersonal: boolean } {
  let schemas = alternatives(schema);
  for (const key of path === '' ? [] : path.split('.')) {
    if (schemas.some(({ pii }) => pii === true)) return { schemas, isPersonal: true };
    schemas = schemas.flatMap(below(key)).flatMap(alternatives);
  }
  return { schemas, isPersonal: schemas.some(({ pii }) => pii === true) };
}

/** The texts and numbers that a schema marks as personal, such as can be told apart from other words. */
export function personalTexts(value: unknown, ...schemas: readonly JsonSchema[]): Set<string> {
  return new Set([...collected(value, schemas)].filter((text) => !isShort(text) && text.length >= SHORTEST));
}

/**
 * What stands in a log or a message, without a call's personal texts: the short ones too, as words of their own,
 * and parts of long numbers, e.g. a phone number without its country.
 */
export function scrubLine(line: string, value: unknown, ...schemas: readonly JsonSchema[]): string {
  const all = [...collected(value, schemas)];
  const words = all.filter((text) => isShort(text) && text.length >= SHORTEST).map(literally);
  const numbers = all.map((text) => text.replace(/\D/g, ''));
  const without = line.replace(LONG_NUMBER, (run) =>
    numbers.some((digits) => digits.includes(run)) ? REDACTED : run,
  );
  if (words.length === 0) return without;
  const alone = new RegExp(`(?<![\\p{L}\\p{N}])(${words.join('|')})(?![\\p{L}\\p{N}])`, 'giu');
  return without.replace(alone, REDACTED);
}

/** JSON whose sentences are changed; codes and names of one word aren't. */
export function mapSentences(value: unknown, change: (sentence: string) => string): unknown {
  if (typeof value === 'string') return /\s/.test(value) ? change(value) : value;
  if (Array.isArray(value)) return value.map((item) => mapSentences(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapSentences(item, change)]));
}

function literally(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** Whether it is so short that it is found within other words. */
function isShort(text: string): boolean {
  return ASCII.test(text) && text.length < SHORTEST_ASCII;
}

function collected(value: unknown, schemas: readonly JsonSchema[]): Set<string> {
  const found = new Set<string>();
  collect(value, schemas, false, found);
  return found;
}

/** JSON, or a text, in which none of these texts stands any more. */
export function scrub<Value>(value: Value, texts: ReadonlySet<string>): Value {
  if (texts.size === 0) return value;
  return scrubbed(
    value,
    [...texts].sort((a, b) => b.length - a.length),
  ) as Value;
}

function scrubbed(value: unknown, texts: readonly string[]): unknown {
  if (typeof value === 'string')
    return texts.reduce((text, personal) => text.replaceAll(personal, REDACTED), value);
  if (typeof value === 'number') return texts.includes(String(value)) ? REDACTED : value;
  if (Array.isArray(value)) return value.map((item) => scrubbed(item, texts));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [scrubbed(key, texts), scrubbed(item, texts)]),
  );
}

function collect(value: unknown, schemas: readonly JsonSchema[], isBelow: boolean, found: Set<string>): void {
  const all = schemas.flatMap(alternatives);
  const isPersonal = isBelow || all.some(({ pii }) => pii === true);
  if (Array.isArray(value)) {
    const items = all.flatMap((schema) => (schema.items === undefined ? [] : [schema.items]));
    for (const item of value) collect(item, items, isPersonal, found);
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, item] of Object.entries(value))
      collect(item, all.flatMap(below(key)), isPersonal, found);
  } else if (isPersonal && (typeof value === 'string' || typeof value === 'number')) {
    found.add(String(value));
  }
}

/** A schema and all that it is put together from. */
function alternatives(schema: JsonSchema): JsonSchema[] {
  const parts = [...(schema.anyOf ?? []), ...(schema.allOf ?? []), ...(schema.oneOf ?? [])];
  return [schema, ...parts.flatMap(alternatives)];
}

function below(key: string): (schema: JsonSchema) => JsonSchema[] {
  return ({ properties, additionalProperties, items }) => {
    if (properties !== undefined && Object.hasOwn(properties, key)) return [properties[key] ?? {}];
    if (items !== undefined && /^(\d+|\*)$/.test(key)) return [items];
    return typeof additionalProperties === 'object' ? [additionalProperties] : [];
  };
}
