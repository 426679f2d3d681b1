import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { RequestFault } from '../../kernel/errors.ts';

const BINDING_BYTES = 6;
const CHECK_BYTES = 4;
const LONGEST_CURSOR = 64;
const MOST_REMEMBERED = 1_000;

const remembered = new Map<string, Buffer>();

function bindingHash(binding: string): Buffer {
  let hash = remembered.get(binding);
  if (hash === undefined) {
    hash = createHash('sha256').update(binding).digest().subarray(0, BINDING_BYTES);
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(binding, hash);
  }
  return hash;
}

/** Against accidents: nobody gains by inventing a place, since rights are checked apart. */
function checksum(hash: Buffer, place: string): Buffer {
  const check = Buffer.alloc(CHECK_BYTES);
  check.writeUInt32BE(crc32(place, hash.readUInt32BE(0)));
  return check;
}

/**
 * An opaque place in a list. `binding` says which list: tenant, field, filter and order; a cursor is good
 * for that list alone, and a place that was not made here has the wrong checksum. At most 64 bytes for
 * places of up to 38 ASCII characters.
 */
export function encodeCursor(binding: string, place: string): string {
  const hash = bindingHash(binding);
  return Buffer.concat([hash, checksum(hash, place), Buffer.from(place)]).toString('base64url');
}

/**
 * The place behind a cursor.
 * @throws RequestFault CURSOR_INVALID when it was not made here or belongs to another list
 */
export function decodeCursor(binding: string, cursor: string, ...field: readonly string[]): string {
  const hash = bindingHash(binding);
  const bytes = Buffer.from(cursor.slice(0, LONGEST_CURSOR), 'base64url');
  const place = bytes.subarray(BINDING_BYTES + CHECK_BYTES).toString();
  const isOurs =
    cursor.length <= LONGEST_CURSOR &&
    bytes.length > BINDING_BYTES + CHECK_BYTES &&
    bytes.subarray(0, BINDING_BYTES).equals(hash) &&
    bytes.subarray(BINDING_BYTES, BINDING_BYTES + CHECK_BYTES).equals(checksum(hash, place));
  if (!isOurs) throw new RequestFault('CURSOR_INVALID', { field });
  return place;
}

/** A moment and a key as the place of a cursor, as short as it has to be. */
export function momentPlace(moment: Date, key: string): string {
  const bytes = Buffer.from(key.replaceAll('-', ''), 'hex');
  return `${moment.getTime().toString(36)}.${bytes.toString('base64url')}`;
}

/** The moment and the key that `momentPlace` wrote. */
export function readMomentPlace(place: string): { moment: Date; key: string } {
  const [time = '', bytes = ''] = place.split('.');
  const hex = Buffer.from(bytes, 'base64url').toString('hex');
  const key = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  return { moment: new Date(Number.parseInt(time, 36)), key };
}
