import { readFileSync } from 'node:fs';
import { projectPath } from '../../src/persistence/index.ts';
import { followGuide } from './follow-guide.ts';
import { deadLinksIn } from './guide-blocks.ts';

const FOLDER = projectPath('docs', 'guides');
const guide = readFileSync(projectPath('docs', 'guides', 'plugin-tools.md'), 'utf8');

describe('the tools for authors of plugins', () => {
  followGuide(guide, null);
});

it('has what each of its links leads to', () => {
  expect(deadLinksIn(guide, FOLDER)).toEqual([]);
});
