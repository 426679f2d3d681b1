import { join } from 'node:path';
import type pg from 'pg';
import { v7 } from 'uuid';
import type * as Ids from '../../../src/kernel/ids.ts';
import type { Cleanup } from '../cleanup.ts';
import { freeOwner } from '../database.ts';
import { PRODUCT_FOLDER, readBenchFile } from '../folders.ts';
import { ledgerKeyOf } from '../ids.ts';
import { type ServerProcess, startServer } from '../processes.ts';
import { type OpenedProduct, productModule } from '../product.ts';

export interface BenchMember {
  readonly memberKey: string;
  readonly memberId: string;
  readonly ledgerKey: string;
}

/** What each ledger is filled with; `ledger-fill.sql` says how. */
export interface Filling {
  readonly members: number;
  /** What a ledger earns first, and how often. */
  readonly first: number;
  readonly lots: number;
  /** How many times it then earns and spends. */
  readonly pairs: number;
  /** Whether indexes are built when all is in: for millions of rows. */
  readonly indexesLast?: boolean;
}

/** Enough that nobody runs out of points. */
export const PLENTY = 1_000_000;

const FILLED = ['stored_entry', 'stored_lot', 'open_lot'];

/** Makes members with ledgers, as the tables' owner, who has `app.tenant_id` set from then on. */
export async function fill(
  { owner, tenantKey }: OpenedProduct,
  { members: count, first, lots, pairs, indexesLast = false }: Filling,
): Promise<BenchMember[]> {
  const { toPublicId } = (await productModule('kernel/ids.js')) as typeof Ids;
  const members = Array.from({ length: count }, (): BenchMember => {
    const memberKey = v7();
    return {
      memberKey,
      memberId: toPublicId('member', memberKey),
      ledgerKey: ledgerKeyOf(memberKey, 'points'),
    };
  });
  await owner.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
  const rebuild = indexesLast ? await dropIndexes(owner) : async (): Promise<void> => undefined;
  // Row-level security binds the owner too, and asks of each row.
  await freeOwner(owner);
  await owner.query('begin');
  for (const [name, value] of Object.entries({ first, lots, pairs }))
    await owner.query('select set_config($1, $2, true)', [`bench.${name}`, String(value)]);
  await owner.query('create temporary table seed (n bigint, member_id uuid, ledger_id uuid) on commit drop');
  await owner.query(
    `insert into seed select place, member_id, ledger_id
       from unnest($1::uuid[], $2::uuid[]) with ordinality as s (member_id, ledger_id, place)`,
    [members.map(({ memberKey }) => memberKey), members.map(({ ledgerKey }) => ledgerKey)],
  );
  await owner.query(await readBenchFile('sql', 'ledger-fill.sql'));
  await owner.query('commit');
  await rebuild();
  await owner.query('vacuum (analyze)');
  await owner.query('checkpoint').catch(() => undefined);
  return members;
}

/** Takes the indexes away from the tables that are filled; answers how to build them again. */
async function dropIndexes(owner: pg.Client): Promise<() => Promise<void>> {
  const { rows } = await owner.query<{ drop: string; build: string }>(
    `select case when c.conname is null then format('drop index %I', x.relname)
                 else format('alter table %I drop constraint %I', t.relname, c.conname) end as drop,
            case when c.conname is null then pg_get_indexdef(x.oid)
                 else format('alter table %I add constraint %I %s', t.relname, c.conname,
                             pg_get_constraintdef(c.oid)) end as build
       from pg_index i
       join pg_class x on x.oid = i.indexrelid
       join pg_class t on t.oid = i.indrelid
       left join pg_constraint c on c.conindid = x.oid and c.contype in ('p', 'u')
      where t.relnamespace = 'public'::regnamespace and t.relname = any($1)`,
    [FILLED],
  );
  for (const { drop } of rows) await owner.query(drop);
  return async () => {
    await owner.query(`set maintenance_work_mem = '1GB'`);
    for (const { build } of rows) await owner.query(build);
  };
}

/** The built product's gateway as a process of its own, on the database that is open here. */
export async function startGateway(
  cleanup: Cleanup,
  { dataDir }: OpenedProduct,
  nodeArgs: readonly string[] = [],
): Promise<ServerProcess> {
  return await startServer(cleanup, {
    name: 'membergraph',
    args: [...nodeArgs, join(PRODUCT_FOLDER, 'main.js')],
    env: { DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn' },
    cwd: dataDir,
  });
}
