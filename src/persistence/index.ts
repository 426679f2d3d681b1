export { Database } from './database.ts';
export {
  claimKey,
  findResult,
  idempotencyErrors,
  idempotentRequest,
} from './idempotency.ts';
export { migrate } from './migrate.ts';
export { databaseTime, type EntityManager } from './orm.ts';
export { projectPath } from './project-root.ts';
export { SkippedStatement } from './sql/batch.ts';
export { violatedConstraint } from './sql/errors.ts';
export { type Sql, type Statement, statement } from './sql/statement.ts';
export type { Transaction } from './sql/transaction.ts';
