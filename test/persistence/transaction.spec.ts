import { newKey } from '../../src/kernel/ids.ts';
import { statement, type Transaction, violatedConstraint } from '../../src/persistence/index.ts';
import { newGreeter, startHost } from '../support/extensions.ts';
import { openScratch, type Scratch } from './scratch.ts';

const insert = statement<{ number: number }>(
  'transaction-spec.insert',
  'insert into scratch (tenant_id, number) values ($1, $2) returning number',
);
const add = statement<{ number: number }>(
  'transaction-spec.add',
  'update scratch set number = number + 100 where tenant_id = $1 and number = $2 returning number',
);
const fail = statement('transaction-spec.fail', 'select fail($1)');
const self = statement<{ pid: number; tenant: string; tenants: bigint }>(
  'transaction-spec.self',
  `select pg_backend_pid() as pid, current_setting('app.tenant_id') as tenant, (select count(*) from tenant) as tenants`,
);
const endSelf = statement('transaction-spec.end_self', 'select pg_terminate_backend(pg_backend_pid())');

let scratch: Scratch;
beforeAll(async () => {
  scratch = await openScratch({ reads: 1, writes: 2 });
});
afterAll(() => scratch.close());
beforeEach(() => scratch.owner.query('truncate scratch'));

const failure = new Error('a change of mind');
const changeMind = (): never => {
  throw failure;
};

describe('a transaction', () => {
  it('commits what it did, and answers what its work answers', async () => {
    const answer = await scratch.database.transaction(scratch.tea, async (tx) => {
      const [[first], [second]] = await Promise.all([
        tx.run(insert, [scratch.tea, 1]),
        tx.run(insert, [scratch.tea, 2]),
      ]);
      return [first, second];
    });
    expect(answer).toEqual([{ number: 1 }, { number: 2 }]);
    expect(await scratch.numbers()).toEqual([1, 2]);
  });

  it('that waits for a row of another keeps that one from nothing', async () => {
    const { database, tea } = scratch;
    await database.transaction(tea, (tx) => tx.run(insert, [tea, 1]));
    const [locked, waits] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const first = database.transaction(tea, async (tx) => {
      await tx.run(add, [tea, 1]);
      locked.resolve();
      await waits.promise;
      tx.defer(insert, [tea, 2]);
    });
    const second = database.transaction(tea, async (tx) => {
      await Promise.all([tx.facts, locked.promise]);
      // It waits for the first one, and nobody for it; what is left is to end.
      void tx.run(add, [tea, 1]);
      tx.defer(insert, [tea, 3]);
      setTimeout(waits.resolve, 50);
    });
    await Promise.all([first, second]);
    expect(await scratch.numbers()).toEqual([101, 2, 3]);
  });

  it('does nothing when its work throws', async () => {
    const work = async (tx: Transaction) => {
      await tx.run(insert, [scratch.tea, 1]);
      tx.defer(insert, [scratch.tea, 2]);
      changeMind();
    };
    await expect(scratch.database.transaction(scratch.tea, work)).rejects.toBe(failure);
    expect(await scratch.numbers()).toEqual([]);
  });

  it('finishes what its work sent and did not wait for', async () => {
    await scratch.database.transaction(scratch.tea, async (tx) => {
      void tx.run(insert, [scratch.tea, 1]);
    });
    expect(await scratch.numbers()).toEqual([1]);
  });

  it('that was given up takes along what its work did not wait for', async () => {
    const work = async (tx: Transaction) => {
      void tx.run(insert, [scratch.tea, 1]).catch(() => undefined);
      changeMind();
    };
    await expect(scratch.database.transaction(scratch.tea, work)).rejects.toBe(failure);
    expect(await scratch.numbers()).toEqual([]);
  });

  it('is not told to be done when a statement failed, even if its work went on', async () => {
    const work = async (tx: Transaction) => {
      await tx.run(insert, [scratch.tea, 1]);
      await tx.run(insert, [scratch.tea, 1]).catch(() => undefined);
      return 'done';
    };
    await expect(scratch.database.transaction(scratch.tea, work)).rejects.toMatchObject({ code: '23505' });
    const dryRun = scratch.database.transaction(scratch.tea, work, { dryRun: true });
    await expect(dryRun).rejects.toMatchObject({ code: '23505' });
    expect(await scratch.numbers()).toEqual([]);
  });

  it('tells which statement failed, not which ones it took along', async () => {
    const outcomes: unknown[] = [];
    const work = async (tx: Transaction) => {
      const sent = [[1], [1], [2]].map(([number]) => tx.run(insert, [scratch.tea, number]));
      outcomes.push(...(await Promise.allSettled(sent)));
      await Promise.all(sent);
    };
    const error: unknown = await scratch.database.transaction(scratch.tea, work).catch((thrown) => thrown);
    expect(violatedConstraint(error)).toBe('scratch_number_key');
    expect(outcomes).toMatchObject([
      { status: 'fulfilled' },
      { status: 'rejected', reason: { code: '23505' } },
      { status: 'rejected', reason: { cause: { code: '23505' } } },
    ]);
  });

  it('refuses statements after its end', async () => {
    const leaked: Transaction[] = [];
    await scratch.database.transaction(scratch.tea, async (tx) => {
      leaked.push(tx);
    });
    await expect(
      scratch.database.transaction(scratch.tea, async (tx) => {
        leaked.push(tx);
        changeMind();
      }),
    ).rejects.toBe(failure);
    expect(leaked).toHaveLength(2);
    for (const tx of leaked)
      await expect(tx.run(insert, [scratch.tea, 1])).rejects.toThrow('The transaction has ended.');
    expect(await scratch.numbers()).toEqual([]);
  });

  it('knows the tenant’s business time and the version of its program', async () => {
    await scratch.owner.query(`select set_config('app.tenant_id', $1, false)`, [scratch.books]);
    await scratch.owner.query(
      `update tenant set clock_offset = '2026-03-08T06:30:00Z'::timestamptz - date_trunc('day', now()), program_version = 7
        where tenant_id = $1`,
      [scratch.books],
    );
    const { rows } = await scratch.owner.query<{ now: Date }>('select business_time() as now');
    const facts = await scratch.database.transaction(scratch.books, (tx) => tx.facts);
    expect(facts.programVersion).toBe(7);
    expect(facts.now.getTime()).toBeGreaterThanOrEqual(rows[0]?.now.getTime() ?? Number.NaN);
    expect(facts.now.getUTCFullYear()).toBe(2026);
  });

  it('is of a tenant that there is', async () => {
    const unknown = newKey();
    await expect(scratch.database.transaction(unknown, (tx) => tx.facts)).rejects.toThrow(
      `There is no tenant ${unknown}.`,
    );
  });
});

