import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CompactEncrypt, type CryptoKey, compactDecrypt } from 'jose';

const KEY_BYTES = 32;
const KEY_FILE = 'encryption-key';
const HEADER = { alg: 'dir', enc: 'A256GCM' } as const;

/** Why what was sealed can't be opened: the key is another one, or the text was changed. */
export class UnreadableSeal extends Error {
  constructor() {
    super('What is sealed can’t be opened: ENCRYPTION_KEY, or the key under DATA_DIR, is another one.');
    this.name = 'UnreadableSeal';
  }
}

/** The keys, newest first: that one seals, and each of them opens. */
type Keys<Key> = readonly [Key, ...Key[]];

/** Seals what must not be read in the database: JWE in its compact form, by keys of 256 bits. */
export class Sealer {
  readonly #findKeys: () => Promise<Keys<Uint8Array>>;
  #keys: Promise<Keys<CryptoKey>> | null = null;

  constructor(findKeys: () => Promise<Keys<Uint8Array>>) {
    this.#findKeys = findKeys;
  }

  /** By the keys that were given (base64), newest first; or else by one that is made once, under `dataDir`. */
  static of([newest, ...older]: readonly string[], dataDir: string): Sealer {
    const read = (key: string): Uint8Array => Buffer.from(key, 'base64');
    return new Sealer(async () =>
      newest === undefined ? [await ensureKey(dataDir)] : [read(newest), ...older.map(read)],
    );
  }

  /** Finds the keys, so that a start fails where there are none, and not each request. */
  async ready(): Promise<void> {
    await this.#currentKeys();
  }

  async seal(text: string): Promise<string> {
    const [key] = await this.#currentKeys();
    return await new CompactEncrypt(Buffer.from(text)).setProtectedHeader(HEADER).encrypt(key);
  }

  /** @throws UnreadableSeal */
  async open(sealed: string): Promise<string> {
    for (const key of await this.#currentKeys()) {
      const opened = await compactDecrypt(sealed, key).catch(() => null);
      if (opened !== null) return Buffer.from(opened.plaintext).toString();
    }
    throw new UnreadableSeal();
  }

  /** Imported once: that costs as much as sealing does. */
  #currentKeys(): Promise<Keys<CryptoKey>> {
    this.#keys ??= this.#findKeys()
      .then(async ([newest, ...older]): Promise<Keys<CryptoKey>> => {
        return [await importKey(newest), ...(await Promise.all(older.map(importKey)))];
      })
      .catch((error: unknown) => {
        this.#keys = null;
        throw error;
      });
    return this.#keys;
  }
}

async function importKey(key: Uint8Array): Promise<CryptoKey> {
  return await crypto.subtle.importKey('raw', Buffer.from(key), 'AES-GCM', false, ['encrypt', 'decrypt']);
}

/** The key under `dataDir`; of several that start at once, the first to make one made it for all. */
async function ensureKey(dataDir: string): Promise<Uint8Array> {
  const file = join(dataDir, KEY_FILE);
  const known = await readKey(file);
  if (known !== null) return known;
  await mkdir(dataDir, { recursive: true });
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  await writeFile(draft, `${randomBytes(KEY_BYTES).toString('base64')}\n`, { mode: 0o600, flush: true });
  try {
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  const made = await readKey(file);
  if (made === null) throw new Error(`The encryption key ${file} is gone as soon as it was made.`);
  return made;
}

async function readKey(file: string): Promise<Uint8Array | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  const key = Buffer.from(text, 'base64');
  if (key.length !== KEY_BYTES) throw new Error(`${file} holds no key of 32 bytes in base64: restore it.`);
  return key;
}
