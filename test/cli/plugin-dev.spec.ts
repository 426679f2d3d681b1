import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { projectPath } from '../../src/persistence/index.ts';
import { startTestGateway } from '../support/gateway.ts';
import { runInProcess } from '../support/in-process.ts';
import { run } from '../support/process.ts';

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'membergraph-dev-')));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const posting = (amount: string): string =>
  `({ activity }) => ({ postings: [{ asset: 'points', amount: '${amount}', reason: activity.type }] })`;
const rule = (amount: string): string => `export default ${posting(amount)};\n`;
const product = pathToFileURL(projectPath('dist', 'src', 'extension', 'index.js')).href;
const plugin = (amount: string): string => `
  import { answers, definePlugin, pointsRule } from '${product}';
  export const plugin = definePlugin({ id: 'tried', version: 1, description: 'Is tried.',
    answers: [answers(pointsRule, ${posting(amount)})] });\n`;

async function written(name: string, source: string): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, source);
  return file;
}

it.each([
  ['rule.js', rule, ['--point', 'points.rule'], /"?rule.js|\(1:\d+\)/],
  ['plugin.mjs', plugin, [], /can't be loaded/],
] as const)('%s is asked again whenever it changes', async (name, source, more, broken) => {
  const file = await written(name, source('10'));
  const dev = run('cli', ['plugin', 'dev', file, '--deadline', '5000', ...more], {});
  await dev.until(/✓ points\.rule OK .*\n {2}.*"amount":"10","reason":"purchase".*\nChange /);
  await written(name, source('20'));
  await dev.until(/"amount":"20".*\n {2}postings\.0\.amount: "10" → "20"\n/);
  await written(name, `${source('30')}\n}`);
  await dev.until(/✗ (.|\n)*/);
  await written(name, source('0'));
  await dev.until(/✗ points\.rule INVALID_OUTPUT .*\n.*postings\.0\.amount/);
  await written(name, source('40'));
  await dev.until(/postings\.0\.amount: "20" → "40"\n/);
  expect(dev.said()).toMatch(broken);
  dev.child.kill('SIGINT');
  expect((await dev.ended).code).toBe(0);
});

it('takes a sample, and ends by a code when it is asked once', async () => {
  const file = await written('once.js', rule('10'));
  const args = ['plugin', 'dev', file, '--once', '--point', 'points.rule', '--deadline', '5000'];
  const good = await runInProcess([...args, '--sample', '{"activity":{"type":"review"}}'], {});
  expect([good.code, good.stdout]).toEqual([0, expect.stringContaining('"reason":"review"')]);
  await written('once.js', 'export default () => { throw new Error("out of tea"); };');
  const bad = await runInProcess(args, {});
  expect([bad.code, bad.stdout]).toEqual([1, expect.stringContaining('out of tea')]);
  const none = await runInProcess(['plugin', 'dev', join(folder, 'none.js'), '--once'], {});
  expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('can’t be read')]);
});

it('replays a recorded call, and says in what the answer differs from what was given then', async () => {
  const gateway = await startTestGateway();
  try {
    const environment = { DATABASE_URL: gateway.database.appUrl, DATA_DIR: gateway.config.dataDir };
    const cli = async (...args: string[]) => {
      const ended = await runInProcess(args, environment);
      expect([args, ended.stderr]).toEqual([args, '']);
      return ended.stdout;
    };
    const tenant = ['--tenant', 'demo'];
    const file = await written('bonus.js', rule('10'));
    await cli('extension', 'register', file, '--point', 'points.rule', '--deadline', '1000', ...tenant);
    await cli('extension', 'test', 'bonus', '--sample', '{"activity":{"type":"sign_in"}}', ...tenant);
    const { id } = JSON.parse(await cli('extension', 'calls', 'bonus', ...tenant));
    await written('bonus.js', rule('15'));
    const recorded = ['--extension', 'bonus', '--call', id, ...tenant];
    const shown = await cli('plugin', 'dev', file, '--once', '--deadline', '5000', ...recorded);
    expect(shown).toContain('"amount":"15","reason":"sign_in"');
    expect(shown).toContain('  postings.0.amount: "10" → "15"\n');
    const alone = await runInProcess(['plugin', 'dev', file, '--once', '--call', id], environment);
    expect([alone.code, alone.stderr]).toEqual([1, expect.stringMatching(/^A recorded call is found by /)]);
  } finally {
    await gateway.close();
  }
});
