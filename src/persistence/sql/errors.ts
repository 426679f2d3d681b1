import { SkippedStatement } from './batch.ts';

const UNIQUE_VIOLATION = '23505';

/** The name of the unique constraint or index that an error tells of; null when it tells of none. */
export function violatedConstraint(error: unknown): string | null {
  const failed = error instanceof SkippedStatement ? error.cause : error;
  const { code, constraint } = (failed ?? {}) as { code?: unknown; constraint?: unknown };
  return code === UNIQUE_VIOLATION && typeof constraint === 'string' ? constraint : null;
}
