import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import type { ExtensionView } from '../domain/extensions/index.ts';
import type { FailurePolicy, Stage } from '../extension/index.ts';
import { newKey, toPublicId } from '../kernel/ids.ts';
import { addExtensionCallCommands } from './extension-calls.ts';
import { addConformanceCommand } from './extension-conformance.ts';
import { extensionNamed, forTenant, jsonOf, wholeNumber } from './extension-session.ts';
import { CommandFailure } from './session.ts';
import { text } from './texts.ts';

type Say = (line: string) => void;

const STAGES: readonly Stage[] = ['DRAFT', 'SHADOW', 'CANARY', 'LIVE', 'RETIRED'];
/** RETIRED is no beginning. */
const BEGINNINGS = STAGES.filter((stage) => stage !== 'RETIRED');
const FAILURE_POLICIES: readonly FailurePolicy[] = ['FAIL_CLOSED', 'FAIL_OPEN', 'DEFAULT'];
const MOST_LISTED = 100;
const CHANGES_SHOWN = 10;

interface RegisterOptions {
  readonly tenant: string;
  readonly name?: string;
  readonly point?: string;
  readonly url?: string;
  readonly plugin?: string;
  readonly config?: string;
  readonly stage?: Stage;
  readonly percent?: number;
  readonly onFailure?: FailurePolicy;
  readonly default?: string;
  readonly deadline?: number;
  readonly priority?: number;
  readonly filter?: string;
  readonly postingLimits?: string;
  readonly stepBack?: string;
  readonly dryRun?: true;
}

interface StageOptions {
  readonly tenant: string;
  readonly percent?: number;
  readonly to?: number;
  readonly reason?: string;
  readonly dryRun?: true;
}

export function addExtensionCommands(cli: Command, say: Say): void {
  const extension = cli
    .command('extension')
    .description(text('extension.about'))
    .addHelpText('after', text('extension.help'));
  addLookCommands(extension, say);
  addRegisterCommand(extension, say);
  addStageCommands(extension, say);
  addSafetyCommands(extension, say);
  addExtensionCallCommands(extension, say);
  addConformanceCommand(extension, say);
}

