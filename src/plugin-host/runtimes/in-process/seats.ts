import type { Plugin } from '../../../extension/index.ts';
import type { Guest } from './guests.ts';
import { Watchdog, type WatchdogOptions } from './watchdog.ts';

/** All code of plugins that may run: what answers, and what they bring beside that. */
function seatsOf({ id: plugin, answers, schema, listeners = [], jobs = [] }: Plugin): Guest[] {
  const fields = Object.entries(schema?.fields ?? {}).flatMap(([type, brought]) =>
    Object.keys(brought ?? {}).map((name) => `${type}.${name}`),
  );
  const told = listeners.map(({ name }) => `listeners.${name}`);
  const worked = jobs.map(({ name }) => `jobs.${name}`);
  const points = new Set(answers.map(({ point }) => point.name));
  return [...points, ...fields, ...told, ...worked].map((point) => ({ plugin, point }));
}

/** Watches over whatever plugins do in this process. */
export function watchPlugins(plugins: readonly Plugin[], options: WatchdogOptions): Watchdog {
  return new Watchdog(plugins.flatMap(seatsOf), options);
}