describe('a dry run', () => {
  it('does and answers everything, and writes nothing', async () => {
    const heard: unknown[] = [];
    const answer = await scratch.database.transaction(
      scratch.tea,
      async (tx) => {
        tx.defer(insert, [scratch.tea, 2], (rows) => heard.push(...rows));
        return await tx.run(insert, [scratch.tea, 1]);
      },
      { dryRun: true },
    );
    expect(answer).toEqual([{ number: 1 }]);
    expect(heard).toEqual([{ number: 2 }]);
    expect(await scratch.numbers()).toEqual([]);
  });

  it('fails where the real one would, also at the very end', async () => {
    const work = async (tx: Transaction) => {
      tx.defer(insert, [scratch.tea, 1]);
      tx.defer(insert, [scratch.tea, 1]);
    };
    const dryRun = scratch.database.transaction(scratch.tea, work, { dryRun: true });
    await expect(dryRun).rejects.toMatchObject({ code: '23505' });
  });
});

describe('deferred statements', () => {
  it('go with the COMMIT, in order, behind everything else', async () => {
    const heard: string[] = [];
    await scratch.database.transaction(scratch.tea, async (tx) => {
      tx.defer(insert, [scratch.tea, 3], ([row]) => heard.push(`deferred ${row?.number}`));
      tx.defer(insert, [scratch.tea, 4], ([row]) => heard.push(`deferred ${row?.number}`));
      await tx.run(insert, [scratch.tea, 1]);
      heard.push('ran 1');
      void tx.run(insert, [scratch.tea, 2]).then(() => heard.push('ran 2'));
    });
    expect(await scratch.numbers()).toEqual([1, 2, 3, 4]);
    expect(heard).toEqual(['ran 1', 'ran 2', 'deferred 3', 'deferred 4']);
  });

  it('are not heard of when one of them fails, and the failure is told', async () => {
    const heard: unknown[] = [];
    const work = async (tx: Transaction) => {
      tx.defer(insert, [scratch.tea, 1], (rows) => heard.push(...rows));
      tx.defer(insert, [scratch.tea, 1], (rows) => heard.push(...rows));
      tx.defer(insert, [scratch.tea, 2], (rows) => heard.push(...rows));
    };
    await expect(scratch.database.transaction(scratch.tea, work)).rejects.toMatchObject({ code: '23505' });
    expect(heard).toEqual([]);
    expect(await scratch.numbers()).toEqual([]);
  });

  it('of many transactions at once all come through', async () => {
    const places = Array.from({ length: 40 }, (_, index) => index);
    await Promise.all(
      places.map((number) =>
        scratch.database.transaction(scratch.tea, async (tx) => tx.defer(insert, [scratch.tea, number])),
      ),
    );
    expect((await scratch.numbers()).sort((a, b) => a - b)).toEqual(places);
  });
});

