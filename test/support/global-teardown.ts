import { tearDownDatabase } from './run-database.ts';

export default async function globalTeardown(): Promise<void> {
  await tearDownDatabase();
}
