import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectPath } from '../../src/persistence/index.ts';
import { blocksOf, deadLinksIn, namesIn, tableOf } from './guide-blocks.ts';

// What is run in English holds in Chinese: the blocks, commands and named tables are the same.

const FOLDER = projectPath('docs', 'guides');
const CHINESE = '.zh-CN.md';
const guides = readdirSync(FOLDER)
  .filter((name) => name.endsWith(CHINESE))
  .map((name) => name.replace(CHINESE, ''));
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

/** What is only indented: commands. */
function commandsOf(guide: string): string[] {
  const blocks = new Set(blocksOf(guide).flatMap(({ text }) => text.split('\n')));
  return guide.split('\n').filter((line) => line.startsWith('    ') && !blocks.has(line));
}

function tableNamesOf(guide: string): string[] {
  return [...guide.matchAll(/^<!-- ([a-z ]+) -->$/gm)].map(([, name = '']) => name);
}

describe.each(guides)('%s in Chinese', (name) => {
  const english = read(`${name}.md`);
  const chinese = read(`${name}${CHINESE}`);

  it('has the same blocks and commands', () => {
    const without = (guide: string) => blocksOf(guide).map(({ info, text }) => ({ info, text }));
    expect(without(chinese)).toEqual(without(english));
    expect(commandsOf(chinese)).toEqual(commandsOf(english));
  });

  it('names the same in the same tables', () => {
    expect(tableNamesOf(chinese)).toEqual(tableNamesOf(english));
    for (const table of tableNamesOf(english))
      expect(namesIn(tableOf(chinese, table))).toEqual(namesIn(tableOf(english, table)));
  });

  it('has as many chapters, and what each of its links leads to', () => {
    const heads = (guide: string) => guide.match(/^## /gm)?.length;
    expect(heads(chinese)).toBe(heads(english));
    expect(deadLinksIn(chinese, FOLDER)).toEqual([]);
    expect(chinese).toContain(`[English](${name}.md)`);
    expect(existsSync(join(FOLDER, `${name}.md`))).toBe(true);
  });
});
