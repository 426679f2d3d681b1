import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import type { Config } from '../config/index.ts';
import { newKey } from '../kernel/ids.ts';

const ALGORITHM = 'EdDSA';
const PRIVATE_FILE = 'jwt-signing-key.json';
const PUBLIC_FILE = 'jwks.json';

/** Whom a token is for. */
export interface TokenClaims {
  /** A member's public id, or whatever names a person of the staff. */
  readonly subject: string;
  /** The tenant's code. */
  readonly tenant: string;
  readonly role: 'member' | 'staff';
  /** E.g. `365d`. */
  readonly expiresIn: string;
}

/** Writes a file that only its owner reads, all of it or nothing. */
export async function writePrivateFile(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  await writeFile(draft, text, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, file);
}

async function readKey(file: string): Promise<JWK | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as JWK;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/**
 * The key that signs tokens where no issuer of the enterprise's own is configured; made once, under
 * DATA_DIR.
 */
async function ensureSigningKey(dataDir: string): Promise<JWK> {
  await mkdir(dataDir, { recursive: true });
  const file = join(dataDir, PRIVATE_FILE);
  const existing = await readKey(file);
  if (existing !== null) return existing;
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true });
  const kid = newKey();
  const made: JWK = { ...(await exportJWK(privateKey)), kid, alg: ALGORITHM };
  const shown: JWK = { ...(await exportJWK(publicKey)), kid, alg: ALGORITHM, use: 'sig' };
  await writePrivateFile(join(dataDir, PUBLIC_FILE), JSON.stringify({ keys: [shown] }));
  await writePrivateFile(file, JSON.stringify(made));
  return made;
}

/** The file of the public keys that tokens are checked with. */
export async function ensureJwksFile(dataDir: string): Promise<string> {
  await ensureSigningKey(dataDir);
  return join(dataDir, PUBLIC_FILE);
}

/** Signs a token with the key under DATA_DIR. */
export async function signToken({ dataDir, jwt }: Config, claims: TokenClaims): Promise<string> {
  const key = await ensureSigningKey(dataDir);
  return await new SignJWT({ tenant: claims.tenant, role: claims.role })
    .setProtectedHeader({ alg: ALGORITHM, kid: key.kid })
    .setIssuer(jwt.issuer)
    .setAudience(jwt.audience)
    .setSubject(claims.subject)
    .setIssuedAt()
    .setExpirationTime(claims.expiresIn)
    .sign(await importJWK(key, ALGORITHM));
}
