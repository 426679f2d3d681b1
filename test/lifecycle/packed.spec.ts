import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { removeEmbeddedPostgres } from '../../src/persistence/embedded/index.ts';
import { projectPath } from '../../src/persistence/index.ts';
import { freePort, run } from '../support/process.ts';

const execute = promisify(execFile);
/** Two databases are made, and everything is started as a process. */
const LONGEST_MS = 180_000;
/** Jest’s own settings are not for the programs of an author. */
const env = { PATH: process.env.PATH ?? '' };

let folder: string;
let tarball: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'membergraph-packed-'));
  // It is built already; `npm pack` would build it once more.
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { stdout } = await execute('npm', args, { cwd: projectPath() });
  tarball = join(folder, JSON.parse(stdout)[0].filename);
});
afterAll(async () => {
  await removeEmbeddedPostgres(join(folder, 'data'));
  await rm(folder, { recursive: true, force: true });
});

async function link(to: string, from: string): Promise<void> {
  await mkdir(dirname(from), { recursive: true });
  await symlink(to, from);
}

/**
 * Installs the packed product without a network: the tarball is unpacked, and what it depends on is linked to
 * where this checkout has it. Only what its manifest names is there, so nothing that it forgot can help.
 */
async function install(project: string, others: readonly string[] = []): Promise<string> {
  const product = join(project, 'node_modules', 'membergraph');
  await mkdir(product, { recursive: true });
  await execute('tar', ['-xzf', tarball, '-C', product, '--strip-components=1']);
  const { dependencies } = JSON.parse(await readFile(join(product, 'package.json'), 'utf8'));
  for (const name of [...Object.keys(dependencies), ...others])
    await link(projectPath('node_modules', name), join(project, 'node_modules', name));
  return product;
}

it(
  'a plugin is written, tested and loaded by the packed product, outside of the checkout',
  async () => {
    const operator = join(folder, 'operator');
    const author = join(folder, 'greeter');
    const product = await install(operator);
    const cli = join(product, 'dist', 'src', 'cli', 'bin.js');
    const create = ['plugin', 'create', 'greeter', '--point', 'member.create', '--runtime', 'in-process'];
    await execute(process.execPath, [cli, ...create], { cwd: folder, env });
    await install(author, ['@types/node']);

    // What the author makes of it.
    for (const file of ['plugin.ts', 'plugin.test.ts']) {
      const written = await readFile(join(author, file), 'utf8');
      const changed = written.replace(
        "{ decision: 'APPROVE' }",
        "{ decision: 'APPROVE', tags: ['greeted'] }",
      );
      expect(changed).not.toBe(written);
      await writeFile(join(author, file), changed);
    }
    const strict = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext'];
    const loose = ['--allowImportingTsExtensions', '--skipLibCheck', '--types', 'node'];
    const tsc = projectPath('node_modules', 'typescript', 'bin', 'tsc');
    const checked = await execute(
      process.execPath,
      [tsc, ...strict, ...loose, 'plugin.ts', 'plugin.test.ts'],
      {
        cwd: author,
        env,
      },
    ).catch((error: { stdout: string }) => error);
    expect(checked.stdout).toBe('');
    const tested = await execute(process.execPath, ['--test', '--test-reporter=tap'], {
      cwd: author,
      env,
    }).catch((error: { stdout: string }) => error);
    expect(tested.stdout).toMatch(/# pass 2\n# fail 0/);

    // As `npm install ../greeter` does.
    await link(author, join(operator, 'node_modules', 'greeter'));
    const dataDir = join(folder, 'data');
    const environment = { DATA_DIR: dataDir, PORT: String(await freePort()), PLUGINS: 'greeter' };
    const started = run('main', [], environment, { cwd: product });
    const [, url = ''] = await started.until(/Membergraph is ready: (http:\S+)\/graphql/);
    const { adminApiKey } = JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8'));
    const query = `mutation { createMember(input: { idempotencyKey: "one",
    identities: [{ kind: EXTERNAL, value: "one" }] }) { member { tags { code } } } }`;
    const response = await fetch(`${url}/graphql`, {
      ...{ method: 'POST', headers: { 'x-api-key': adminApiKey, 'content-type': 'application/json' } },
      body: JSON.stringify({ query }),
    });
    expect(await response.json()).toEqual({
      data: { createMember: { member: { tags: [{ code: 'greeted' }] } } },
    });
    started.child.kill('SIGTERM');
    expect((await started.ended).code).toBe(0);
  },
  LONGEST_MS,
);
