import { rootOf } from './batch.ts';

const UNIQUE_VIOLATION = '23505';

/** The name of the unique constraint or index that an error tells of; null when it tells of none. */
export function violatedConstraint(error: unknown): string | null {
  const { code, constraint } = (rootOf(error) ?? {}) as { code?: unknown; constraint?: unknown };
  return code === UNIQUE_VIOLATION && typeof constraint === 'string' ? constraint : null;
}

/** SQLSTATE classes of what is wrong with the values of a statement: cardinality, data, integrity. */
const DATA_FAULT = /^2[123]/;

/** Whether a value was at fault, not the server or the way to it: without that value it would work. */
export function isDataFault(error: unknown): boolean {
  const { code } = (rootOf(error) ?? {}) as { code?: unknown };
  return typeof code === 'string' && code.length === 5 && DATA_FAULT.test(code);
}
