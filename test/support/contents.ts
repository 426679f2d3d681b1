import type { TestGateway } from './gateway.ts';

/** That a call was made is kept, whatever came of it, and a moment later. */
const NOT_COMPARED = ['extension_call', 'call_seal'];

/** A fingerprint of every table: equal before and after something that wrote nothing. */
export async function contentsOf({ sql }: Pick<TestGateway, 'sql'>): Promise<Record<string, string>> {
  const tables = await sql<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables where schemaname = 'public' and tablename <> all($1)
      order by 1`,
    [NOT_COMPARED],
  );
  const texts = tables.map(
    ({
      name,
    }) => `select '${name}' as name, count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as text
                     from ${name} t`,
  );
  const rows = await sql<{ name: string; text: string }>(texts.join(' union all '));
  return Object.fromEntries(rows.map(({ name, text }) => [name, text]));
}

/** What the database holds is the same after `act`, whatever that answers. */
export async function expectNothingWritten<Result>(
  gateway: Pick<TestGateway, 'sql'>,
  act: () => Promise<Result>,
): Promise<Result> {
  const before = await contentsOf(gateway);
  const result = await act();
  expect(await contentsOf(gateway)).toEqual(before);
  return result;
}
