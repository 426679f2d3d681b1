import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectPath } from '../../src/persistence/index.ts';
import { followGuide } from './follow-guide.ts';
import { deadLinksIn } from './guide-blocks.ts';

const FOLDER = projectPath('docs', 'guides');
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const english = read('your-first-extension.md');

describe('the guide, step by step', () => {
  followGuide(english, null);
});

it('has what each of its links leads to', () => {
  expect(deadLinksIn(english, FOLDER)).toEqual([]);
});
