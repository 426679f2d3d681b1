import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Json } from './gateway.ts';

/** Where the front-end teams keep what their clients send: beside the checkout, never in it. */
const FOLDER = resolve(process.env.MEMBERGRAPH_DOCUMENTS ?? '../shared/documents');

export const documentsArePresent = existsSync(join(FOLDER, 'CONTRACT.md'));

/** `describe`, or `describe.skip` with a reason that is seen, where the documents are absent. */
export function describeDocuments(name: string, tests: () => void): void {
  if (documentsArePresent) {
    describe(name, tests);
    return;
  }
  console.warn(`Tests of the clients' documents are skipped: ${FOLDER} is absent.`);
  describe.skip(`${name} (skipped: ${FOLDER} is absent)`, tests);
}

/** What a client sends. */
export interface ClientDocument {
  readonly query: string;
  readonly variables: Record<string, Json>;
}

/** A document by its number, with its `$name` variables filled in. */
export async function readDocument(
  number: string,
  given: Readonly<Record<string, unknown>> = {},
): Promise<ClientDocument> {
  const name = (await readdir(FOLDER)).find(
    (file) => file.startsWith(`${number}-`) && file.endsWith('.graphql'),
  );
  if (name === undefined) throw new Error(`There is no document ${number}.`);
  const query = await readFile(join(FOLDER, name), 'utf8');
  const variables = await readFile(join(FOLDER, name.replace(/graphql$/, 'variables.json')), 'utf8');
  const filled = JSON.parse(variables, (_, value: unknown) => {
    if (typeof value !== 'string' || !value.startsWith('$')) return value;
    if (!(value.slice(1) in given)) throw new Error(`Document ${number} wants ${value}.`);
    return given[value.slice(1)];
  });
  return { query, variables: filled };
}
