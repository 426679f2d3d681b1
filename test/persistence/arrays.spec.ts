import { newKey } from '../../src/kernel/ids.ts';
import { statement } from '../../src/persistence/index.ts';
import { openScratch, type Scratch } from './scratch.ts';

const told = statement<{ told: string }>(
  'arrays-spec.told',
  `select jsonb_agg(to_jsonb(s) order by place)::text as told
     from (select generate_series(1, 9) as place, unnest($1::uuid[]) as u, unnest($2::bigint[]) as b,
                  unnest($3::boolean[]) as f, unnest($4::timestamptz[]) as m, unnest($5::text[]) as t,
                  unnest($6::jsonb[]) as j, encode(unnest($7::bytea[]), 'hex') as y, unnest($8::date[]) as d) s`,
);
const counted = statement<{ uuids: number }>(
  'arrays-spec.counted',
  'select cardinality($1::uuid[]) + cardinality($2::text[]) + cardinality($3::bigint[]) as uuids',
);

let scratch: Scratch;
beforeAll(async () => {
  scratch = await openScratch({ reads: 1, writes: 1 });
});
afterAll(() => scratch.close());

describe('arrays that are sent', () => {
  it('reach PostgreSQL, whatever is in them, as if each were written as text', async () => {
    const { database, tea } = scratch;
    const key = newKey();
    const moments = [0, 1.7e12, -6e12, 253_402_300_799_999, -3e13].map((at) => new Date(at));
    const long = 'ä"\\'.repeat(50);
    const asked = [
      [key, key.toUpperCase(), null, key.replaceAll('-', '')],
      [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 5, -(2 ** 40), Number.MAX_SAFE_INTEGER, '7'],
      [true, false, null],
      [...moments, null],
      ['', 'plain', '中文', null, long, 'x'.repeat(70_000), 'NULL', '{a,"b"}'],
      [JSON.stringify({ a: [long, 1] }), null, '[]', '"中"'],
      [Buffer.from([0, 1, 255]), null, Buffer.alloc(0)],
      ['2026-02-28', null],
    ];
    const read = async (values: unknown[]): Promise<Record<string, unknown>[]> => {
      const [row] = await database.transaction(tea, (tx) => tx.run(told, values));
      return JSON.parse(row?.told ?? '[]');
    };
    const rows = await read(asked);
    const columns = [...'ubfmtjyd'].map((name) => rows.map((row) => row[name] ?? null));
    const padded = (values: unknown[]): unknown[] => Object.assign(Array(9).fill(null), values);
    expect(columns[0]).toEqual(padded([key, key, null, key]));
    expect(rows.map(({ b }) => String(b))).toEqual(
      padded([...(asked[1] ?? [])].map(Number)).map((value) => String(value)),
    );
    expect(columns[2]).toEqual(padded([true, false, null]));
    const atOf = (text: unknown): number | null => (typeof text === 'string' ? Date.parse(text) : null);
    expect(columns[3]?.map(atOf)).toEqual(padded(moments.map((moment) => moment.getTime())));
    expect(columns[4]).toEqual(padded([...(asked[4] ?? [])]));
    expect(columns[5]).toEqual(padded([{ a: [long, 1] }, null, [], '中']));
    expect(columns[6]).toEqual(padded(['0001ff', null, '']));
    expect(columns[7]).toEqual(padded(['2026-02-28', null]));
    const nothing = await database.transaction(tea, (tx) => tx.run(counted, [[], [], []]));
    expect(nothing).toEqual([{ uuids: 0 }]);
  });

  it('reach it where an id follows itself, beside others and after them', async () => {
    const { database, tea } = scratch;
    const [one, other] = [newKey(), newKey()];
    for (const ids of [
      [one, one, null, one, other, other, one],
      [one, other, one],
      [other, other],
    ]) {
      const [row] = await database.transaction(tea, (tx) => tx.run(told, [ids, [], [], [], [], [], [], []]));
      const rows: Record<string, unknown>[] = JSON.parse(row?.told ?? '[]');
      expect(rows.slice(0, ids.length).map(({ u }) => u)).toEqual(ids);
    }
  });

  it('with a value that is none of their type are refused as their text is', async () => {
    const { database, tea } = scratch;
    const refusal = (values: unknown[]) => database.transaction(tea, (tx) => tx.run(counted, values));
    const key = newKey();
    await expect(refusal([[`${key.slice(0, -1)}g`], [], []])).rejects.toMatchObject({ code: '22P02' });
    await expect(refusal([[`é${key.slice(1)}`], [], []])).rejects.toMatchObject({ code: '22P02' });
    await expect(refusal([[], ['a\0'], []])).rejects.toMatchObject({ code: '22021' });
    await expect(refusal([[], [], [2n ** 63n]])).rejects.toMatchObject({ code: '22003' });
  });
});
