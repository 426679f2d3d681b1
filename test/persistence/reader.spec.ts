import { type Sql, statement } from '../../src/persistence/index.ts';
import { openScratch, type Scratch } from './scratch.ts';

interface Seen {
  readonly asked: number;
  readonly setting: string;
  readonly tenant: string;
  readonly name: string;
}

const see = statement<Seen>(
  'reader-spec.see',
  `select $1::int as asked, current_setting('app.tenant_id') as setting, tenant_id as tenant, code as name from tenant`,
);
const same = statement<{ asked: number }>('reader-spec.same', 'select $1::int as asked');
const divide = statement('reader-spec.divide', 'select 1 / $1::int');
const typed = statement('reader-spec.typed', 'select $1::uuid as id');
const broken = statement('reader-spec.broken', 'select * from no_such_table where id = $1');
const self = statement<{ pid: number }>('reader-spec.self', 'select pg_backend_pid() as pid');
const waitFor = statement<{ pid: number }>(
  'reader-spec.wait_for',
  'select pg_backend_pid() as pid from pg_advisory_xact_lock_shared($1)',
);

const CONNECTIONS = 3;

let scratch: Scratch;
beforeAll(async () => {
  scratch = await openScratch({ reads: CONNECTIONS, writes: 1 });
});
afterAll(() => scratch.close());

/** Ends sessions of the app role, as a crash or a restart of the server would, and sees them gone. */
async function kill(pids: readonly number[]): Promise<void> {
  const { rows } = await scratch.app.query<{ done: boolean }>(
    'select pg_terminate_backend(pid) as done from unnest($1::int[]) as pid',
    [pids],
  );
  expect(rows).toEqual(pids.map(() => ({ done: true })));
  await scratch.until('not exists (select from pg_stat_activity where pid = any($1::int[]))', [pids]);
}

async function readersPids(sql: Sql): Promise<number[]> {
  const rounds: { pid: number }[] = [];
  // Those of one turn travel together, those of the next on the next connection.
  for (let round = 0; round < CONNECTIONS; round += 1) rounds.push(...(await sql.run(self, [])));
  return rounds.map(({ pid }) => pid);
}

describe('reads', () => {
  it('of two tenants at once, with failing ones among them, leak nothing and fail nobody else', async () => {
    const tenants = [
      { tenant: scratch.tea, name: 'tea' },
      { tenant: scratch.books, name: 'books' },
    ];
    const expected: unknown[] = [];
    const running: Promise<unknown>[] = [];
    const failures: [stmt: typeof divide, value: unknown, code: string][] = [
      [divide, 0, '22012'],
      [typed, 'no uuid', '22P02'],
      [broken, 1, '42P01'],
    ];
    for (let asked = 0; asked < 5_000; asked += 1) {
      const { tenant, name } = tenants[asked % 2] ?? { tenant: '', name: '' };
      const sql = scratch.database.read(tenant);
      running.push(sql.run(see, [asked]));
      expected.push([{ asked, setting: tenant, tenant, name }]);
      if (asked % 100 === 50) {
        const [stmt, value, code] = failures[(asked / 50) % 3] ?? [divide, 0, ''];
        running.push(sql.run(stmt, [value]).catch((error: { code: string }) => error.code));
        expected.push(code);
      }
      if (asked % 250 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(running).toHaveLength(5_050);
    expect(await Promise.all(running)).toEqual(expected);
  });

  it('of one turn share a round trip, and each has its own answer', async () => {
    const sql = scratch.database.read(scratch.tea);
    const answers = await Promise.all(Array.from({ length: 60 }, (_, asked) => sql.run(same, [asked])));
    expect(answers).toEqual(answers.map((_rows, asked) => [{ asked }]));
    const pids = await Promise.all(Array.from({ length: 10 }, () => sql.run(self, [])));
    expect(new Set(pids.map(([row]) => row?.pid)).size).toBe(1);
  });

  it('see nothing without a tenant but the directory', async () => {
    expect(await scratch.database.readDirectory().run(see, [1])).toEqual([]);
    expect(await scratch.database.read('').run(see, [1])).toEqual([]);
  });

  it('of somebody who is no tenant fail alone', async () => {
    const [bad, good] = await Promise.allSettled([
      scratch.database.read("x' or true --").run(see, [1]),
      scratch.database.read(scratch.tea).run(see, [1]),
    ]);
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: '22P02' } });
    expect(good).toMatchObject({ status: 'fulfilled', value: [{ tenant: scratch.tea }] });
  });

  it('whose first use had wrong values answer rightly ever after', async () => {
    const fresh = statement<{ id: string }>('reader-spec.fresh', 'select $1::uuid as id');
    const sql = scratch.database.read(scratch.tea);
    const wrong = Array.from({ length: CONNECTIONS }, async () => {
      await expect(sql.run(fresh, ['no uuid'])).rejects.toMatchObject({ code: '22P02' });
    });
    await Promise.all(wrong);
    for (let round = 0; round < CONNECTIONS * 2; round += 1)
      expect(await sql.run(fresh, [scratch.tea])).toEqual([{ id: scratch.tea }]);
  });

  it('leave nothing behind on their connections', async () => {
    // The read that recognises a key sets no tenant of its own: one that was left would show here.
    for (let round = 0; round < CONNECTIONS; round += 1) {
      expect(await scratch.database.read(scratch.tea).run(see, [1])).toHaveLength(1);
      expect(await scratch.database.readByKeyHash('00').run(see, [1])).toEqual([]);
      expect(await scratch.database.readByKeyHash('00').run(see, [1])).toEqual([]);
    }
  });
});

