import type { z } from 'zod';
import type { Fault } from '../extension/index.ts';

/** As much as every runtime takes. */
const MOST_BYTES = 256 * 1024;
/** As deep as a webhook's answer may be; whatever walks a deeper value could end by it. */
const MOST_DEPTH = 32;
/** Shared parts can make a small value endless to walk. */
const MOST_PARTS = 100_000;

type ShapeCode = 'INPUT_INVALID' | 'OUTPUT_INVALID';

export type Json = { readonly json: string; readonly fault: null } | { readonly fault: Fault };

/** Writes a value of ours or of a plugin's as JSON, if it is that, and not too much of it. */
export function writeJson(code: ShapeCode, value: unknown): Json {
  try {
    const trouble = walk(value);
    if (trouble !== null) return { fault: shapeFault(code, trouble) };
    // Nothing has no JSON, and is what the schema has to refuse.
    const json = JSON.stringify(value) ?? 'null';
    if (Buffer.byteLength(json) > MOST_BYTES)
      return { fault: shapeFault(code, `more than ${MOST_BYTES} bytes`) };
    return { json, fault: null };
  } catch {
    return { fault: shapeFault(code, 'no JSON') };
  }
}

function walk(value: unknown): string | null {
  let parts = 0;
  const isTooDeep = (part: unknown, depth: number): boolean => {
    parts += 1;
    if (depth > MOST_DEPTH || parts > MOST_PARTS) return true;
    if (typeof part !== 'object' || part === null) return false;
    return Object.values(part).some((inner) => isTooDeep(inner, depth + 1));
  };
  if (!isTooDeep(value, 0)) return null;
  return parts > MOST_PARTS ? `more than ${MOST_PARTS} parts` : `nested deeper than ${MOST_DEPTH}`;
}

function shapeFault(code: ShapeCode, problem: string): Fault {
  return { code, details: { path: '.', problem } };
}

/** Keys are whatever somebody answered: as much of them as a sentence bears. */
const MOST_CHARACTERS = 200;

/** The first of what a schema found. */
export function faultOf(code: string, error: z.ZodError, details: Fault['details'] = {}): Fault {
  const [issue] = error.issues;
  const path = issue === undefined || issue.path.length === 0 ? '.' : issue.path.join('.');
  const problem = (issue?.message ?? 'not understood').replace(/\.$/, '');
  return { code, details: { ...details, path: shortened(path), problem: shortened(problem) } };
}

function shortened(text: string): string {
  if (text.length <= MOST_CHARACTERS) return text;
  return `${text.slice(0, MOST_CHARACTERS).toWellFormed()}…`;
}
