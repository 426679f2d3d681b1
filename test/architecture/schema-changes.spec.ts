import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  findBaselines,
  findBreakingChanges,
  findDrift,
  findUndeclared,
  readSchemaFiles,
  type SchemaFiles,
} from '../../.ci/schema-changes.ts';
import { withTree } from './cruise.ts';

const SDL = 'type Query { member(id: ID!): Member }\ntype Member { id: ID! name: String }\n';
const POINT = {
  point: 'points.rule',
  output: {
    type: 'object',
    properties: {
      replace: { type: 'boolean' },
      postings: { type: 'array', items: { type: 'object', properties: { asset: { type: 'string' } } } },
    },
  },
};

function files(sdl: string, point: unknown = POINT): SchemaFiles {
  return new Map([
    ['schema.graphql', sdl],
    ['extension-points/points.rule.json', JSON.stringify(point)],
  ]);
}

describe('breaking changes of the schema', () => {
  it.each([
    ['a removed field', SDL.replace('name: String', ''), ['Member.name']],
    ['a field that may be null now', SDL.replace('id: ID! name', 'id: ID name'), ['Member.id']],
    ['a new required argument', SDL.replace('id: ID!)', 'id: ID!, at: String!)'), ['Query.member.at']],
    ['a new field', SDL.replace('name: String', 'name: String tier: String'), []],
    ['nothing', SDL, []],
  ])('sees %s', async (_what, after, paths) => {
    const changes = await findBreakingChanges(files(SDL), files(after));
    expect(changes.map(({ path }) => path)).toEqual(paths);
  });

  it('sees what an extension point lost, however deep, and not what it gained', async () => {
    const { replace: _gone, ...properties } = POINT.output.properties;
    const shorter = {
      ...POINT,
      output: { ...POINT.output, properties: { ...properties, postings: { type: 'array' }, more: {} } },
    };
    const changes = await findBreakingChanges(files(SDL), files(SDL, shorter));
    expect(changes.map(({ path }) => path)).toEqual([
      'points.rule.json#output.replace',
      'points.rule.json#output.postings.asset',
    ]);
  });

  it('sees an extension point that is gone', async () => {
    const changes = await findBreakingChanges(files(SDL), new Map([['schema.graphql', SDL]]));
    expect(changes.map(({ path }) => path)).toEqual(['points.rule.json']);
  });

  it('accepts one that is declared with what to do instead', async () => {
    const changes = await findBreakingChanges(files(SDL), files(SDL.replace('name: String', '')));
    expect(findUndeclared(changes, '- `Member.name`: ask `Member.displayName`')).toEqual([]);
    expect(findUndeclared(changes, '- `Member.name`:')).toEqual(changes);
    expect(findUndeclared(changes, '- `Member`: gone')).toEqual(changes);
    expect(findUndeclared(changes, '    - `Member.name`: an example in the text')).toEqual(changes);
  });
});

describe('drift of the committed schema', () => {
  it('names each file that is not what the code emits', () => {
    const committed = new Map([...files(`${SDL}#`), ['extension-points/old.json', '{}']]);
    committed.delete('extension-points/points.rule.json');
    expect(findDrift(files(SDL), committed)).toEqual([
      'schema/extension-points/old.json is not emitted any more',
      'schema/extension-points/points.rule.json is missing',
      'schema/schema.graphql is not what the code emits',
    ]);
    expect(findDrift(files(SDL), files(SDL))).toEqual([]);
  });

  it('names the folder of pages that differ', () => {
    const page = (text: string): SchemaFiles => new Map([['points.rule.md', text]]);
    expect(findDrift(page('new'), page('old'), 'docs/extension-points')).toEqual([
      'docs/extension-points/points.rule.md is not what the code emits',
    ]);
  });
});

describe('the schemas to compare with', () => {
  const tree = { 'schema/schema.graphql': '# 1', 'schema/extension-points/a.json': '{}', 'schema/x.md': '' };

  it('are the last release, what is committed, and what was before', () => {
    withTree(tree, (root) => {
      const git = (...args: string[]) =>
        execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
          cwd: root,
          stdio: 'ignore',
        });
      const commit = (text: string): void => {
        writeFileSync(join(root, 'schema/schema.graphql'), text);
        git('add', '-A');
        git('commit', '--allow-empty', '-m', text);
      };
      git('init');
      commit('# 1');
      git('tag', 'v0.1.0');
      commit('# 2');
      commit('# 3');
      commit('# 3');
      const found = findBaselines(root).map((baseline) => baseline.files.get('schema.graphql'));
      expect(found).toEqual(['# 1', '# 3', '# 2']);
      expect([...(findBaselines(root)[0]?.files.keys() ?? [])]).toEqual([
        'extension-points/a.json',
        'schema.graphql',
      ]);
    });
  });

  it('are none where there is no history', () => {
    withTree(tree, (root) => {
      expect(findBaselines(root)).toEqual([]);
      expect([...readSchemaFiles(join(root, 'schema')).keys()]).toEqual([
        'extension-points/a.json',
        'schema.graphql',
      ]);
    });
  });
});
