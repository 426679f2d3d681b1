import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lexicographicSortSchema, printSchema } from 'graphql';
import { z } from 'zod';
import { memberCreate } from '../extension/index.ts';
import { projectPath } from '../persistence/index.ts';
import { buildGraphQLSchema } from './schema.ts';

/** Every extension point that there is. */
const points = [memberCreate];

const HEADER = '# Emitted by `npm run schema:emit` from the code; change that, not this.\n\n';

/** Writes `schema.graphql` and the JSON Schemas of the extension points. */
async function emit(folder: string): Promise<void> {
  await rm(join(folder, 'extension-points'), { recursive: true, force: true });
  await mkdir(join(folder, 'extension-points'), { recursive: true });
  const sorted = lexicographicSortSchema(buildGraphQLSchema());
  await writeFile(join(folder, 'schema.graphql'), `${HEADER}${printSchema(sorted)}\n`);
  for (const { name, version, description, input, output } of points) {
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

const { values } = parseArgs({ options: { out: { type: 'string' } } });
await emit(values.out ?? projectPath('schema'));
