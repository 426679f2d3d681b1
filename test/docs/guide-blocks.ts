import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A fenced block of a guide. */
export interface Block {
  /** The words behind the fence, e.g. `json answer`. */
  readonly info: string;
  readonly text: string;
  /** Where its fence begins in the guide. */
  readonly line: number;
}

const FENCE = '```';

/** The fenced blocks of a guide, in its order. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { info: string; line: number; lines: string[] } | null = null;
  markdown.split('\n').forEach((text, index) => {
    const isFence = text.trimStart().startsWith(FENCE);
    if (open === null) {
      if (isFence) open = { info: text.trim().slice(FENCE.length).trim(), line: index + 1, lines: [] };
    } else if (isFence) {
      blocks.push({ info: open.info, line: open.line, text: `${open.lines.join('\n')}\n` });
      open = null;
    } else {
      open.lines.push(text);
    }
  });
  if (open !== null) throw new Error('The last block of the guide has no end.');
  return blocks;
}

/** The rows, cell by cell, of the table behind a comment `<!-- name -->`; without its head. */
export function tableOf(markdown: string, name: string): string[][] {
  const [, behind] = markdown.split(`<!-- ${name} -->`);
  const table = /^\|.*(?:\n\|.*)*/m.exec(behind ?? '')?.[0];
  if (table === undefined) throw new Error(`The guide has no table "${name}".`);
  return table.split('\n').slice(2).map(cellsOf);
}

function cellsOf(row: string): string[] {
  return row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** The links of a page that lead nowhere: to no heading of its own, or to no file beside its folder. */
export function deadLinksIn(markdown: string, folder: string): string[] {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
  const links = [...markdown.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
  return links.filter((link) => {
    const [file = '', anchor] = link.split('#');
    if (file.startsWith('https:')) return false;
    return file === '' ? !headings.includes(anchor ?? '') : !existsSync(join(folder, file));
  });
}

/** As GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

/** What a table's first column names in backticks, one name a row. */
export function namesIn(rows: readonly string[][]): string[] {
  return rows.map(([cell = '']) => /^`([^`]+)`$/.exec(cell)?.[1] ?? `no name: ${cell}`);
}

/**
 * A program file with some of its top-level keys replaced by those of a patch; new ones come last. Done as in
 * an editor, so that the lines of the rest stay where they are.
 */
export function withSections(before: string, patch: string): string {
  const sections = new Map(sectionsOf(before));
  for (const [key, text] of sectionsOf(patch)) sections.set(key, text);
  return [...sections.values()].join('');
}

function sectionsOf(source: string): [key: string, text: string][] {
  return source
    .split(/^(?=[A-Za-z])/m)
    .filter((text) => text !== '')
    .map((text) => {
      const key = /^([A-Za-z]+):/.exec(text)?.[1];
      if (key === undefined) throw new Error(`A program block begins with a top-level key: ${text}`);
      return [key, text];
    });
}
