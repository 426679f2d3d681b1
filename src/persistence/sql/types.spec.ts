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
