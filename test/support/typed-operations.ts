import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const OPERATIONS = 'test/e2e/operations';
const GENERATED = 'test/e2e/generated/graphql.ts';
const CODEGEN = 'node_modules/@graphql-codegen/cli/esm/bin.js';

async function changedAt(path: string): Promise<number> {
  const facts = await stat(path).catch(() => null);
  return facts?.mtimeMs ?? 0;
}

/**
 * Generates the typed client of the end-to-end tests when it is missing, or older than what it is made
 * from.
 */
export async function ensureTypedClient(): Promise<void> {
  const operations = (await readdir(OPERATIONS)).map((file) => join(OPERATIONS, file));
  const sources = ['codegen.yml', 'schema/schema.graphql', OPERATIONS, ...operations];
  const youngest = Math.max(...(await Promise.all(sources.map(changedAt))));
  if ((await changedAt(GENERATED)) >= youngest) return;
  await promisify(execFile)(process.execPath, [CODEGEN, '--config', 'codegen.yml', '--errors-only']);
}
