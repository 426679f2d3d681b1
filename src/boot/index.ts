export {
  type DemoCredentials,
  ensureDemoTenant,
  operatorContext,
  readExampleProgram,
} from './demo-tenant.ts';
export { type OpenedDatabase, openDatabase } from './open-database.ts';
export { ensureJwksFile, signToken } from './signing-key.ts';