function addLookCommands(extension: Command, say: Say): void {
  extension
    .command('list')
    .description(text('extension.list.about'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .action(({ tenant }: { tenant: string }) =>
      forTenant(tenant, async ({ application, ctx }) => {
        const { extensionReads } = application.services;
        for (let after: string | null = null; ; ) {
          const page = await extensionReads.page(ctx, { first: MOST_LISTED, after });
          for (const { node } of page.edges)
            say([node.name, node.point, node.runtime, node.stage, node.version].join('\t'));
          if (!page.pageInfo.hasNextPage) return;
          after = page.pageInfo.endCursor;
        }
      }),
    );
  extension
    .command('show')
    .description(text('extension.show.about'))
    .argument('<name>', text('extension.name'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .action((name: string, { tenant }: { tenant: string }) =>
      forTenant(tenant, async (asked) => {
        const { extensionReads } = asked.application.services;
        const found = await extensionNamed(asked, name);
        const { edges } = await extensionReads.changes(found, { first: CHANGES_SHOWN });
        const { tenantKey: _, extensionKey, secrets, source, stagedAt, ...shown } = found;
        const changes = edges.map(({ node: { kind, version, toStage, reason, madeBy, madeAt } }) => ({
          ...{ kind, version, toStage, reason, madeBy, madeAt },
        }));
        const health = await extensionReads.health(found);
        say(JSON.stringify({ ...shown, code: source, health, changes }, null, 2));
      }),
    );
}

function addRegisterCommand(extension: Command, say: Say): void {
  extension
    .command('register')
    .description(text('extension.register.about'))
    .argument('[file]', text('extension.register.file'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .option('--name <name>', text('extension.register.name'))
    .option('--point <point>', text('extension.register.point'))
    .option('--url <address>', text('extension.register.url'))
    .option('--plugin <id>', text('extension.register.plugin'))
    .option('--config <json>', text('extension.register.config'))
    .addOption(new Option('--stage <stage>', text('extension.register.stage')).choices(BEGINNINGS))
    .option('--percent <n>', text('extension.percent'), wholeNumber)
    .addOption(
      new Option('--on-failure <policy>', text('extension.register.onFailure')).choices(FAILURE_POLICIES),
    )
    .option('--default <json>', text('extension.register.default'))
    .option('--deadline <ms>', text('extension.register.deadline'), wholeNumber)
    .option('--priority <n>', text('extension.register.priority'), wholeNumber)
    .option('--filter <condition>', text('extension.register.filter'))
    .option('--posting-limits <json>', text('extension.register.postingLimits'))
    .option('--step-back <json>', text('extension.register.stepBack'))
    .option('--dry-run', text('extension.dryRun'))
    .action(async (file: string | undefined, options: RegisterOptions) => {
      const name = options.name ?? (file === undefined ? options.plugin : basename(file, extname(file)));
      if (name === undefined) throw new CommandFailure(text('extension.register.nameless'));
      const given = await codeOf(file, options);
      await forTenant(options.tenant, async ({ application: { services }, ctx }) => {
        const input = { idempotencyKey: `cli-${newKey()}`, ...given, ...settingsOf(options) };
        const known = await services.extensionReads.findNamed(ctx, name);
        const isOwn = known !== null && !known.isImplied;
        const { point } = options;
        if (!isOwn && point === undefined) throw new CommandFailure(text('extension.register.pointless'));
        if (isOwn && point !== undefined && point !== known.point)
          throw new CommandFailure(text('extension.register.otherPoint', { name, point: known.point }));
        const extensionId = isOwn ? toPublicId('extension', known.extensionKey) : '';
        const { extension: made, signingSecret } = isOwn
          ? await services.extensions.update(ctx, { ...input, extensionId })
          : await services.extensions.register(ctx, { ...input, name, point: point ?? '' });
        sayState(say, made, options);
        if (signingSecret !== null) say(text('extension.secret', { secret: signingSecret }));
      });
    });
}

function addStageCommands(extension: Command, say: Say): void {
  extension
    .command('stage')
    .description(text('extension.stage.about'))
    .argument('<name>', text('extension.name'))
    .argument('<stage>', text('extension.stage.stage'), (written: string): Stage => {
      const stage = STAGES.find((one) => one === written.toUpperCase());
      if (stage === undefined)
        throw new InvalidArgumentError(text('extension.stage.unknown', { stages: STAGES.join(', ') }));
      return stage;
    })
    .requiredOption('--tenant <code>', text('tenant.option'))
    .option('--percent <n>', text('extension.percent'), wholeNumber)
    .option('--reason <text>', text('extension.reason'))
    .option('--dry-run', text('extension.dryRun'))
    .action((name: string, stage: Stage, options: StageOptions) =>
      forTenant(options.tenant, async (asked) => {
        const { extensionId } = await extensionNamed(asked, name);
        const { percent: canaryPercent, reason, dryRun } = options;
        const input = {
          idempotencyKey: `cli-${newKey()}`,
          extensionId,
          stage,
          canaryPercent,
          reason,
          dryRun,
        };
        const { extension: made } = await asked.application.services.extensions.setStage(asked.ctx, input);
        sayState(say, made, options);
      }),
    );
  extension
    .command('rollback')
    .description(text('extension.rollback.about'))
    .argument('<name>', text('extension.name'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .option('--to <version>', text('extension.rollback.to'), wholeNumber)
    .option('--reason <text>', text('extension.reason'))
    .option('--dry-run', text('extension.dryRun'))
    .action((name: string, options: StageOptions) =>
      forTenant(options.tenant, async (asked) => {
        const { extensionId } = await extensionNamed(asked, name);
        const { to: toVersion, reason, dryRun } = options;
        const input = { idempotencyKey: `cli-${newKey()}`, extensionId, toVersion, reason, dryRun };
        const { extension: made } = await asked.application.services.extensions.rollBack(asked.ctx, input);
        sayState(say, made, options);
      }),
    );
}

function addSafetyCommands(extension: Command, say: Say): void {
  extension
    .command('rotate')
    .description(text('extension.rotate.about'))
    .argument('<name>', text('extension.name'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .action((name: string, { tenant }: { tenant: string }) =>
      forTenant(tenant, async (asked) => {
        const { extensionId } = await extensionNamed(asked, name);
        const input = { idempotencyKey: `cli-${newKey()}`, extensionId };
        const rotated = await asked.application.services.extensions.rotateSecret(asked.ctx, input);
        say(text('extension.secret', { secret: rotated.signingSecret ?? '' }));
      }),
    );
  extension
    .command('require-shadow')
    .description(text('extension.requireShadow.about'))
    .addArgument(new Argument('<answer>', text('extension.requireShadow.answer')).choices(['yes', 'no']))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .action((answer: string, { tenant }: { tenant: string }) =>
      forTenant(tenant, async ({ application, ctx }) => {
        const input = { idempotencyKey: `cli-${newKey()}`, required: answer === 'yes' };
        const required = await application.services.extensions.requireShadow(ctx, input);
        say(text(required ? 'extension.requireShadow.yes' : 'extension.requireShadow.no'));
      }),
    );
}

/** What an extension is now, or would be by what was only tried. */
function sayState(
  say: Say,
  { name, version, stage }: Pick<ExtensionView, 'name' | 'version' | 'stage'>,
  { dryRun }: { readonly dryRun?: true },
): void {
  say(text(dryRun ? 'extension.wouldBe' : 'extension.is', { name, version, stage }));
}

/** @throws CommandFailure unless it is a file, a service or a plugin */
async function codeOf(file: string | undefined, { url, plugin, config }: RegisterOptions) {
  if ([file, url, plugin].filter((one) => one !== undefined).length !== 1)
    throw new CommandFailure(text('extension.register.what'));
  if (url !== undefined) return { runtime: 'WEBHOOK', webhook: { url } } as const;
  if (file === undefined) {
    const configuration = config === undefined ? undefined : jsonOf(config, '--config');
    return { runtime: 'IN_PROCESS', plugin: { id: plugin ?? '', configuration } } as const;
  }
  const code = await readFile(file, 'utf8').catch(() => {
    throw new CommandFailure(text('import.noFile', { file }));
  });
  const language = /\.[cm]?ts$/.test(file) ? 'TYPESCRIPT' : 'JAVASCRIPT';
  return { runtime: 'SANDBOX', sandbox: { code, language } } as const;
}

function settingsOf(options: RegisterOptions) {
  return {
    ...{ stage: options.stage, canaryPercent: options.percent, onFailure: options.onFailure },
    ...{ deadlineMs: options.deadline, priority: options.priority, filter: options.filter },
    defaultOutput: options.default === undefined ? undefined : jsonOf(options.default, '--default'),
    postingLimits: postingLimitsOf(options.postingLimits),
    stepBack: options.stepBack === undefined ? undefined : stepBackOf(options.stepBack),
    dryRun: options.dryRun,
  };
}

const POSTING_LIMITS = z.record(
  z.string(),
  z
    .string()
    .regex(/^\d{1,18}$/)
    .transform(BigInt),
);
const STEP_BACK = z.strictObject({
  errorPercent: z.int().optional(),
  latencyMs: z.int().optional(),
  minimumCalls: z.int().optional(),
});

/** @throws CommandFailure unless it is an object of whole amounts, as strings, by the assets' codes */
function postingLimitsOf(json: string | undefined) {
  if (json === undefined) return undefined;
  const limits = POSTING_LIMITS.safeParse(jsonOf(json, '--posting-limits'));
  if (!limits.success) throw new CommandFailure(text('extension.register.badPostingLimits'));
  return Object.entries(limits.data).map(([asset, most]) => ({ asset, most }));
}

/** @throws CommandFailure unless it is an object of the numbers that `registerExtension` takes */
function stepBackOf(json: string) {
  const stepBack = STEP_BACK.safeParse(jsonOf(json, '--step-back'));
  if (!stepBack.success) throw new CommandFailure(text('extension.register.badStepBack'));
  return stepBack.data;
}
