import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { z } from 'zod';
import { publishedEvents } from '../domain/endpoints/index.ts';
import { extensionPoints } from '../extension/index.ts';
import { projectPath } from '../persistence/index.ts';
import { type PointExamples, pointIndex, pointPage } from './extension-pages.ts';
import { buildGraphQLSchema } from './schema.ts';

const HEADER = '# Emitted by `npm run schema:emit` from the code; change that, not this.\n\n';

/** Writes `schema.graphql` and the JSON Schemas of the extension points and of what endpoints are told. */
async function emit(folder: string): Promise<void> {
  await rm(join(folder, 'extension-points'), { recursive: true, force: true });
  await mkdir(join(folder, 'extension-points'), { recursive: true });
  await rm(join(folder, 'events'), { recursive: true, force: true });
  await mkdir(join(folder, 'events'), { recursive: true });
  for (const { name, schema } of publishedEvents())
    await writeFile(join(folder, 'events', `${name}.json`), `${JSON.stringify(schema, null, 2)}\n`);
  const sorted = lexicographicSortSchema(buildGraphQLSchema());
  await writeFile(join(folder, 'schema.graphql'), `${HEADER}${printSchema(sorted)}\n`);
  for (const { name, version, description, input, output } of extensionPoints) {
    const schemas = {
      name,
      version,
      description,
      input: z.toJSONSchema(input, { io: 'input' }),
      output: z.toJSONSchema(output, { io: 'input' }),
    };
    const file = join(folder, 'extension-points', `${name}.v${version}.json`);
    await writeFile(file, `${JSON.stringify(schemas, null, 2)}\n`);
  }
}

/** The files that a point's page includes. @throws Error when one of them is missing */
async function examplesOf(point: string): Promise<PointExamples> {
  const read = (file: string) =>
    readFile(projectPath('docs', 'examples', 'extension-points', point, file), 'utf8');
  const [plugin, http, sandbox] = await Promise.all([
    read('plugin.ts'),
    read('http.txt'),
    read('sandbox.js'),
  ]);
  return { plugin, http, sandbox };
}

/** Writes a page for each extension point, and their index. */
async function emitPages(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'README.md'), pointIndex(extensionPoints));
  for (const point of extensionPoints) {
    await writeFile(join(folder, `${point.name}.md`), pointPage(point, await examplesOf(point.name)));
  }
}

const { values } = parseArgs({ options: { out: { type: 'string' }, pages: { type: 'string' } } });
await emit(values.out ?? projectPath('schema'));
await emitPages(values.pages ?? projectPath('docs', 'extension-points'));