describe('a conflict', () => {
  /** Fails as the server does, so many times, in its work or in a statement that goes with the COMMIT. */
  async function attempts(failures: number, state: string, isDeferred: boolean): Promise<number> {
    let count = 0;
    const running = scratch.database.transaction(scratch.tea, async (tx) => {
      count += 1;
      await tx.run(insert, [scratch.tea, count]);
      const [stmt, values] = count <= failures ? [fail, [state]] : [insert, [scratch.tea, 100]];
      if (isDeferred) tx.defer(stmt, values);
      else await tx.run(stmt, values);
    });
    await running.catch((error: { code?: string }) => {
      expect(error.code).toBe(state);
    });
    return count;
  }

  it.each([
    ['a serialization failure', '40001', false],
    ['a deadlock', '40P01', false],
    ['a serialization failure at the COMMIT', '40001', true],
    ['a deadlock at the COMMIT', '40P01', true],
  ])('runs the work again: %s', async (_what, state, isDeferred) => {
    expect(await attempts(2, state, isDeferred)).toBe(3);
    expect(await scratch.numbers()).toEqual([3, 100]);
  });

  it('runs it again five times at most', async () => {
    expect(await attempts(99, '40001', false)).toBe(5);
    expect(await scratch.numbers()).toEqual([]);
  });

  it('runs nothing again for any other failure', async () => {
    expect(await attempts(1, '22012', false)).toBe(1);
    expect(await attempts(1, '22012', true)).toBe(1);
  });

  it('between two that wait for each other reaches neither caller', async () => {
    await scratch.database.transaction(scratch.tea, async (tx) => {
      await Promise.all([tx.run(insert, [scratch.tea, 1]), tx.run(insert, [scratch.tea, 2])]);
    });
    const locked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const running: Promise<void>[] = [];
    let runs = 0;
    const crosswise = (first: number, second: number) => {
      let own = 0;
      return scratch.database.transaction(scratch.tea, async (tx) => {
        runs += 1;
        own += 1;
        // Who was given up comes again when the other is through; else they might meet once more.
        if (own > 1) await running[second - 1];
        await tx.run(add, [scratch.tea, first]);
        locked[first - 1]?.resolve();
        await locked[second - 1]?.promise;
        await tx.run(add, [scratch.tea, second]);
      });
    };
    running.push(crosswise(1, 2), crosswise(2, 1));
    await Promise.all(running);
    expect(runs).toBe(3);
    expect((await scratch.numbers()).sort((a, b) => a - b)).toEqual([101, 102]);
  });
});

