import { METHODS as ADAPTED } from '../../plugins/youzan-adapter/settings.ts';
import { extensionPoints } from '../../src/extension/index.ts';
import { readSource } from '../architecture/sources.ts';
import { METHODS } from '../support/youzan.ts';

const [, table = ''] = readSource('docs/guides/youzan-points.md').split('<!-- points -->');
const rows = table
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| /, '').trim()));

it('sets a point, or a reason, beside each of the 26 methods, once', () => {
  const methods = rows.map(([method = '']) => method.replaceAll('`', ''));
  expect(methods.toSorted()).toEqual(Object.keys(METHODS).sort());
  expect(methods).toHaveLength(26);
  for (const [method, point = '', , why = ''] of rows)
    expect([method, /`/.test(point) || why.length > 20]).toEqual([method, true]);
});

// One that is marked may be there: whoever adds it needn't know this page.
it('names no point as if it were there that isn’t', () => {
  const names = extensionPoints.map(({ name }) => name);
  const marked = /not yet: `[a-z.]+`/g;
  const named = rows.flatMap(([, point = '']) => point.replaceAll(marked, '').match(/[a-z]+\.[a-z]+/g) ?? []);
  expect(named).toContain('member.create');
  expect(named.filter((name) => !names.includes(name))).toEqual([]);
});

it('says of the adapter what it asks', () => {
  const asked = rows.filter(([, , adapter = '']) => adapter.startsWith('yes'));
  expect(asked.map(([method = '']) => method.replaceAll('`', '')).sort()).toEqual([...ADAPTED].sort());
});
