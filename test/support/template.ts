import { composeApplication, createLogger } from '../../src/compose.ts';
import { loadConfig } from '../../src/config/index.ts';
import { migrate } from '../../src/persistence/index.ts';

/** Brings the template to the present schema; each test file works on a copy of it. */
export async function prepareTemplate(adminUrl: string, appUrl: string): Promise<void> {
  await migrate(adminUrl, appUrl);
  // Opened once, so that a template that the application refuses fails before any test does.
  const config = loadConfig({}, '');
  const application = await composeApplication({
    config,
    databaseUrl: appUrl,
    plugins: [],
    logger: createLogger('silent'),
  });
  await application.close();
}
