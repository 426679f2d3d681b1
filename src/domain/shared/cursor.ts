import { createHash } from 'node:crypto';
import { RequestFault } from '../../kernel/errors.ts';

const BINDING_BYTES = 6;
const remembered = new Map<string, Buffer>();
const MOST_REMEMBERED = 1_000;

function bindingHash(binding: string): Buffer {
  let hash = remembered.get(binding);
  if (hash === undefined) {
    hash = createHash('sha256').update(binding).digest().subarray(0, BINDING_BYTES);
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(binding, hash);
  }
  return hash;
}

/**
 * An opaque place in a list. `binding` says which list: tenant, field, filter and order; a cursor is good for
 * that list alone. At most 64 bytes for places of up to 42 ASCII characters.
 */
export function encodeCursor(binding: string, place: string): string {
  return Buffer.concat([bindingHash(binding), Buffer.from(place)]).toString('base64url');
}

/**
 * The place behind a cursor.
 * @throws RequestFault CURSOR_INVALID when it is forged or belongs to another list
 */
export function decodeCursor(binding: string, cursor: string, field: string): string {
  const bytes = Buffer.from(cursor.slice(0, 64), 'base64url');
  const isOurs =
    cursor.length <= 64 &&
    bytes.length > BINDING_BYTES &&
    bytes.subarray(0, BINDING_BYTES).equals(bindingHash(binding));
  if (!isOurs) throw new RequestFault('CURSOR_INVALID', { field: [field] });
  return bytes.subarray(BINDING_BYTES).toString();
}
