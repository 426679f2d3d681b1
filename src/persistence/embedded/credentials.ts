import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { readIfExists, writePrivateFile } from './durable-file.ts';
import { EmbeddedPostgresError } from './errors.ts';

export const DATABASE_NAME = 'membergraph';
export const OWNER_ROLE = 'membergraph_owner';
export const APP_ROLE = 'membergraph_app';
export const SUPERUSER = 'postgres';

const passwords = z.object({ superuser: z.string(), owner: z.string(), app: z.string() });
export type Credentials = Readonly<z.infer<typeof passwords>>;

export function newCredentials(): Credentials {
  // Letters, digits, - and _ only: nothing to escape in SQL or in a URL.
  const password = (): string => randomBytes(24).toString('base64url');
  return { superuser: password(), owner: password(), app: password() };
}

export async function saveCredentials(control: string, credentials: Credentials): Promise<void> {
  await writePrivateFile(credentialsFile(control), `${JSON.stringify(credentials, null, 2)}\n`);
}

export async function loadCredentials(control: string): Promise<Credentials> {
  const file = credentialsFile(control);
  try {
    return passwords.parse(JSON.parse((await readIfExists(file)) ?? ''));
  } catch (error) {
    throw new EmbeddedPostgresError(
      `The passwords of the embedded database cannot be read from ${file}; restore this file from a backup.`,
      { cause: error },
    );
  }
}

export function databaseUrl(role: string, password: string, port: number): string {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${DATABASE_NAME}`;
}

function credentialsFile(control: string): string {
  return join(control, 'credentials.json');
}
