import { KEY_PLACES } from '../../kernel/ids.ts';

/** What the elements of an array parameter are, as a statement's text declares it: `$2::uuid[]`. */
export type ElementType = keyof typeof TYPES;

interface Encoder {
  /** The type's number in PostgreSQL's catalogue. */
  readonly oid: number;
  /** At most how many bytes a value takes. */
  readonly most: (value: unknown) => number;
  /** Writes a value; answers where it ends, or −1 for what PostgreSQL is to read, or refuse, as text. */
  readonly write: (value: unknown, at: number) => number;
}

const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const MISSING = -1;
/** PostgreSQL counts microseconds since 2000. */
const EPOCH_2000 = Date.UTC(2000, 0, 1);
/** Moments whose microseconds a number holds exactly: the years 1715 to 2285. */
const FARTHEST_MS = Math.floor(Number.MAX_SAFE_INTEGER / 1_000);
const UPPER_HALF = 2 ** 32;
const LOWEST = -(2n ** 63n);
const HIGHEST = 2n ** 63n - 1n;
const LONGEST_LOOKED_AT = 16;
const UUID_LENGTH = 36;
const HYPHEN = 45;
const NO_DIGIT = 256;
/** What each character counts for as a digit of a UUID. */
const DIGITS = new Uint16Array(65_536).fill(NO_DIGIT);
for (const [digit, character] of [...'0123456789abcdef'].entries()) DIGITS[character.charCodeAt(0)] = digit;
/** What stands between the bytes. */
const HYPHENS = [8, 13, 18, 23];

/** What is being written; whoever gets a part of it copies it before the next array is written. */
let bytes = Buffer.allocUnsafe(64 * 1_024);
let view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
/** The UUID that this array had last, and where: lots of one ledger follow each other. */
let last = { uuid: '', at: 0 };

const TYPES = {
  uuid: { oid: 2950, most: () => 16, write: writeUuid },
  bigint: { oid: 20, most: () => 8, write: writeBigint },
  boolean: { oid: 16, most: () => 1, write: writeFlag },
  timestamptz: { oid: 1184, most: () => 8, write: writeMoment },
  text: { oid: 25, most: lengthOf, write: writeText },
  jsonb: { oid: 3802, most: (value) => 1 + lengthOf(value), write: writeJson },
  bytea: { oid: 17, most: (value) => (value instanceof Uint8Array ? value.length : 0), write: writeBytes },
} as const satisfies Record<string, Encoder>;

/**
 * Which parameters of a statement are arrays that go in binary, by their places from 0: those that stand with
 * one and the same type wherever they stand, so that the server can't take them for another.
 */
export function arraysIn(text: string): readonly (ElementType | null)[] {
  const types: (ElementType | null)[] = [];
  for (const [, place, type = ''] of text.matchAll(/\$(\d+)(?:::(\w+)\[\])?/g)) {
    const index = Number(place) - 1;
    const element = isElementType(type) ? type : null;
    types[index] = index in types && types[index] !== element ? null : element;
  }
  return types;
}

function isElementType(type: string): type is ElementType {
  return Object.hasOwn(TYPES, type);
}

/**
 * An array as PostgreSQL keeps it, which it reads several times faster than text. It lies in memory that the
 * next one is written to.
 * @returns null where a value isn't the usual one of its type: text says what it is, or why it is refused
 */
export function binaryArray(type: ElementType, values: readonly unknown[]): Buffer | null {
  const { oid, most, write }: Encoder = TYPES[type];
  let at = HEADER_BYTES;
  let hasMissing = false;
  last = { uuid: '', at: 0 };
  reserve(at + LENGTH_BYTES);
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index];
    reserve(at + LENGTH_BYTES + (value === null || value === undefined ? 0 : most(value)));
    if (value === null || value === undefined) {
      hasMissing = true;
      view.setInt32(at, MISSING);
      at += LENGTH_BYTES;
      continue;
    }
    const end = write(value, at + LENGTH_BYTES);
    if (end < 0) return null;
    view.setInt32(at, end - at - LENGTH_BYTES);
    at = end;
  }
  const dimensions = values.length === 0 ? 0 : 1;
  view.setInt32(0, dimensions);
  view.setInt32(4, hasMissing ? 1 : 0);
  view.setInt32(8, oid);
  view.setInt32(12, values.length);
  view.setInt32(16, 1);
  return bytes.subarray(0, dimensions === 0 ? 12 : at);
}

function reserve(size: number): void {
  if (size <= bytes.length) return;
  const larger = Buffer.allocUnsafeSlow(2 * size);
  bytes.copy(larger);
  bytes = larger;
  view = new DataView(larger.buffer, larger.byteOffset, larger.length);
}

function writeUuid(value: unknown, at: number): number {
  if (typeof value !== 'string' || value.length !== UUID_LENGTH) return -1;
  if (value === last.uuid) {
    bytes.copyWithin(at, last.at, last.at + KEY_PLACES.length);
    return at + KEY_PLACES.length;
  }
  for (let index = 0; index < HYPHENS.length; index += 1)
    if (value.charCodeAt(HYPHENS[index] ?? 0) !== HYPHEN) return -1;
  // Whatever is no digit has bits of its own above those of a byte, wherever it stands.
  let seen = 0;
  for (let index = 0; index < KEY_PLACES.length; index += 1) {
    const place = KEY_PLACES[index] ?? 0;
    const digits = (digitOf(value.charCodeAt(place)) << 4) | digitOf(value.charCodeAt(place + 1));
    seen |= digits;
    bytes[at + index] = digits;
  }
  if (seen > 255) return -1;
  last.uuid = value;
  last.at = at;
  return at + KEY_PLACES.length;
}

function digitOf(code: number): number {
  return DIGITS[code] ?? NO_DIGIT;
}

function writeBigint(value: unknown, at: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value)) writeWhole(value, at);
  else if (typeof value === 'bigint' && value >= LOWEST && value <= HIGHEST) view.setBigInt64(at, value);
  else return -1;
  return at + 8;
}

/** A whole number that a `number` holds exactly, as 64 bits. */
function writeWhole(value: number, at: number): void {
  view.setInt32(at, Math.floor(value / UPPER_HALF));
  view.setUint32(at + 4, value >>> 0);
}

function writeFlag(value: unknown, at: number): number {
  if (typeof value !== 'boolean') return -1;
  bytes[at] = value ? 1 : 0;
  return at + 1;
}

function writeMoment(value: unknown, at: number): number {
  if (!(value instanceof Date)) return -1;
  const since = value.getTime() - EPOCH_2000;
  if (!(Math.abs(since) <= FARTHEST_MS)) return -1;
  writeWhole(since * 1_000, at);
  return at + 8;
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? 3 * value.length : 0;
}

/** Most texts are short and plain: they are written here faster than a call for each takes. */
function writeText(value: unknown, at: number): number {
  if (typeof value !== 'string') return -1;
  if (value.length > LONGEST_LOOKED_AT) return at + bytes.write(value, at);
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index);
    if (code > 127) return at + bytes.write(value, at);
    bytes[at + index] = code;
  }
  return at + value.length;
}

/** A version of the format, then text. */
function writeJson(value: unknown, at: number): number {
  bytes[at] = 1;
  return writeText(value, at + 1);
}

function writeBytes(value: unknown, at: number): number {
  if (!(value instanceof Uint8Array)) return -1;
  bytes.set(value, at);
  return at + value.length;
}
