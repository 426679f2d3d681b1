import { type Command, Option } from 'commander';
import type { CallMode, CallOutcome } from '../extension/index.ts';
import { extensionNamed, forTenant, sampleOf, wholeNumber } from './extension-session.ts';
import { momentOf } from './moment.ts';
import { CommandFailure } from './session.ts';
import { text } from './texts.ts';

type Say = (line: string) => void;

interface CallOptions {
  readonly tenant: string;
  readonly first: number;
  readonly outcome?: CallOutcome;
  readonly mode?: CallMode;
}

const FIRST = 20;
const MODES: readonly CallMode[] = ['LIVE', 'CANARY', 'SHADOW', 'TEST', 'DRY_RUN'];
const OUTCOMES: readonly CallOutcome[] = [
  'OK',
  'SKIPPED_BY_FILTER',
  'TIMEOUT',
  'ERROR',
  'INVALID_INPUT',
  'INVALID_OUTPUT',
  'BREAKER_OPEN',
  'UNREACHABLE',
];

/** Commands that ask an extension, or look at what it was asked. */
export function addExtensionCallCommands(extension: Command, say: Say): void {
  addTestCommand(extension, say);
  addCallsCommand(extension, say);
  addReplayCommand(extension, say);
  addReportCommand(extension, say);
}

function addTestCommand(extension: Command, say: Say): void {
  extension
    .command('test')
    .description(text('extension.test.about'))
    .argument('<name>', text('extension.name'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .option('--sample <json>', text('extension.test.sample'))
    .option('--call <id>', text('extension.test.call'))
    .action(async (name: string, options: { tenant: string; sample?: string; call?: string }) => {
      const sample = await sampleOf(options.sample);
      await forTenant(options.tenant, async (asked) => {
        const { extensionId } = await extensionNamed(asked, name);
        const { extensionTesting } = asked.application.services;
        const run = await extensionTesting.test(asked.ctx, { extensionId, sample, callId: options.call });
        say(JSON.stringify(run, null, 2));
        const { outcome } = run;
        if (outcome !== 'OK') throw new CommandFailure(text('extension.test.failed', { outcome }));
      });
    });
}

function addCallsCommand(extension: Command, say: Say): void {
  withCallOptions(extension.command('calls').description(text('extension.calls.about'))).action(
    (name: string, options: CallOptions) =>
      forTenant(options.tenant, async (asked) => {
        const found = await extensionNamed(asked, name);
        const { extensionReads } = asked.application.services;
        const page = await extensionReads.callsOf(asked.ctx, found, filterOf(options));
        for (const { node } of page.edges) {
          const { extensionKey: _, ...call } = { extensionKey: '', ...node };
          say(JSON.stringify(call));
        }
      }),
  );
}

function addReplayCommand(extension: Command, say: Say): void {
  withCallOptions(extension.command('replay').description(text('extension.replay.about')))
    .option('--since <time>', text('extension.replay.since'))
    .option('--until <time>', text('extension.replay.until'))
    .action(async (name: string, options: CallOptions & { since?: string; until?: string }) => {
      const [since, until] = [options.since, options.until].map((at) => (at ? momentOf(at) : null));
      await forTenant(options.tenant, async (asked) => {
        const { extensionId } = await extensionNamed(asked, name);
        const { extensionTesting } = asked.application.services;
        const input = { extensionId, since, until, ...filterOf(options) };
        const report = await extensionTesting.replay(asked.ctx, input);
        const { calls, ...counts } = report;
        for (const call of calls) say(JSON.stringify(call));
        say(text('extension.replay.done', counts));
        if (counts.different > 0 || counts.failed > 0)
          throw new CommandFailure(text('extension.replay.differs'));
      });
    });
}

function addReportCommand(extension: Command, say: Say): void {
  extension
    .command('report')
    .description(text('extension.report.about'))
    .argument('<name>', text('extension.name'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .action((name: string, { tenant }: { tenant: string }) =>
      forTenant(tenant, async (asked) => {
        const found = await extensionNamed(asked, name);
        const { extensionReads } = asked.application.services;
        const { paths, ...counts } = await extensionReads.shadowReport(asked.ctx, found, null);
        say(text('extension.report.is', counts));
        for (const { path, count, liveExample, shadowExample } of paths) {
          const [live, shadow] = [JSON.stringify(liveExample), JSON.stringify(shadowExample)];
          say(text('extension.report.path', { path, count, live, shadow }));
        }
      }),
    );
}

function withCallOptions(command: Command): Command {
  return command
    .argument('<name>', text('extension.name'))
    .requiredOption('--tenant <code>', text('tenant.option'))
    .option('--first <n>', text('extension.calls.first'), wholeNumber, FIRST)
    .addOption(new Option('--outcome <outcome>', text('extension.calls.outcome')).choices(OUTCOMES))
    .addOption(new Option('--mode <mode>', text('extension.calls.mode')).choices(MODES));
}

function filterOf({ first, outcome, mode }: CallOptions) {
  return { first: Math.min(Math.max(first, 1), 100), outcome: outcome ?? null, mode: mode ?? null };
}
