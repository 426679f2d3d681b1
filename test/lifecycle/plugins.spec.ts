import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeEmbeddedPostgres } from '../../src/persistence/embedded/index.ts';
import { projectPath } from '../../src/persistence/index.ts';
import { createTestDatabase } from '../support/database.ts';
import { type Running, run } from '../support/process.ts';
import { untilHolds } from '../support/until-holds.ts';

const READY = /Membergraph is ready: (http:\S+)\/graphql/;

const BLOCKED = /^membergraph_plugin_blocked_seconds_total\{plugin="unruly"\} (\S+)$/m;
/** From here on a block is told. Who watches may see its beginning late, and then tells less of it. */
const LEAST_S = 0.25;

/** A plugin of an operator, which does what a new member's name says. */
const PLUGIN = `
  import { answers, definePlugin, memberCreate } from '../../src/extension/index.js';
  const ways = {
    loops: () => { const end = performance.now() + 2_000; while (performance.now() < end); },
    leaves: () => void setTimeout(() => { throw new Error('left behind'); }, 1),
    rejects: () => void Promise.reject(new Error('left behind')),
  };
  export const plugin = definePlugin({
    id: 'unruly',
    version: 1,
    description: 'Does what the name says.',
    onFailure: 'FAIL_OPEN',
    answers: [
      answers(memberCreate, ({ profile }) => {
        ways[profile.displayName]?.();
        return { decision: 'APPROVE' };
      }),
    ],
    schema: {
      sdl: 'extend type Query { unruly_answer: Int }',
      fields: { Query: { unruly_answer: { resolve: () => (ways.loops(), 42) } } },
    },
  });`;

let copy: string;
let main: Running | null = null;
let environment: Record<string, string>;
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'membergraph-plugins-'));
  for (const part of ['dist', 'migrations', 'docs', 'package.json'])
    execFileSync('cp', ['-a', projectPath(part), copy]);
  await symlink(projectPath('node_modules'), join(copy, 'node_modules'));
  for (const [id, source] of [
    ['unruly', PLUGIN],
    ['broken', 'throw new Error("out of tea");'],
  ] as const) {
    await mkdir(join(copy, 'dist', 'plugins', id));
    await writeFile(join(copy, 'dist', 'plugins', id, 'plugin.js'), source);
  }
  environment = { DATA_DIR: join(copy, 'data'), PORT: '0' };
});
afterAll(async () => {
  main?.child.kill('SIGKILL');
  await main?.ended;
  await removeEmbeddedPostgres(join(copy, 'data'));
  await rm(copy, { recursive: true, force: true });
});

it('an operator’s plugin can be wrong in any way, and is named for it', async () => {
  const plugins = { PLUGINS: 'unruly broken?' };
  const started = run('main', [], { ...environment, ...plugins }, { cwd: copy });
  main = started;
  const [, url = ''] = await started.until(READY);
  expect(started.said()).toContain(
    'a plugin is not asked: The plugin \\"broken\\" can\'t be loaded: out of tea.',
  );
  await started.until(/webhooks +may be on this machine too/);
  const { adminApiKey } = JSON.parse(await readFile(join(copy, 'data', 'credentials.json'), 'utf8'));
  const ask = async (query: string): Promise<unknown> => {
    const headers = { 'x-api-key': adminApiKey, 'content-type': 'application/json' };
    const body = JSON.stringify({ query });
    return await (await fetch(`${url}/graphql`, { method: 'POST', headers, body })).json();
  };
  const enrol = (name: string): Promise<unknown> =>
    ask(`mutation { createMember(input: { idempotencyKey: "${name}", profile: { displayName: "${name}" },
      identities: [{ kind: EXTERNAL, value: "${name}" }] }) { userErrors { code } } }`);
  const good = { data: { createMember: { userErrors: [] } } };

  expect(await enrol('leaves')).toEqual(good);
  await started.until(/"plugin":"unruly","point":"member.create".*left behind.*nobody caught/);
  expect(await enrol('rejects')).toEqual(good);
  await started.until(/nobody caught(.|\n)*nobody caught/);
  let metrics = '';
  /** How long it was is told afterwards, by a thread of its own. */
  const blockedFor = async (least: number): Promise<number> => {
    let seconds = 0;
    await untilHolds(async () => {
      metrics = await (await fetch(`${url}/metrics`)).text();
      seconds = Number(BLOCKED.exec(metrics)?.[1] ?? 0);
      return seconds >= least;
    }, `a block is counted: ${least} seconds in all`);
    return seconds;
  };
  const looping = enrol('loops');
  await started.until(/plugin \\"unruly\\" has blocked the event loop for \d+ ms in member.create/);
  expect(await looping).toEqual(good);
  const once = await blockedFor(LEAST_S);
  expect(await enrol('somebody')).toEqual(good);
  const late = { unruly_answer: null };
  expect(await ask('{ unruly_answer }')).toMatchObject({ data: late });
  await started.until(/plugin \\"unruly\\" has blocked the event loop for \d+ ms in Query.unruly_answer/);
  await blockedFor(once + LEAST_S);
  const ran = 'plugin="unruly",part="Query.unruly_answer",outcome="late"';
  expect(metrics).toContain(`membergraph_plugin_part_seconds_count{${ran}} 1`);
  expect(metrics).toMatch(/^membergraph_plugins_quarantined 1$/m);

  started.child.kill('SIGTERM');
  expect((await started.ended).code).toBe(0);
});

it('says in one sentence what is wrong with a plugin that isn’t optional', async () => {
  const database = await createTestDatabase();
  const own = { ...environment, DATABASE_URL: database.appUrl, PLUGINS: 'unruly,broken' };
  const { code, stderr } = await run('main', [], own, { cwd: copy }).ended;
  expect([code, stderr]).toEqual([1, 'The plugin "broken" can\'t be loaded: out of tea.\n']);
  await database.drop();
});

it('an error of our own that nobody caught ends the process, in order', async () => {
  const database = await createTestDatabase();
  const mistake = `process.on('SIGWINCH', () => { throw new Error('our mistake'); })`;
  const own = {
    ...{ ...environment, DATABASE_URL: database.appUrl, PLUGINS: 'unruly' },
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(mistake)}`,
  };
  const started = run('main', [], own, { cwd: copy });
  await started.until(READY);
  started.child.kill('SIGWINCH');
  const { code, stderr } = await started.ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(/^Error: our mistake\n/);
  await database.drop();
});
