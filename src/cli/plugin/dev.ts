import { existsSync, watch } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ExtensionPoint } from '../../extension/index.ts';
import { differencesOf } from '../../kernel/differences.ts';
import { type Tried, tryFile } from '../../plugin-host/index.ts';
import { inputOf, pointNamed } from '../extension-conformance.ts';
import { extensionNamed, forTenant, jsonOf, sampleOf, wholeNumber } from '../extension-session.ts';
import { CommandFailure, explainReason } from '../session.ts';
import { text } from '../texts.ts';

type Say = (line: string) => void;

const DEADLINE_MS = 500;
/** An editor writes a file in several steps. */
const SETTLED_MS = 100;

interface DevOptions {
  readonly point?: string;
  readonly sample?: string;
  readonly config?: string;
  readonly tenant?: string;
  readonly extension?: string;
  readonly call?: string;
  readonly deadline: number;
  readonly once: boolean;
}

/** What is asked, and what was answered to it before: by the recorded call, or by the file as it was. */
interface Asked {
  readonly point: ExtensionPoint | undefined;
  inputFor(point: ExtensionPoint): unknown;
  before: unknown;
}

export function addDevCommand(plugin: Command, say: Say): void {
  plugin
    .command('dev')
    .description(text('plugin.dev.about'))
    .argument('<file>', text('plugin.dev.file'))
    .option('--point <point>', text('plugin.dev.point'))
    .option('--sample <json>', text('conformance.sample'))
    .option('--config <json>', text('extension.register.config'))
    .option('--tenant <code>', text('plugin.dev.tenant'))
    .option('--extension <name>', text('plugin.dev.extension'))
    .option('--call <id>', text('extension.test.call'))
    .option('--deadline <ms>', text('extension.register.deadline'), wholeNumber, DEADLINE_MS)
    .option('--once', text('plugin.dev.once'), false)
    .action(async (given: string, options: DevOptions) => {
      const file = resolve(given);
      if (!existsSync(file)) throw new CommandFailure(text('import.noFile', { file: given }));
      const asked = await askedBy(options);
      const configuration = options.config === undefined ? undefined : jsonOf(options.config, '--config');
      let time = 0;
      const attempt = async (): Promise<boolean> => {
        time += 1;
        const { point, inputFor } = asked;
        const { deadline: deadlineMs } = options;
        try {
          const tried = await tryFile({ file, point, inputFor, configuration, deadlineMs, time });
          show(tried, asked.before, say);
          if (tried.outcome === 'OK' && options.call === undefined) asked.before = tried.output;
          return tried.outcome === 'OK';
        } catch (error) {
          say(`✗ ${error instanceof Error ? error.message : String(error)}`);
          return false;
        }
      };
      const isGood = await attempt();
      if (!options.once) return await onEachChange(file, attempt, say);
      if (!isGood) throw new CommandFailure(text('plugin.dev.failed'));
    });
}

/** @throws CommandFailure */
async function askedBy({ point: name, sample, tenant, extension, call }: DevOptions): Promise<Asked> {
  const point = name === undefined ? undefined : pointNamed(name);
  if (call === undefined) {
    const laid = await sampleOf(sample);
    return { point, inputFor: (asked) => inputOf(asked, laid), before: undefined };
  }
  if (tenant === undefined || extension === undefined || sample !== undefined)
    throw new CommandFailure(text('plugin.dev.callOf'));
  let found: Asked | null = null;
  await forTenant(tenant, async (session) => {
    const { extensionId, point: answered } = await extensionNamed(session, extension);
    const { extensionTesting } = session.application.services;
    const { input, output } = await extensionTesting.recorded(session.ctx, { extensionId, callId: call });
    found = { point: pointNamed(answered), inputFor: () => input, before: output };
  });
  if (found === null) throw new CommandFailure(text('plugin.dev.callOf'));
  return found;
}

function show({ point, outcome, output, fault, logs, durationMs }: Tried, before: unknown, say: Say): void {
  say(`${outcome === 'OK' ? '✓' : '✗'} ${point} ${outcome} ${durationMs.toFixed(1)} ms`);
  for (const line of logs) say(`  | ${line}`);
  if (fault !== null) {
    const { line, column } = fault;
    const where = line == null ? '' : ` (${line}:${column ?? 1})`;
    say(`  ${explainReason({ ...fault, field: null })}${where}`);
  }
  if (outcome !== 'OK') return;
  say(`  ${JSON.stringify(output)}`);
  if (before === undefined || before === null) return;
  for (const { path, before: was, now } of differencesOf(before, output))
    say(`  ${path || '.'}: ${JSON.stringify(was) ?? '–'} → ${JSON.stringify(now) ?? '–'}`);
}

/** Until it is interrupted. Its folder is watched, since editors put another file in its place. */
async function onEachChange(file: string, attempt: () => Promise<boolean>, say: Say): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<unknown> = Promise.resolve();
  const watcher = watch(dirname(file), (_event, name) => {
    if (name !== basename(file)) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      turn = turn.then(attempt);
    }, SETTLED_MS);
  });
  // Said once it is so: a change before that would be noticed by nobody.
  say(text('plugin.dev.watching', { file: basename(file) }));
  await new Promise((end) => process.once('SIGINT', end).once('SIGTERM', end));
  clearTimeout(timer);
  watcher.close();
  await turn;
}
