export {
  acquireEmbeddedPostgres,
  type EmbeddedDatabase,
  type EmbeddedOptions,
  removeEmbeddedPostgres,
} from './embedded-postgres.ts';
export { EmbeddedPostgresError } from './errors.ts';
