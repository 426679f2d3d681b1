import { stripTypeScriptTypes } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { StripMessage } from './messages.ts';

/**
 * Node tells the place of what it can't read in the stack alone: first `:3`, then the source, and `^` below
 * it.
 */
function placeOf(error: unknown): { readonly line: number | null; readonly column: number | null } {
  const [first = '', ...lines] = error instanceof Error ? (error.stack ?? '').split('\n') : [];
  const [, line] = /^:(\d+)$/.exec(first) ?? [];
  const mark = lines.findLast((text) => /^ *\^+$/.test(text));
  return {
    line: line === undefined ? null : Number(line),
    column: mark === undefined ? null : mark.indexOf('^') + 1,
  };
}

function strip(source: string): StripMessage {
  try {
    return { code: stripTypeScriptTypes(source, { mode: 'strip' }) };
  } catch (error) {
    return { message: error instanceof Error ? error.message : String(error), ...placeOf(error) };
  }
}

parentPort?.postMessage(strip(workerData as string));
