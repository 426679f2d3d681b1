import { acquireEmbeddedPostgres } from '../../src/persistence/embedded/index.ts';
import { keepForTeardown, newRunFolder, removeForgottenRuns, tearDownDatabase } from './run-database.ts';
import { prepareTemplate } from './template.ts';
import { ensureTypedClient } from './typed-operations.ts';

/** One PostgreSQL for the whole run: yours if TEST_DATABASE_ADMIN_URL and TEST_DATABASE_URL name it. */
export default async function globalSetup(): Promise<void> {
  await ensureTypedClient();
  const { TEST_DATABASE_ADMIN_URL: givenAdminUrl, TEST_DATABASE_URL: givenAppUrl } = process.env;
  const urls =
    givenAdminUrl && givenAppUrl ? { adminUrl: givenAdminUrl, appUrl: givenAppUrl } : await startDatabase();
  try {
    await prepareTemplate(urls.adminUrl, urls.appUrl);
  } catch (error) {
    // Jest does not run the teardown of a setup that failed.
    await tearDownDatabase();
    throw error;
  }
  process.env.MEMBERGRAPH_TEST_ADMIN_URL = urls.adminUrl;
  process.env.MEMBERGRAPH_TEST_APP_URL = urls.appUrl;
}

async function startDatabase(): Promise<{ adminUrl: string; appUrl: string }> {
  await removeForgottenRuns();
  const dataDir = await newRunFolder();
  const settings = { max_connections: '300' };
  const database = await acquireEmbeddedPostgres({ dataDir, durable: false, settings });
  keepForTeardown({ dataDir, database });
  return database;
}
