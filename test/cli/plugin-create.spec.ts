import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { filesOf, type Plan } from '../../src/cli/plugin/templates.ts';
import { extensionPoints } from '../../src/extension/index.ts';
import { projectPath } from '../../src/persistence/index.ts';
import { checkReceiver, newWebhookSecret } from '../../src/plugin-host/index.ts';
import { runInProcess } from '../support/in-process.ts';
import { listen } from '../support/receivers.ts';

const run = promisify(execFile);
const points = extensionPoints.map(({ name }) => name);
let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'membergraph-create-')));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function created(name: string, args: readonly string[]): Promise<string> {
  const into = join(folder, name);
  const { code, stderr } = await runInProcess(['plugin', 'create', name, '--folder', into, ...args], {});
  expect([stderr, code]).toEqual(['', 0]);
  return into;
}

/** Jest sets NODE_OPTIONS for its own. */
const env = { PATH: process.env.PATH ?? '', NODE_TEST_CONTEXT: undefined };

it('a webhook answers every point, passes its own tests and the kit', async () => {
  const into = await created('hook', ['--runtime', 'webhook', '--point', ...points]);
  expect((await readdir(into)).sort()).toEqual([
    ...['README.md', 'answers.js', 'package.json', 'receiver.js', 'receiver.test.js'],
  ]);
  const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap'], { cwd: into, env });
  expect(stdout).toMatch(new RegExp(`# pass ${points.length + 2}\n# fail 0`));
  const { createReceiver } = await import(pathToFileURL(join(into, 'receiver.js')).href);
  const secret = newWebhookSecret();
  const receiver = await listen(createReceiver([secret]));
  const failed: unknown[] = [];
  try {
    for (const point of extensionPoints) {
      const { input } = point.example;
      const asked = { url: receiver.url, secret, point, input, deadlineMs: 3_000, live: true };
      await checkReceiver(asked, (checked) => checked.seen !== null && failed.push(checked));
    }
  } finally {
    await receiver.close();
  }
  expect(failed).toEqual([]);
});

it('code to upload passes its own test, for every point', async () => {
  for (const point of points) {
    const name = `rule-${point.replace('.', '-')}`;
    const into = join(folder, 'rules', name);
    await runInProcess(
      ['plugin', 'create', name, '--folder', into, '--runtime', 'sandbox', '--point', point],
      {},
    );
  }
  const cwd = join(folder, 'rules');
  const { stdout } = await run(process.execPath, ['--test', '--test-reporter=tap'], { cwd, env });
  expect(stdout).toMatch(new RegExp(`# pass ${points.length}\n# fail 0`));
});

describe('a plugin of the product’s own', () => {
  const planOf = (given: Plan['points']): Plan => ({
    ...{ name: 'made-up', points: given, runtime: 'in-process', isOwn: true, productVersion: '1.0.0' },
  });

  it('passes the test that comes with it', async () => {
    // Where it would be, beside the product: relative paths lead to it.
    const into = join(folder, 'plugins', 'made-up');
    await mkdir(into, { recursive: true });
    const src = projectPath('src', 'extension', 'index.ts');
    const support = projectPath('test', 'support', 'plugins.ts');
    for (const [file, content] of Object.entries(filesOf(planOf(extensionPoints)))) {
      const placed = content
        .replaceAll('../../src/extension/index.ts', src)
        .replaceAll('../../test/support/plugins.ts', support);
      await writeFile(join(into, file), placed);
    }
    const config = {
      ...{ rootDir: folder, roots: [folder], testMatch: ['**/*.spec.ts'], extensionsToTreatAsEsm: ['.ts'] },
      transform: { '^.+\\.ts$': projectPath('node_modules', '@swc', 'jest') },
    };
    const jest = projectPath('node_modules', 'jest', 'bin', 'jest.js');
    const args = ['--experimental-vm-modules', jest, '--config', JSON.stringify(config)];
    const { stderr } = await run(process.execPath, args, { cwd: projectPath(), env });
    expect(stderr).toMatch(new RegExp(`Tests: +${points.length} passed, ${points.length} total`));
  });

  it('names what the product exports', async () => {
    const exported = await readFile(projectPath('src', 'extension', 'index.ts'), 'utf8');
    const { 'plugin.ts': code = '' } = filesOf(planOf(extensionPoints));
    const [, names = ''] = /^import \{([^}]+)\}/.exec(code) ?? [];
    const words = names.match(/\b(?!type\b)\w+/g) ?? [];
    expect(words).toHaveLength(2 + 2 * points.length);
    expect(words.filter((word) => !new RegExp(`\\b${word}\\b`).test(exported))).toEqual([]);
  });

  it('is formatted as the house formats, for each point', () => {
    const biome = projectPath('node_modules', '.bin', 'biome');
    for (const point of extensionPoints) {
      for (const [file, content] of Object.entries(filesOf(planOf([point])))) {
        if (!file.endsWith('.ts')) continue;
        const args = ['check', '--write', `--stdin-file-path=plugins/made-up/${file}`];
        const { stdout } = spawnSync(biome, args, { cwd: projectPath(), input: content, encoding: 'utf8' });
        expect(stdout).toBe(content);
      }
    }
  });
});

it.each([
  [['plugin', 'create'], 'The plugin has no name: membergraph plugin create NAME.\n'],
  [
    ['plugin', 'create', 'Tea Shop'],
    'The name "Tea Shop" is none for a plugin: take words in small letters, joined by hyphens.\n',
  ],
  [
    ['plugin', 'create', 'x', '--point', 'nobody.asks'],
    expect.stringMatching(/^Nothing asks "nobody\.asks": name one of /),
  ],
  [
    ['plugin', 'create', 'x', '--runtime', 'sandbox', '--point', 'points.rule', 'member.create'],
    'Uploaded code answers one point: name one --point.\n',
  ],
  [
    ['plugin', 'create', 'x', '--folder', 'src'],
    'There is a src already: take another name, or another --folder.\n',
  ],
])('%j is refused, and nothing is written', async (args, says) => {
  const { code, stderr } = await runInProcess(args, {});
  expect([code, stderr]).toEqual([1, says]);
});

it('writes where it says, and what a reader finds there', async () => {
  const into = await created('greeter', ['--point', 'member.create']);
  const manifest = JSON.parse(await readFile(join(into, 'package.json'), 'utf8'));
  expect(manifest).toMatchObject({ name: 'greeter', type: 'module', exports: './plugin.ts' });
  expect(await readFile(join(into, 'plugin.ts'), 'utf8')).toContain("from 'membergraph/plugin'");
});
