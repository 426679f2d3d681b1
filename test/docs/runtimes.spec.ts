import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectPath } from '../../src/persistence/index.ts';
import { followGuide } from './follow-guide.ts';
import { deadLinksIn } from './guide-blocks.ts';

const FOLDER = projectPath('docs', 'guides');
const GUIDES = ['in-process', 'webhook', 'sandbox'].map((runtime): [name: string, text: string] => {
  const name = `runtime-${runtime}.md`;
  return [name, readFileSync(join(FOLDER, name), 'utf8')];
});

// One gateway for all of them: their lines are counted on from one to the next.
describe('the guides of the runtimes, one after the other', () => {
  followGuide(GUIDES.map(([, text]) => text).join('\n'), null);
});

it.each(GUIDES)('%s has what each of its links leads to', (_name, text) => {
  expect(deadLinksIn(text, FOLDER)).toEqual([]);
});

it.each(GUIDES)('%s goes through the same questions', (_name, text) => {
  const heads = [...text.matchAll(/^## (.+)$/gm)].map(([, head]) => head);
  expect(heads).toEqual([
    ...["What it can, and can't", 'Write', 'Test', 'Register, and roll out'],
    ...['Secure', 'Measure', 'Debug'],
  ]);
});
