import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Plugin } from '../extension/index.ts';

/** Beside `src`, and so beside `dist/src` once it is built. */
const PLUGINS_FOLDER = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'plugins');

/**
 * Loads plugins of the folder `plugins/` by their ids.
 * @throws Error, one sentence that names the offender and the mend
 */
export async function loadPlugins(ids: readonly string[]): Promise<Plugin[]> {
  return await Promise.all(ids.map(loadPlugin));
}

async function loadPlugin(id: string): Promise<Plugin> {
  const files = ['plugin.js', 'plugin.ts'].map((file) => join(PLUGINS_FOLDER, id, file));
  const file = files.find((candidate) => existsSync(candidate));
  if (file === undefined) {
    throw new Error(
      `PLUGINS names "${id}", but there is no plugins/${id}/plugin.ts: correct the name or add it.`,
    );
  }
  const { plugin } = (await import(pathToFileURL(file).href)) as { plugin?: Plugin };
  if (plugin === undefined)
    throw new Error(`plugins/${id}/plugin.ts exports no "plugin": export definePlugin({…}).`);
  if (plugin.id !== id)
    throw new Error(`plugins/${id}/plugin.ts calls itself "${plugin.id}": give it its folder's name.`);
  return plugin;
}
