import { fromUUID, type TypeId, toUUID } from 'typeid-js';
import { parse, v5, v7 } from 'uuid';

/** The types of object that have a public id, each with its prefix. */
export const ID_PREFIXES = {
  tenant: 'ten',
  apiKey: 'key',
  member: 'mem',
  ledger: 'led',
  operation: 'op',
  lot: 'lot',
  hold: 'hld',
  activity: 'act',
  grant: 'grt',
  use: 'use',
  tierChange: 'tch',
  mirrorDifference: 'mdf',
  extension: 'ext',
  extensionCall: 'call',
  eventEndpoint: 'eep',
} as const;

export type IdType = keyof typeof ID_PREFIXES;

const RANDOM_BYTES = 16;
/** Drawn many at a time: asking the system for each key costs many times the key. */
const pool = new Uint8Array(RANDOM_BYTES * 256);
let drawn = pool.length;
/** Those of the key that is being made, and the key: the same two for all keys. */
const random = new Uint8Array(RANDOM_BYTES);
const made = new Uint8Array(16);
const randomView = new DataView(random.buffer);
/** The moment of the last key, and its place among those of that moment. */
let last = { msecs: 0, seq: 0 };

/** A new time-ordered key (UUID version 7), as stored in the database; later ones of a process sort last. */
export function newKey(): string {
  if (drawn === pool.length) {
    crypto.getRandomValues(pool);
    drawn = 0;
  }
  for (let index = 0; index < RANDOM_BYTES; index += 1) random[index] = pool[drawn + index] ?? 0;
  drawn += RANDOM_BYTES;
  const msecs = Date.now();
  // Half of the 32 bits are left for what comes in the same millisecond, or while the clock is set back.
  last =
    msecs > last.msecs
      ? { msecs, seq: randomView.getUint32(6) >>> 1 }
      : { msecs: last.msecs, seq: last.seq + 1 };
  v7({ random, ...last }, made);
  return spelled(made);
}

const DIGITS = Buffer.from('0123456789abcdef');
/** Where the two digits of each byte stand in a key's text. */
export const KEY_PLACES: readonly number[] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const spelling = Buffer.from('00000000-0000-0000-0000-000000000000');

/** In one piece: a text that is joined of parts costs each of its readers several times as much. */
function spelled(key: Uint8Array): string {
  for (let index = 0; index < KEY_PLACES.length; index += 1) {
    const place = KEY_PLACES[index] ?? 0;
    const byte = key[index] ?? 0;
    spelling[place] = DIGITS[byte >> 4] ?? 0;
    spelling[place + 1] = DIGITS[byte & 15] ?? 0;
  }
  return spelling.toString('latin1');
}

/** A key derived from another key and a name (UUID version 5): the same in, the same out. */
export function derivedKey(namespace: string, name: string): string {
  v5(Buffer.from(name), parse(namespace), made);
  return spelled(made);
}

/** The public id of a stored key: a TypeID, e.g. `mem_01jdb…`. Clients treat it as opaque. */
export function toPublicId(type: IdType, key: string): string {
  return fromUUID(key, ID_PREFIXES[type]);
}

/** The stored key behind a public id, or null when it is malformed or of another type. */
export function fromPublicId(type: IdType, id: string): string | null {
  const prefix = `${ID_PREFIXES[type]}_`;
  if (!id.startsWith(prefix) || id.length !== prefix.length + 26) return null;
  // Its first digit has three bits, so that all of them come to 128.
  if (id.charAt(prefix.length) > '7') return null;
  try {
    return toUUID(id as TypeId<string>);
  } catch {
    return null;
  }
}

/** The ledger whose entries were named last: a page names one ledger's twenty times. */
let lastLedger = { key: '', prefix: '' };

/** The public id of an entry: its ledger's, and its version there. */
export function toEntryId(ledgerKey: string, version: bigint): string {
  if (lastLedger.key !== ledgerKey) {
    lastLedger = { key: ledgerKey, prefix: `ent${toPublicId('ledger', ledgerKey).slice(3)}_` };
  }
  return lastLedger.prefix + version.toString(36);
}

/** The ledger's key and the version behind an entry's public id, or null when it is malformed. */
export function fromEntryId(id: string): { ledgerKey: string; version: bigint } | null {
  const match = /^ent(_[0-9a-z]{26})_([0-9a-z]{1,12})$/.exec(id);
  const ledgerKey = match?.[1] === undefined ? null : fromPublicId('ledger', `led${match[1]}`);
  if (ledgerKey === null || match?.[2] === undefined) return null;
  const version = Number.parseInt(match[2], 36);
  return Number.isSafeInteger(version) ? { ledgerKey, version: BigInt(version) } : null;
}

/** The public id of what an endpoint is told: the endpoint's, and the position in the feed. */
export function toDeliveryId(endpointKey: string, position: bigint): string {
  return `edl${toPublicId('eventEndpoint', endpointKey).slice(3)}_${position.toString(36)}`;
}

/** The endpoint's key and the position behind a delivery's public id, or null when it is malformed. */
export function fromDeliveryId(id: string): { endpointKey: string; position: bigint } | null {
  const match = /^edl(_[0-9a-z]{26})_([0-9a-z]{1,12})$/.exec(id);
  const endpointKey = match?.[1] === undefined ? null : fromPublicId('eventEndpoint', `eep${match[1]}`);
  if (endpointKey === null || match?.[2] === undefined) return null;
  const position = Number.parseInt(match[2], 36);
  return Number.isSafeInteger(position) ? { endpointKey, position: BigInt(position) } : null;
}
