import { readFile } from 'node:fs/promises';
import { Command, CommanderError } from 'commander';
import { ensureJwksFile, signToken } from '../boot/index.ts';
import { languageEnvironment, loadConfig } from '../config/index.ts';
import { formatProgram, type ProgramDefinition, parseProgram } from '../domain/programs/index.ts';
import { fromPublicId } from '../kernel/ids.ts';
import { migrate } from '../persistence/index.ts';
import { loadPlugins, preparePlugins } from '../plugin-host/index.ts';
import { addAuditCommand } from './audit.ts';
import { addExtensionCommands } from './extension.ts';
import { addImportCommand } from './import/command.ts';
import { addClockCommand, addJobCommands } from './jobs.ts';
import { addPluginCommands } from './plugin/index.ts';
import { CommandFailure, explain, inSession, tenantNamed } from './session.ts';
import { text, useLanguageOf } from './texts.ts';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** @throws CommandFailure with every fault's line and path */
async function readProgramFile(file: string): Promise<ProgramDefinition> {
  const source = await readFile(file, 'utf8').catch(() => {
    throw new CommandFailure(text('import.noFile', { file }));
  });
  const { definition, findings } = parseProgram(source);
  if (definition !== null) return definition;
  const lines = findings.map(({ line, path, message }) => `  ${file}:${line} ${path}: ${message}`);
  throw new CommandFailure([text('program.refused'), ...lines].join('\n'));
}

function addMigrateCommand(cli: Command): void {
  cli
    .command('migrate')
    .description(text('migrate.about'))
    .action(async () => {
      const { databaseUrl, databaseAdminUrl, plugins } = loadConfig();
      if (databaseUrl === undefined) {
        // The embedded database is migrated whenever it is opened.
        await inSession(async () => say(text('migrate.done', { count: 0 })));
        return;
      }
      if (databaseAdminUrl === undefined) throw new CommandFailure(text('migrate.needsAdmin'));
      const applied = await migrate(databaseAdminUrl, databaseUrl);
      const urls = { adminUrl: databaseAdminUrl, appUrl: databaseUrl };
      await preparePlugins(await loadPlugins(plugins), urls);
      say(text('migrate.done', { count: applied.length }));
    });
}

function addTenantCommands(cli: Command): void {
  const tenant = cli.command('tenant').description(text('tenant.about'));
  tenant
    .command('create')
    .description(text('tenant.create.about'))
    .argument('<code>', text('tenant.create.code'))
    .option('--name <name>', text('tenant.create.name'))
    .option('--locale <language>', text('tenant.create.locale'), 'en')
    .option('--sandbox', text('tenant.create.sandbox'), false)
    .option('--program <file>', text('tenant.create.program'))
    .action(
      async (
        code: string,
        options: { name?: string; locale: string; sandbox: boolean; program?: string },
      ) => {
        const definition = options.program === undefined ? null : await readProgramFile(options.program);
        await inSession(async ({ application: { services } }) => {
          const locale = options.locale === 'zh-CN' ? 'zh-CN' : 'en';
          const name = { [locale]: options.name ?? code };
          const { tenantKey } = await services.tenants.create({
            code,
            name,
            locale,
            sandbox: options.sandbox,
          });
          say(text('tenant.created', { code }));
          if (definition === null) return;
          const { version } = await services.programs.apply(tenantKey, definition, 'cli');
          say(text('program.applied', { version }));
        });
      },
    );
  tenant
    .command('list')
    .description(text('tenant.list.about'))
    .action(() =>
      inSession(async ({ application }) => {
        for (const { code } of await application.services.tenants.list()) say(code);
      }),
    );
}

function addCredentialCommands(cli: Command): void {
  cli
    .command('key')
    .description(text('key.about'))
    .command('create')
    .description(text('key.create.about'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .option('--label <label>', text('key.create.label'), 'cli')
    .action((options: { tenant: string; label: string }) =>
      inSession(async (session) => {
        const tenantKey = await tenantNamed(session, options.tenant);
        const { secret } = await session.application.services.tenants.createApiKey(tenantKey, options.label);
        say(secret);
      }),
    );
  cli
    .command('token')
    .description(text('token.about'))
    .command('create')
    .description(text('token.create.about'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .option('--member <id>', text('token.create.member'))
    .option('--staff <name>', text('token.create.staff'))
    .option('--expires-in <time>', text('token.create.expires'), '30d')
    .action(async ({ tenant, member, staff, expiresIn }: Record<string, string | undefined>) => {
      const subject = member ?? staff;
      const isOne = (member === undefined) !== (staff === undefined);
      if (
        !isOne ||
        subject === undefined ||
        (member !== undefined && fromPublicId('member', member) === null)
      ) {
        throw new CommandFailure(text('token.create.one'));
      }
      const config = loadConfig();
      await ensureJwksFile(config.dataDir);
      const role = member === undefined ? 'staff' : 'member';
      say(await signToken(config, { subject, tenant: tenant ?? '', role, expiresIn: expiresIn ?? '30d' }));
    });
}

function addProgramCommands(cli: Command): void {
  const program = cli.command('program').description(text('program.about'));
  program
    .command('apply')
    .description(text('program.apply.about'))
    .argument('<file>', text('program.file'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .action(async (file: string, options: { tenant: string }) => {
      const definition = await readProgramFile(file);
      await inSession(async (session) => {
        const tenantKey = await tenantNamed(session, options.tenant);
        const { version, changed } = await session.application.services.programs.apply(
          tenantKey,
          definition,
          'cli',
        );
        say(text(changed ? 'program.applied' : 'program.unchanged', { version }));
      });
    });
  program
    .command('export')
    .description(text('program.export.about'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .action((options: { tenant: string }) =>
      inSession(async (session) => {
        const tenantKey = await tenantNamed(session, options.tenant);
        const { definition } = await session.application.services.programs.inForce(tenantKey);
        process.stdout.write(formatProgram(definition));
      }),
    );
}

/** Runs one command line; answers the exit code. */
export async function runCli(argv: readonly string[]): Promise<number> {
  useLanguageOf(languageEnvironment());
  const cli = new Command('membergraph').description(text('about')).showHelpAfterError().exitOverride();
  addMigrateCommand(cli);
  addTenantCommands(cli);
  addCredentialCommands(cli);
  addProgramCommands(cli);
  addJobCommands(cli, say);
  addClockCommand(cli, say);
  addAuditCommand(cli, say);
  addExtensionCommands(cli, say);
  addPluginCommands(cli, say);
  let code = 0;
  addImportCommand(cli, (chosen) => {
    code = chosen;
  });
  try {
    await cli.parseAsync([...argv]);
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    process.stderr.write(`${explain(error)}\n`);
    return 1;
  }
}
