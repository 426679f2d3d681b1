import { createHash } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const DIGITS = 26;
const BITS_A_DIGIT = 5;
const KEY_BYTES = 16;

/** The product's public id of a stored key: a prefix, and the UUID's 128 bits in Crockford's base 32. */
export function toPublicId(prefix: string, key: string): string {
  const bytes = Buffer.from(key.replaceAll('-', ''), 'hex');
  let text = `${prefix}_`;
  let bits = 0;
  // 26 digits hold 130 bits, so two zeros come first.
  let held = 2;
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
    held += 8;
    while (held >= BITS_A_DIGIT) {
      held -= BITS_A_DIGIT;
      text += ALPHABET[(bits >> held) & 31];
    }
    bits &= (1 << held) - 1;
  }
  return text;
}

/** The stored key behind a public id. */
export function fromPublicId(id: string): string {
  const bytes = Buffer.alloc(KEY_BYTES);
  let bits = 0;
  let held = -2;
  let length = 0;
  for (const digit of id.slice(-DIGITS)) {
    bits = (bits << BITS_A_DIGIT) | ALPHABET.indexOf(digit);
    held += BITS_A_DIGIT;
    if (held < 8) continue;
    held -= 8;
    bytes[length] = (bits >> held) & 255;
    length += 1;
    bits &= (1 << held) - 1;
  }
  return formatKey(bytes);
}

/** A ledger's key, as the product derives it from its member and asset (UUID version 5). */
export function ledgerKeyOf(memberKey: string, asset: string): string {
  const namespace = Buffer.from(memberKey.replaceAll('-', ''), 'hex');
  const bytes = createHash('sha1').update(namespace).update(asset).digest().subarray(0, KEY_BYTES);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return formatKey(bytes);
}

function formatKey(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
