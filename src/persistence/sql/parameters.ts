import utils from 'pg/lib/utils.js';
import { binaryArray, type ElementType } from './binary-arrays.ts';

const LATEST_PLAIN = Date.UTC(9999, 11, 31);
const EARLIEST_PLAIN = Date.UTC(1000, 0, 1);

/** The moment that was written last: what is recorded together has one. */
let lastMoment = { time: EARLIEST_PLAIN - 1, text: '' };

/**
 * A value as PostgreSQL reads it. Columns of a set come as arrays, which are most of what is sent: in binary,
 * where their type is known. What is bytes must be copied before the next value is asked for.
 */
export function toParameter(value: unknown, type: ElementType | null = null): unknown {
  if (!Array.isArray(value)) return utils.prepareValue(value);
  const binary = type === null ? null : binaryArray(type, value);
  return binary ?? arrayLiteral(value) ?? utils.prepareValue(value);
}

/** The text of an array of plain values; null where it has others, or moments with uncommon years. */
function arrayLiteral(values: readonly unknown[]): string | null {
  let text = '{';
  for (let index = 0; index < values.length; index += 1) {
    const element = elementText(values[index]);
    if (element === null) return null;
    text += index === 0 ? element : `,${element}`;
  }
  return `${text}}`;
}

function elementText(value: unknown): string | null {
  if (value === null || value === undefined) return 'NULL';
  switch (typeof value) {
    case 'string':
      return `"${escaped(value)}"`;
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value);
  }
  if (!(value instanceof Date)) return null;
  const time = value.getTime();
  if (Number.isNaN(time) || time < EARLIEST_PLAIN || time > LATEST_PLAIN) return null;
  if (time !== lastMoment.time) lastMoment = { time, text: `"${value.toISOString()}"` };
  return lastMoment.text;
}

/** Two plain searches take less time than one expression, and most texts have neither. */
function escaped(text: string): string {
  const plain = text.includes('\\') ? text.replaceAll('\\', '\\\\') : text;
  return plain.includes('"') ? plain.replaceAll('"', '\\"') : plain;
}
