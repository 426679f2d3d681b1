import utils from 'pg/lib/utils.js';
import { toParameter } from './parameters.ts';

const plain: [string, unknown[]][] = [
  ['nothing', []],
  ['texts that are to be escaped', ['a"b', 'c\\d', '\\"', '', '{x,y}', 'NULL', '中文', '{"a":"b\\nc"}']],
  ['what is missing', ['a', null, undefined]],
];

it.each(plain)('writes %s as pg does', (_what, values) => {
  expect(toParameter(values)).toBe(utils.prepareValue(values));
});

it('writes numbers, flags and moments, each by itself, too', () => {
  const moment = new Date('2026-02-28T23:59:59.123Z');
  expect(toParameter([1, -(2n ** 63n), true])).toBe('{1,-9223372036854775808,true}');
  expect(toParameter([moment, moment, new Date(0)])).toBe(
    '{"2026-02-28T23:59:59.123Z","2026-02-28T23:59:59.123Z","1970-01-01T00:00:00.000Z"}',
  );
  expect(toParameter('as it is')).toBe('as it is');
});

it('leaves the rest to pg: other values, and years of more or fewer than four digits', () => {
  for (const values of [
    [Buffer.from('a')],
    [['b']],
    [{ c: 1 }],
    [new Date('+012345-01-01')],
    [new Date(-7e13)],
  ]) {
    expect(toParameter(values)).toEqual(utils.prepareValue(values));
  }
});