describe('when connections are lost', () => {
  it('the next reads have others', async () => {
    const sql = scratch.database.read(scratch.tea);
    const before = await readersPids(sql);
    expect(new Set(before).size).toBe(CONNECTIONS);
    await kill(before);
    const answers = await Promise.all(Array.from({ length: 100 }, (_, asked) => sql.run(see, [asked])));
    expect(answers.map(([row]) => row?.asked)).toEqual(answers.map((_row, asked) => asked));
    const after = await readersPids(sql);
    expect(after.filter((pid) => before.includes(pid))).toEqual([]);
    expect(new Set(after).size).toBe(CONNECTIONS);
  });

  it('a lone read comes through as well', async () => {
    const sql = scratch.database.read(scratch.tea);
    await kill(await readersPids(sql));
    expect(await sql.run(see, [1])).toMatchObject([{ asked: 1, tenant: scratch.tea }]);
  });

  it('what was on its way is sent again', async () => {
    const LOCK = 42;
    await scratch.owner.query('select pg_advisory_lock($1)', [LOCK]);
    const waiting = `select pid from pg_locks where locktype = 'advisory' and not granted
                        and database = (select oid from pg_database where datname = current_database())`;
    const reads = [scratch.tea, scratch.books].map(async (tenant) => {
      const sql = scratch.database.read(tenant);
      const [first, [waited], seen] = await Promise.all([
        sql.run(same, [1]),
        sql.run(waitFor, [LOCK]),
        sql.run(see, [2]),
      ]);
      return { first, pid: waited?.pid, seen };
    });
    await scratch.until(`(select count(*) = 2 from (${waiting}) as w)`);
    const { rows } = await scratch.app.query<{ pid: number }>(waiting);
    const killed = rows.map(({ pid }) => pid);
    await kill(killed);
    await scratch.owner.query('select pg_advisory_unlock($1)', [LOCK]);
    const answers = await Promise.all(reads);
    expect(answers).toMatchObject(
      [scratch.tea, scratch.books].map((tenant) => ({ first: [{ asked: 1 }], seen: [{ asked: 2, tenant }] })),
    );
    expect(killed).toHaveLength(2);
    expect(answers.filter(({ pid }) => pid === undefined || killed.includes(pid))).toEqual([]);
  });

  it('none is left behind when the database closes', async () => {
    const { database } = scratch;
    const sql = database.read(scratch.tea);
    await kill(await readersPids(sql));
    await Promise.all(Array.from({ length: 50 }, () => sql.run(self, [])));
    await database.close();
    await scratch.until(
      `not exists (select from pg_stat_activity
                    where datname = current_database() and usename = current_user and pid <> pg_backend_pid())`,
    );
    await expect(sql.run(self, [])).rejects.toThrow('The database is closed.');
  });
});
