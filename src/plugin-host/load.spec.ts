import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPlugins } from './load.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'membergraph-plugins-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ANSWER = `{ point: { name: 'member.create', version: 1 }, answer: () => ({ decision: 'APPROVE' }) }`;

/** A plugin as somebody wrote it, in a folder of its own. */
async function write(id: string, given: Record<string, string> = {}): Promise<void> {
  const parts = { id: `'${id}'`, version: '1', description: "'A plugin.'", answers: `[${ANSWER}]`, ...given };
  const literal = Object.entries(parts).map(([key, value]) => `${key}: ${value}`);
  await writeModule(id, `export const plugin = { ${literal.join(', ')} };`);
}

async function writeModule(id: string, source: string): Promise<void> {
  await mkdir(join(folder, id), { recursive: true });
  await writeFile(join(folder, id, 'plugin.ts'), source);
}

const load = async (...names: string[]) => await loadPlugins(names, { folder });
const loadWithin = async (longestMs: number, ...names: string[]) =>
  await loadPlugins(names, { folder, longestMs });

describe('loading plugins', () => {
  it('finds them by their ids', async () => {
    const { plugins, quarantined } = await loadPlugins(['welcome-note']);
    expect(plugins.map(({ id }) => id)).toEqual(['welcome-note']);
    expect(quarantined).toEqual([]);
  });

  it('finds them in packages', async () => {
    // A package that is there, and is no plugin.
    await expect(load('ws')).rejects.toThrow(
      'the package "ws" exports no "plugin": export definePlugin({…}).',
    );
  });

  it('takes those that depend on each other', async () => {
    await write('base');
    await write('upper', { dependsOn: "['base']" });
    expect((await load('upper', 'base')).plugins.map(({ id }) => id)).toEqual(['upper', 'base']);
  });
});

