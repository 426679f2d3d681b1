import { type OpenedDatabase, openDatabase } from '../boot/index.ts';
import { type Application, composeApplication, createLogger } from '../compose.ts';
import { type Config, loadConfig } from '../config/index.ts';
import { errorCatalogue } from '../gateway/catalogue.ts';
import { Refusal, renderMessage } from '../kernel/errors.ts';
import { loadPlugins, preparePlugins } from '../plugin-host/index.ts';
import { currentLanguage, text } from './texts.ts';

/** What a command works with. */
export interface Session {
  readonly application: Application;
  readonly config: Config;
}

/** A failure that the user can mend; its message is all that is shown. */
export class CommandFailure extends Error {}

/**
 * Opens the database and the application, runs a command, and closes them, whatever happens.
 * @param relaxedCommits for a command that can be run again, and that ends with `Database.harden`
 */
export async function inSession<Result>(
  command: (session: Session) => Promise<Result>,
  { relaxedCommits = false }: { relaxedCommits?: boolean } = {},
): Promise<Result> {
  const config = loadConfig();
  let opened: OpenedDatabase | null = null;
  let application: Application | null = null;
  try {
    opened = await openDatabase(config, () => undefined);
    const { plugins } = await preparePlugins(await loadPlugins(config.plugins), opened);
    const logger = createLogger('error');
    const databaseUrl = opened.appUrl;
    const { embedded } = opened;
    application = await composeApplication({
      ...{ config, databaseUrl, plugins, embedded, logger, relaxedCommits },
    });
    return await command({ application, config });
  } finally {
    await application?.close();
    await opened?.release();
  }
}

/** @throws CommandFailure when there is no such tenant */
export async function tenantNamed({ application }: Session, code: string): Promise<string> {
  const tenantKey = await application.services.tenants.findKeyByCode(code);
  if (tenantKey === null) throw new CommandFailure(text('tenant.unknown', { code }));
  return tenantKey;
}

/** An error as the user reads it: one sentence for what they can mend. */
export function explain(error: unknown): string {
  if (error instanceof Refusal) return error.reasons.map(explainReason).join('\n');
  return error instanceof Error ? error.message : String(error);
}

export function explainReason({ code, details, message }: Refusal['reasons'][number]): string {
  const template = errorCatalogue[code];
  const own = template === undefined ? code : renderMessage(template, currentLanguage(), details);
  return message?.trim() || own;
}
