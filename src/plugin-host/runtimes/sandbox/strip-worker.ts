import { stripTypeScriptTypes } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { StripMessage } from './messages.ts';

/** Node tells the place of what it can't read in the stack alone: a line `:3`, the source, and `^` below it. */
function placeOf(error: unknown): { readonly line: number | null; readonly column: number | null } {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const [, line, marker] = /^:(\d+)\n.*\n( *)?/.exec(stack) ?? [];
  const isMarked = /^:\d+\n.*\n *\^/.test(stack);
  return {
    line: line === undefined ? null : Number(line),
    column: isMarked ? (marker ?? '').length + 1 : null,
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
