import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isEnumType, isInputObjectType } from 'graphql';
import { buildGraphQLSchema } from '../../src/gateway/schema.ts';
import { projectPath } from '../../src/persistence/index.ts';
import { followGuide } from './follow-guide.ts';
import { deadLinksIn, namesIn, tableOf } from './guide-blocks.ts';

const FOLDER = projectPath('docs', 'guides');
const guide = readFileSync(join(FOLDER, 'extensions.md'), 'utf8');
const failures = readFileSync(join(FOLDER, 'failure-policies.md'), 'utf8');
const schema = buildGraphQLSchema();

describe('the page on extensions, block by block', () => {
  const run = followGuide(guide, null);

  it('tells the limits of each runtime', () => {
    const { WEBHOOK, SANDBOX, IN_PROCESS } = run().application.services.extensionLimits;
    const told = tableOf(guide, 'limits').map(([name = '', ...cells]) => [name, ...cells]);
    const held = (Object.keys(WEBHOOK) as (keyof typeof WEBHOOK)[]).map((name) => [
      `\`${name}\``,
      ...[WEBHOOK, SANDBOX, IN_PROCESS].map((limits) => String(limits[name] ?? '')),
    ]);
    expect(told.sort()).toEqual(held.sort());
  });

  it('names every metric of extensions', async () => {
    const metrics = await run().application.metrics.registry.getMetricsAsJSON();
    const names = metrics
      .map(({ name }) => name)
      .filter((name) => /^membergraph_(extension|plugin)/.test(name));
    expect(namesIn(tableOf(guide, 'metrics')).sort()).toEqual(names.sort());
  });
});

it.each([guide, failures])('has what each of its links leads to', (page) => {
  expect(deadLinksIn(page, FOLDER)).toEqual([]);
});

/** The fields of an input, or the values of an enumeration, sorted. */
function namesOf(type: string): string[] {
  const found = schema.getType(type);
  if (isEnumType(found)) return found.getValues().map(({ name }) => name);
  return isInputObjectType(found) ? Object.keys(found.getFields()) : [];
}

it.each([
  ['settings', 'RegisterExtensionInput', guide],
  ['stages', 'ExtensionStage', guide],
  ['outcomes', 'ExtensionCallOutcome', failures],
  ['policies', 'ExtensionFailurePolicy', failures],
  ['modes', 'ExtensionCallMode', guide],
])('names all %s', (table, type, page) => {
  const ofEveryWrite = ['idempotencyKey', 'dryRun'];
  const names = namesOf(type).filter((name) => !ofEveryWrite.includes(name));
  expect(namesIn(tableOf(page, table)).sort()).toEqual(names.sort());
});
