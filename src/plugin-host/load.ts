import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { GraphQLSchema } from 'graphql';
import { type ExtensionPoint, extensionPoints, type Plugin } from '../extension/index.ts';
import { withPluginTypes } from './parts/extend-schema.ts';
import { type Candidate, type PluginSet, readPlugin, withDependencies } from './plugin-checks.ts';
import { PluginFault } from './plugin-fault.ts';
import { asGuest } from './runtimes/in-process/index.ts';

/** Beside `src`, and so beside `dist/src` once it is built. */
const PLUGINS_FOLDER = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'plugins');
/** After a name: without this plugin the product starts too. */
const OPTIONAL = '?';
const LONGEST_IMPORT_MS = 30_000;

export interface LoadOptions {
  /** Where the operator's own plugins are; `plugins/` when missing. */
  readonly folder?: string;
  /** Every point that can be answered. */
  readonly points?: readonly ExtensionPoint[];
  /** How long an import may take. */
  readonly longestMs?: number;
  /** The product's schema, which what plugins add to it has to fit. */
  readonly schema?: GraphQLSchema;
}

/**
 * Loads plugins by name: of a folder in `plugins/`, or of a package. One whose name ends with `?` is optional:
 * what is wrong with it keeps only itself, and those who depend on it, from being loaded.
 * @throws Error, one sentence that names the offender and the mend
 */
export async function loadPlugins(
  names: readonly string[],
  {
    folder = PLUGINS_FOLDER,
    points = extensionPoints,
    longestMs = LONGEST_IMPORT_MS,
    schema,
  }: LoadOptions = {},
): Promise<PluginSet> {
  const candidates = await Promise.all(
    names.map(async (given): Promise<Candidate> => {
      const isOptional = given.endsWith(OPTIONAL);
      const name = isOptional ? given.slice(0, -OPTIONAL.length) : given;
      try {
        return { name, isOptional, plugin: await loadPlugin(name, { folder, points, longestMs, schema }) };
      } catch (error) {
        return { name, isOptional, plugin: error instanceof PluginFault ? error : cannotLoad(name, error) };
      }
    }),
  );
  return withDependencies(candidates);
}

/**
 * Takes plugins that a test has at hand, as if they had been loaded.
 * @throws Error, one sentence that names the offender and the mend
 */
export function takePlugins(plugins: readonly Plugin[]): PluginSet {
  return withDependencies(
    plugins.map((given) => {
      const plugin = readPlugin(`The plugin "${given.id}"`, given, extensionPoints);
      return { name: plugin.id, isOptional: false, plugin };
    }),
  );
}

/**
 * Loads the plugin of a file, anew for each `time`; other files that it imports stay as they were.
 * @throws Error, one sentence that names the mend
 */
export async function loadPluginFile(file: string, time: number): Promise<Plugin> {
  const { plugin } = await importFrom(file, `${pathToFileURL(file).href}?time=${time}`, LONGEST_IMPORT_MS);
  return readPlugin(file, plugin, extensionPoints);
}

/** The folder of one of the operator's own plugins; null where it is a package, or nothing. */
export function placeOf(name: string): string | null {
  const file = fileOf(name, PLUGINS_FOLDER);
  return file === undefined ? null : dirname(file);
}

function fileOf(name: string, folder: string): string | undefined {
  const files = ['plugin.js', 'plugin.ts'].map((file) => join(folder, name, file));
  return files.find((candidate) => existsSync(candidate));
}

/** @throws PluginFault */
async function loadPlugin(
  name: string,
  { folder, points, longestMs, schema }: LoadOptions & Required<Omit<LoadOptions, 'schema'>>,
): Promise<Plugin> {
  const file = fileOf(name, folder);
  const where = file === undefined ? `the package "${name}"` : `plugins/${name}/plugin.ts`;
  const url = file === undefined ? undefined : pathToFileURL(file).href;
  const exported = await importFrom(name, url, longestMs);
  if (exported.plugin === undefined)
    throw new PluginFault(`${where} exports no "plugin": export definePlugin({…}).`);
  const plugin = readPlugin(where, exported.plugin, points);
  const id = name.split('/').at(-1) ?? name;
  if (plugin.id !== id) {
    const mend = file === undefined ? `"${id}", as its package is` : "its folder's name";
    throw new PluginFault(`${where} calls itself "${plugin.id}": give it ${mend}.`);
  }
  if (schema !== undefined) withPluginTypes(schema, [plugin]);
  return plugin;
}

async function importFrom(
  name: string,
  url: string | undefined,
  longestMs: number,
): Promise<{ plugin?: unknown }> {
  const specifier = url ?? name;
  try {
    // What it leaves behind while it is loaded is its own too.
    const importing = asGuest({ plugin: name, point: null }, async () => await import(specifier));
    return await within(longestMs, importing);
  } catch (error) {
    if (url === undefined && isMissing(error, name)) {
      throw new PluginFault(
        `PLUGINS names "${name}", but there is no plugins/${name}/plugin.ts and no package "${name}": ` +
          'correct the name or add it.',
      );
    }
    throw cannotLoad(name, error);
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`its import has not ended within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function cannotLoad(name: string, error: unknown): PluginFault {
  const [why = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return new PluginFault(`The plugin "${name}" can't be loaded: ${why.replace(/\.$/, '')}.`);
}

/** Whether it is the package itself that there isn't, and not something that it needs. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  const isNotFound =
    code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND' || code === 'ERR_INVALID_MODULE_SPECIFIER';
  return isNotFound && String(message).includes(`'${name}'`);
}