describe('the connection of a transaction', () => {
  const pids = async (): Promise<number[]> => {
    const seen = await Promise.all(
      [scratch.tea, scratch.books].map((tenant) =>
        scratch.database.transaction(tenant, (tx) => tx.run(self, [])),
      ),
    );
    return seen.map(([row]) => row?.pid ?? 0).sort((a, b) => a - b);
  };

  it('goes to the next tenant, who sees nothing of the last', async () => {
    const seen: unknown[] = [];
    for (const tenant of [scratch.tea, scratch.books, scratch.tea]) {
      await scratch.database.transaction(tenant, async (tx) => seen.push(...(await tx.run(self, []))));
      const failing = scratch.database.transaction(tenant, (tx) => tx.run(fail, ['22012']));
      await expect(failing).rejects.toMatchObject({ code: '22012' });
    }
    expect(seen).toMatchObject([
      { tenant: scratch.tea, tenants: 1n },
      { tenant: scratch.books, tenants: 1n },
      { tenant: scratch.tea, tenants: 1n },
    ]);
    expect(new Set(seen.map((row) => (row as { pid: number }).pid)).size).toBe(1);
  });

  it('is idle again, whatever came of the transaction', async () => {
    const busy = `exists (select from pg_stat_activity where datname = current_database() and pid = any($1::int[])
                            and state <> 'idle')`;
    const own = await pids();
    for (const work of [
      (tx: Transaction) => tx.run(insert, [scratch.tea, 1]),
      (tx: Transaction) => tx.run(fail, ['22012']),
      async () => changeMind(),
      async (tx: Transaction) => tx.defer(fail, ['22012']),
    ]) {
      await scratch.database.transaction<unknown>(scratch.tea, work).catch(() => undefined);
      await scratch.until(`not ${busy}`, [own]);
    }
    expect(await pids()).toEqual(own);
  });

  it('is thrown away when it broke, and the next transaction has another', async () => {
    const own = await pids();
    const broken = scratch.database.transaction(scratch.tea, (tx) => tx.run(endSelf, []));
    await expect(broken).rejects.toMatchObject({ code: '57P01' });
    const next = await pids();
    expect(next).toHaveLength(2);
    expect(next.filter((pid) => own.includes(pid))).toHaveLength(1);
  });

  it('is what failed, also for who waits for a statement behind the one that broke it', async () => {
    const broken = scratch.database.transaction(scratch.tea, async (tx) => {
      tx.run(endSelf, []).catch(() => undefined);
      await tx.run(insert, [scratch.tea, 1]);
    });
    await expect(broken).rejects.toMatchObject({ code: '57P01' });
    expect(await scratch.numbers()).toEqual([]);
  });
});

describe('a unit of work', () => {
  it('sees the rows of its tenant, and is undone when it throws', async () => {
    const count = (tenant: string) =>
      scratch.database.unitOfWork(tenant, (em) => em.execute('select count(*)::int as tenants from tenant'));
    expect(await count(scratch.tea)).toEqual([{ tenants: 1 }]);
    expect(await count(newKey())).toEqual([{ tenants: 0 }]);
    const undone = scratch.database.unitOfWork(scratch.tea, async (em) => {
      await em.execute('insert into scratch (tenant_id, number) values (?, 1)', [scratch.tea]);
      changeMind();
    });
    await expect(undone).rejects.toBe(failure);
    expect(await scratch.numbers()).toEqual([]);
  });
});

describe('what asks extensions', () => {
  const host = startHost({ plugins: [newGreeter('quick', () => ({ text: 'x' }))] });
  afterAll(() => host.close());
  const WITHIN = /^An extension is asked within a transaction/;

  it('must not be called within a transaction, or a unit of work', async () => {
    const { database, tea } = scratch;
    await expect(database.transaction(tea, () => host.ask())).rejects.toThrow(WITHIN);
    const later = database.transaction(tea, async (tx) => {
      await tx.run(insert, [tea, 1]);
      return await host.ask();
    });
    await expect(later).rejects.toThrow(WITHIN);
    await expect(database.unitOfWork(tea, () => host.ask())).rejects.toThrow(WITHIN);
    expect(host.recorder.calls).toEqual([]);
    expect(await scratch.numbers()).toEqual([]);
  });

  it('may be called before it, after it, and by what it left behind once it has ended', async () => {
    const { database, tea } = scratch;
    const ended = Promise.withResolvers<void>();
    expect(await host.ask()).toHaveLength(1);
    const left = await database.transaction(tea, async () => ({
      asks: ended.promise.then(() => host.ask()),
    }));
    ended.resolve();
    expect(await left.asks).toHaveLength(1);
    expect(await host.ask()).toHaveLength(1);
  });
});
