import { z } from 'zod';
import type { ExtensionPoint, Plugin } from '../extension/index.ts';
import { pointIn } from './dialects.ts';
import { faultOf } from './json.ts';
import { claimsOf, partShapes, refuseBadParts, refuseIdle } from './parts/part-checks.ts';
import { PluginFault } from './plugin-fault.ts';

const LONGEST_DEADLINE_MS = 60_000;

const isSchema = (value: unknown): boolean => typeof (value as z.ZodType | null)?.safeParse === 'function';
const isFunction = (value: unknown): boolean => typeof value === 'function';

const shape = z.object({
  id: z
    .string()
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, { error: 'takes words in small letters, joined by hyphens' }),
  version: z.int().min(1),
  description: z.string().min(1),
  dependsOn: z.array(z.string()).optional(),
  configuration: z.custom(isSchema, { error: 'takes a schema of zod' }).optional(),
  deadlineMs: z.int().min(1).max(LONGEST_DEADLINE_MS).optional(),
  onFailure: z.enum(['FAIL_CLOSED', 'FAIL_OPEN']).optional(),
  priority: z.int().optional(),
  answers: z.array(
    z.object({
      point: z.object({ name: z.string(), version: z.int() }),
      answer: z.custom(isFunction, { error: 'takes a function' }),
    }),
  ),
  ...partShapes,
});

/** One that is named in PLUGINS, and what came of loading it. */
export interface Candidate {
  readonly name: string;
  readonly isOptional: boolean;
  readonly plugin: Plugin | PluginFault;
}

/** An optional plugin that isn't asked. */
export interface Quarantined {
  readonly id: string;
  readonly why: string;
}

export interface PluginSet {
  readonly plugins: readonly Plugin[];
  readonly quarantined: readonly Quarantined[];
  /** Those that the product starts without, too. */
  readonly optional: readonly string[];
}

/**
 * Holds what a module exports against what a plugin is: nobody checked its types.
 * @throws PluginFault
 */
export function readPlugin(where: string, exported: unknown, points: readonly ExtensionPoint[]): Plugin {
  const { error } = shape.safeParse(exported);
  if (error !== undefined) {
    const { path, problem } = faultOf('', error).details;
    throw new PluginFault(`${where} exports a "plugin" that is wrong at "${path}": ${problem}. Correct it.`);
  }
  const plugin = exported as Plugin;
  for (const [index, { point }] of plugin.answers.entries()) {
    refuseUnknownPoint(plugin, point, points);
    const isTwice = plugin.answers
      .slice(0, index)
      .some((other) => other.point.name === point.name && other.point.version === point.version);
    if (isTwice)
      throw new PluginFault(`The plugin "${plugin.id}" answers "${point.name}" twice: leave one of them.`);
  }
  refuseNeedyConfiguration(plugin);
  refuseIdle(where, plugin);
  refuseBadParts(plugin);
  return plugin;
}

function refuseUnknownPoint(
  { id }: Plugin,
  { name, version }: ExtensionPoint,
  points: readonly ExtensionPoint[],
): void {
  const known = points.find((point) => point.name === name);
  if (known === undefined) {
    const names = points.map((point) => `"${point.name}"`).join(', ');
    throw new PluginFault(
      `The plugin "${id}" answers "${name}", which nothing asks: answer one of ${names}.`,
    );
  }
  if (pointIn(known, version) === null) {
    throw new PluginFault(
      `The plugin "${id}" answers version ${version} of "${name}", which is not known here: answer version ` +
        `${known.version}.`,
    );
  }
}

/** A tenant may configure nothing. */
function refuseNeedyConfiguration({ id, configuration }: Plugin): void {
  if (configuration === undefined) return;
  let problem: string;
  try {
    const { error } = configuration.safeParse({});
    if (error === undefined) return;
    const { details } = faultOf('', error);
    problem = `"${details.path}": ${details.problem}`;
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  throw new PluginFault(
    `The plugin "${id}" can't do without a configuration (${problem}): give each key of its schema a default.`,
  );
}

/**
 * Takes plugins as far as they are sound, and all is there that they depend on.
 * @throws Error when one is not that is not optional
 */
export function withDependencies(candidates: readonly Candidate[]): PluginSet {
  const quarantined: Quarantined[] = [];
  const sound = new Map<string, Candidate & { readonly plugin: Plugin }>();
  const setAside = ({ name, isOptional }: Candidate, why: string): void => {
    if (!isOptional) throw new Error(why);
    quarantined.push({ id: name, why });
  };
  for (const candidate of candidates) {
    const { plugin } = candidate;
    if (plugin instanceof PluginFault) setAside(candidate, plugin.message);
    else if (sound.has(plugin.id))
      throw new Error(`The plugin "${plugin.id}" is loaded twice: name it once in PLUGINS.`);
    else sound.set(plugin.id, { ...candidate, plugin });
  }
  refuseCollisions([...sound.values()].map(({ plugin }) => plugin));
  // Whoever is set aside may be what another one depends on: look until nothing changes.
  for (let count = -1; count !== sound.size; ) {
    count = sound.size;
    for (const candidate of [...sound.values()]) {
      const trouble = troubleOf(candidate.plugin, sound);
      if (trouble === null) continue;
      setAside(candidate, trouble);
      sound.delete(candidate.plugin.id);
    }
  }
  const taken = [...sound.values()];
  const optional = taken.filter(({ isOptional }) => isOptional).map(({ plugin }) => plugin.id);
  return { plugins: taken.map(({ plugin }) => plugin), quarantined, optional };
}

/** Which of two is meant can't be told, so neither is set aside. */
function refuseCollisions(plugins: readonly Plugin[]): void {
  const claimed = new Map<string, string>();
  for (const plugin of plugins) {
    for (const claim of claimsOf(plugin)) {
      const other = claimed.get(claim);
      if (other !== undefined && other !== plugin.id) {
        throw new Error(
          `The plugins "${other}" and "${plugin.id}" both bring ${claim}: load one of them, or rename one.`,
        );
      }
      claimed.set(claim, plugin.id);
    }
  }
}

function troubleOf(
  { id, dependsOn = [] }: Plugin,
  sound: ReadonlyMap<string, { readonly plugin: Plugin }>,
): string | null {
  const missing = dependsOn.find((other) => !sound.has(other));
  if (missing !== undefined) {
    return `The plugin "${id}" depends on "${missing}", which is not loaded: name it in PLUGINS too.`;
  }
  const circle = circleFrom(id, [], sound);
  if (circle === null) return null;
  const names = circle.map((name) => `"${name}"`).join(' on ');
  return `The plugins depend on each other in a circle, ${names}: one of them must do without.`;
}

/** The way from a plugin back to itself. */
function circleFrom(
  id: string,
  way: readonly string[],
  sound: ReadonlyMap<string, { readonly plugin: Plugin }>,
): string[] | null {
  if (way[0] === id) return [...way, id];
  if (way.includes(id)) return null;
  for (const next of sound.get(id)?.plugin.dependsOn ?? []) {
    const circle = circleFrom(next, [...way, id], sound);
    if (circle !== null) return circle;
  }
  return null;
}
