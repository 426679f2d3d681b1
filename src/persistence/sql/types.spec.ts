import pg from 'pg';
import { valueTypes } from './types.ts';

const UUID_ARRAY: number = 2951;
const [a, b] = ['01a20443-32e1-76c6-b0e6-c1aa6f3a583f', '01a20443-32e1-76c6-b0e6-c1aa6f3a5840'];

it.each([['{}'], [`{${a}}`], [`{${a},${b}}`], [`{${a},NULL}`], [`{{${a}},{${b}}}`], [`[2:3]={${a},${b}}`]])(
  'reads the ids %s as pg does',
  (text) => {
    const asPg = pg.types.getTypeParser(UUID_ARRAY, 'text')(text);
    expect(valueTypes.getTypeParser(UUID_ARRAY, 'text')(text)).toEqual(asPg);
  },
);

const TIMESTAMPTZ = 1184;
it.each([
  ['2026-11-21 10:00:00+00', '2026-11-21 10:00:00.5+00', '2026-11-21 10:00:00.123+00'],
  ['2026-11-21 10:00:00.123456+00', 'infinity', '0044-03-15 12:00:00+00 BC', '12026-01-01 00:00:00+00'],
])('reads moments as pg does, the first time and again', (...texts) => {
  const read = valueTypes.getTypeParser(TIMESTAMPTZ, 'text');
  const asPg = pg.types.getTypeParser(TIMESTAMPTZ, 'text');
  for (const text of texts) for (const _ of ['once', 'again']) expect(read(text)).toEqual(asPg(text));
  const [first, again] = [read(texts[0] ?? ''), read(texts[0] ?? '')];
  expect(again).not.toBe(first);
});
