/** What `pg` says of a connection that broke, or that it didn't get in time; it gives no code. */
const LOST = /^Connection terminated|is not queryable$|^timeout exceeded when trying to connect/;
/** Connection failures of PostgreSQL and of the network. */
const AWAY = /^(08|57P0|53300|ECONN|EPIPE|ETIMEDOUT)/;

/** Whether an error says that the database is away, so that the same may be asked again later. */
export function isAway(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return AWAY.test(String(code ?? '')) || LOST.test(String(message ?? ''));
}
