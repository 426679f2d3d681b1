import type { Fault, Plugin } from '../../../extension/index.ts';
import { faultOf } from '../../json.ts';

/** A configuration as a plugin's schema makes it, or why it can't be. */
export type Configured =
  | { readonly configuration: unknown; readonly fault: null }
  | { readonly fault: Fault };

export function configure({ id, configuration: schema }: Plugin, configuration: unknown): Configured {
  if (schema === undefined) return { configuration: configuration ?? {}, fault: null };
  try {
    const { data, error } = schema.safeParse(configuration ?? {});
    if (error === undefined) return { configuration: data, fault: null };
    return { fault: faultOf('PLUGIN_CONFIGURATION', error, { plugin: id }) };
  } catch (error) {
    return { fault: { code: 'PLUGIN_THREW', details: { plugin: id }, message: messageOf(error) } };
  }
}

/** A plugin may throw anything, also what can't be written. */
export function messageOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return 'what was thrown can’t be written';
  }
}
