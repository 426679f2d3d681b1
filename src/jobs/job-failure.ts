import { Refusal } from '../kernel/errors.ts';

/** Why a job failed, as it is kept beside it: names and codes, never what a message quotes. */
export class JobFailure extends Error {}

export function nameOf(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  return [name, code].filter((one) => typeof one === 'string').join(' ') || 'unknown';
}
