import { readFileSync } from 'node:fs';
import { projectPath } from '../../src/persistence/index.ts';

const read = (...path: string[]): string => readFileSync(projectPath(...path), 'utf8');
const settings = [...read('src', 'config', 'config.ts').matchAll(/^ {4}([A-Z_]+): /gm)].map(
  ([, name]) => name,
);

it('finds settings', () => {
  expect(settings).toContain('DATABASE_URL');
});

it('has every setting in the README, and no other', () => {
  const [, behind = ''] = read('README.md').split('## Settings');
  const rows = behind.split('\n## ')[0]?.match(/^\| `.*?` \|/gm) ?? [];
  const told = rows.flatMap((row) => row.match(/[A-Z_]+/g) ?? []);
  expect(told.sort()).toEqual([...settings].sort());
});

it('has every setting in .env.example, and no other', () => {
  const told = [...read('.env.example').matchAll(/^#([A-Z_]+)=/gm)].map(([, name]) => name);
  expect(told.sort()).toEqual([...settings].sort());
});
