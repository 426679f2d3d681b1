import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'migrations', 'grants.sql'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error('The folder "migrations" is missing beside the program: install it whole.');
    folder = parent;
  }
  return folder;
}

const root = findRoot();

/** A path inside the installed project, whether it runs from `src` or from `dist`. */
export function projectPath(...parts: string[]): string {
  return join(root, ...parts);
}
