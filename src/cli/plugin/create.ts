import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { extensionPoints } from '../../extension/index.ts';
import { projectPath } from '../../persistence/index.ts';
import { pointNamed } from '../extension-conformance.ts';
import { CommandFailure } from '../session.ts';
import { text } from '../texts.ts';
import { filesOf, RUNTIMES, type Runtime } from './templates.ts';

const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/;

interface CreateOptions {
  readonly point?: readonly string[];
  readonly runtime?: Runtime;
  readonly folder?: string;
}

export function addCreateCommand(plugin: Command, say: (line: string) => void): void {
  plugin
    .command('create')
    .description(text('plugin.create.about'))
    .argument('[name]', text('plugin.create.name'))
    .option('--point <points...>', text('plugin.create.point'))
    .addOption(new Option('--runtime <runtime>', text('plugin.create.runtime')).choices(RUNTIMES))
    .option('--folder <folder>', text('plugin.create.folder'))
    .action(async (given: string | undefined, options: CreateOptions) => {
      const { name, points, runtime } = await askedFor(given, options);
      if (!NAME.test(name)) throw new CommandFailure(text('plugin.create.badName', { name }));
      if (runtime === 'sandbox' && points.length !== 1)
        throw new CommandFailure(text('plugin.create.onePoint'));
      // Within a checkout of the product a plugin has its place.
      const isOwn = runtime === 'in-process' && options.folder === undefined && isCheckout();
      const folder = options.folder ?? (isOwn ? join('plugins', name) : name);
      if (existsSync(folder)) throw new CommandFailure(text('plugin.create.exists', { folder }));
      const plan = { name, runtime, isOwn, productVersion: await productVersion() };
      const files = filesOf({ ...plan, points: points.map(pointNamed) });
      await mkdir(folder, { recursive: true });
      for (const [file, content] of Object.entries(files)) await writeFile(join(folder, file), content);
      say(
        text('plugin.create.done', { folder: relative('.', folder), files: Object.keys(files).join(', ') }),
      );
    });
}

/** What wasn't given is asked for, where there is somebody to ask. */
async function askedFor(given: string | undefined, { point, runtime }: CreateOptions) {
  if (given !== undefined && point !== undefined && runtime !== undefined)
    return { name: given, points: point, runtime };
  const names = extensionPoints.map(({ name }) => name);
  if (!process.stdin.isTTY) {
    if (given === undefined) throw new CommandFailure(text('plugin.create.nameless'));
    return { name: given, points: point ?? names.slice(0, 1), runtime: runtime ?? 'in-process' };
  }
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const ask = async (question: string, otherwise: string): Promise<string> =>
      (await terminal.question(`${question} [${otherwise}] `)).trim() || otherwise;
    const name = given ?? (await ask(text('plugin.create.name'), 'my-plugin'));
    const points = point ?? [await ask(`${names.join(', ')}?`, names[0] ?? '')];
    const chosen = runtime ?? (await ask(`${RUNTIMES.join(', ')}?`, RUNTIMES[0]));
    return { name, points, runtime: RUNTIMES.find((one) => one === chosen) ?? RUNTIMES[0] };
  } finally {
    terminal.close();
  }
}

const isCheckout = (): boolean => existsSync('plugins') && existsSync(join('src', 'extension', 'index.ts'));

async function productVersion(): Promise<string> {
  const { version } = JSON.parse(await readFile(projectPath('package.json'), 'utf8')) as { version: string };
  return version;
}
