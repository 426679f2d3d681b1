export { Database, type DatabaseOptions } from './database.ts';
export {
  AlreadyDone,
  claimKey,
  findResult,
  type IdempotentRequest,
  idempotencyErrors,
  idempotentRequest,
} from './idempotency.ts';
export { migrate } from './migrate.ts';
export { businessTime, databaseTime, type EntityManager } from './orm.ts';
export { projectPath } from './project-root.ts';
export { SkippedStatement } from './sql/batch.ts';
export { violatedConstraint } from './sql/errors.ts';
export { type Sql, type Statement, statement } from './sql/statement.ts';
export type { Transaction, TransactionFacts } from './sql/transaction.ts';
