export { isAway } from './away.ts';
export { Database } from './database.ts';
export {
  type BoundKey,
  bindKeys,
  bindToOperations,
  claimKey,
  findAnswers,
  findBound,
  findResult,
  type IdempotentRequest,
  idempotencyErrors,
  idempotentRequest,
  resultFor,
} from './idempotency.ts';
export { refuseInTransaction } from './in-transaction.ts';
export { migrate } from './migrate.ts';
export { databaseTime, type EntityManager } from './orm.ts';
export { migrateOwnTables, missingOwnMigrations, type OwnTables } from './plugin-tables.ts';
export { projectPath } from './project-root.ts';
export { Sealer, UnreadableSeal } from './sealer.ts';
export { SkippedStatement } from './sql/batch.ts';
export { isDataFault, violatedConstraint } from './sql/errors.ts';
export type { JobPool } from './sql/job-pool.ts';
export { sparse, unless } from './sql/sparse.ts';
export { type Sql, type Statement, statement } from './sql/statement.ts';
export type { Transaction } from './sql/transaction.ts';