/** What can be wrong, and the one sentence that says so. */
const FAULTS: [what: string, source: Record<string, string> | string, sentence: RegExp][] = [
  ['no export', 'export const other = 1;', /^plugins\/bad\/plugin.ts exports no "plugin": export .+\.$/],
  [
    'an import that throws',
    'throw new Error("out of tea");',
    /^The plugin "bad" can't be loaded: out of tea\.$/,
  ],
  ['a missing import', "import './no-such.ts';", /^The plugin "bad" can't be loaded: .*no-such.*\.$/],
  [
    'parts that throw',
    'export const plugin = { get id() { throw new Error("out of tea"); } };',
    /^The plugin "bad" can't be loaded: out of tea\.$/,
  ],
  [
    'no object',
    'export const plugin = 5;',
    /^plugins\/bad\/plugin.ts exports a "plugin" that is wrong at "\.": .+\.$/,
  ],
  ['another id', { id: "'good'" }, /calls itself "good": give it its folder's name\.$/],
  [
    'an odd id',
    { id: "'Bad Id'" },
    /wrong at "id": takes words in small letters, joined by hyphens\. Correct it\.$/,
  ],
  ['a version that is none', { version: "'1'" }, /is wrong at "version": .+\.$/],
  ['no answers', { answers: '[]' }, /is wrong at "answers": .+\.$/],
  [
    'an answer that is none',
    { answers: `[{ point: { name: 'member.create', version: 1 }, answer: 5 }]` },
    /answers\.0\.answer": takes a function/,
  ],
  ['a deadline that is none', { deadlineMs: '0' }, /is wrong at "deadlineMs": .+\.$/],
  ['a policy that is none', { onFailure: "'DEFAULT'" }, /is wrong at "onFailure": .+\.$/],
  [
    'a configuration that is none',
    { configuration: '{}' },
    /is wrong at "configuration": takes a schema of zod/,
  ],
  [
    'an unknown point',
    { answers: "[{ point: { name: 'points.rul', version: 1 }, answer: () => null }]" },
    /^The plugin "bad" answers "points.rul", which nothing asks: answer one of "member.create", .+\.$/,
  ],
  [
    'an unknown version',
    { answers: "[{ point: { name: 'points.rule', version: 9 }, answer: () => null }]" },
    /^The plugin "bad" answers version 9 of "points.rule", which is not known here: answer version 1\.$/,
  ],
  [
    'the same point twice',
    { answers: `[${ANSWER}, ${ANSWER}]` },
    /^The plugin "bad" answers "member.create" twice: .+\.$/,
  ],
  [
    'a needy configuration',
    {
      configuration:
        "{ safeParse: () => ({ error: { issues: [{ path: ['rate'], message: 'is missing' }] } }) }",
    },
    /^The plugin "bad" can't do without a configuration \("rate": is missing\): .+\.$/,
  ],
  [
    'a missing dependency',
    { dependsOn: "['base']" },
    /^The plugin "bad" depends on "base", which is not loaded: name it in PLUGINS too\.$/,
  ],
];

describe.each(FAULTS)('a plugin with %s', (_what, source, sentence) => {
  beforeEach(async () => {
    if (typeof source === 'string') await writeModule('bad', source);
    else await write('bad', source);
    await write('other');
  });

  it('is told in one sentence, and nothing starts', async () => {
    await expect(load('other', 'bad')).rejects.toThrow(sentence);
  });

  it('is set aside where it is optional', async () => {
    const { plugins, quarantined } = await load('other', 'bad?');
    expect(plugins.map(({ id }) => id)).toEqual(['other']);
    expect(quarantined).toEqual([{ id: 'bad', why: expect.stringMatching(sentence) }]);
  });
});

it('an import that never ends is given up, and set aside where its plugin is optional', async () => {
  await writeModule('bad', 'await new Promise(() => setInterval(() => undefined, 1_000).unref());');
  await write('other');
  // Loaded once, it is there at once: however slow the machine is, only the other one is waited for.
  await load('other');
  const sentence = 'The plugin "bad" can\'t be loaded: its import has not ended within 500 ms.';
  await expect(loadWithin(500, 'other', 'bad')).rejects.toThrow(sentence);
  const { plugins, quarantined } = await loadWithin(500, 'other', 'bad?');
  expect(plugins.map(({ id }) => id)).toEqual(['other']);
  expect(quarantined).toEqual([{ id: 'bad', why: sentence }]);
});

describe('several plugins', () => {
  it('with one id are refused', async () => {
    await write('tea');
    const twice = 'The plugin "tea" is loaded twice: name it once in PLUGINS.';
    await expect(load('tea', 'tea')).rejects.toThrow(twice);
    await expect(load('tea', 'tea?')).rejects.toThrow(twice);
  });

  it('that depend on each other in a circle are refused, of however many', async () => {
    await write('a', { dependsOn: "['b']" });
    await write('b', { dependsOn: "['c']" });
    await write('c', { dependsOn: "['a']" });
    await expect(load('a', 'b', 'c')).rejects.toThrow(
      'The plugins depend on each other in a circle, "a" on "b" on "c" on "a": one of them must do without.',
    );
    expect((await load('a?', 'b?', 'c?')).plugins).toEqual([]);
  });

  it('go with what they depend on', async () => {
    await writeModule('base', 'throw new Error("out of tea");');
    await write('upper', { dependsOn: "['base']" });
    await expect(load('base?', 'upper')).rejects.toThrow('depends on "base", which is not loaded');
    const { plugins, quarantined } = await load('base?', 'upper?');
    expect(plugins).toEqual([]);
    expect(quarantined.map(({ id }) => id)).toEqual(['base', 'upper']);
  });

  it('name the one that there isn’t', async () => {
    await expect(load('no-such')).rejects.toThrow(
      'PLUGINS names "no-such", but there is no plugins/no-such/plugin.ts and no package "no-such": ' +
        'correct the name or add it.',
    );
    expect((await load('@no/such?')).quarantined.map(({ id }) => id)).toEqual(['@no/such']);
  });
});
