#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const OLDEST_NODE = 22;

/** The Node.js that comes with the project, for machines whose own is too old. */
function ownNode(): string | null {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (;;) {
    const candidate = join(folder, 'node_modules', '.bin', 'node');
    if (existsSync(candidate)) return candidate;
    const parent = dirname(folder);
    if (parent === folder) return null;
    folder = parent;
  }
}

if (Number(process.versions.node.split('.')[0]) >= OLDEST_NODE) {
  const { runCli } = await import('./cli.ts');
  process.exitCode = await runCli(process.argv);
} else {
  const node = ownNode();
  if (node === null) {
    process.stderr.write(`Membergraph needs Node.js ${OLDEST_NODE} or newer; this is ${process.version}.\n`);
    process.exit(1);
  }
  const { status } = spawnSync(node, process.argv.slice(1), { stdio: 'inherit' });
  process.exit(status ?? 1);
}
