import { readFile } from 'node:fs/promises';
import type pg from 'pg';
import { projectPath } from '../../src/persistence/index.ts';

/** The text of a migration. */
export const textOf = (file: string): Promise<string> => readFile(projectPath('migrations', file), 'utf8');

/** A part of a migration as it stands there. */
export async function partOf(file: string, part: RegExp): Promise<string> {
  const [found] = part.exec(await textOf(file)) ?? [];
  if (found === undefined) throw new Error(`${file} has no ${part}.`);
  return found;
}

/** Runs a migration on what `takeBack` leaves of a tenant, looks at what comes of it, and undoes all. */
export async function migrated<Result>(
  owner: pg.Client,
  tenantKey: string,
  { takeBack, migration }: { readonly takeBack: () => Promise<unknown>; readonly migration: string },
  look: () => Promise<Result>,
): Promise<Result> {
  await owner.query('begin');
  try {
    await takeBack();
    await owner.query(`select set_config('app.tenant_id', '', true)`);
    await owner.query(migration);
    await owner.query(`select set_config('app.tenant_id', $1, true)`, [tenantKey]);
    return await look();
  } finally {
    await owner.query('rollback');
  }
}

const POLICY = `using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid))`;

const TAKEN_BACK = [
  ['entry', 'tenant_id, ledger_id, version'],
  ['operation', 'tenant_id, operation_id'],
  ['lot', 'tenant_id, ledger_id, lot_id'],
];

/** Makes entries and operations tables again that have all their columns, and spells requests out. */
export async function takeBackSparseRows(owner: pg.Client): Promise<void> {
  await owner.query('drop view leg');
  for (const [table, key] of TAKEN_BACK) {
    await owner.query(`
      alter view ${table} rename to seen_${table};
      create table ${table} as select * from seen_${table};
      drop view seen_${table};
      alter table ${table} add primary key (${key});
      alter table ${table} enable row level security;
      alter table ${table} force row level security;
      create policy own_tenant on ${table} ${POLICY}`);
  }
  await owner.query('drop table stored_entry, stored_operation, stored_lot');
  await owner.query(`
    alter table operation alter column pays_back set default false;
    alter table idempotency
      drop constraint idempotency_told,
      add column mutation text not null default 'earnPoints',
      alter column key type text;
    update idempotency i set request_hash = o.input_hash, created_at = o.created_at
      from operation o
     where o.tenant_id = i.tenant_id and o.operation_id = i.operation_id and i.request_hash is null`);
  await owner.query(await partOf('0024_entry_accounts.sql', /create view leg [^;]*;/));
}

/** Takes the accounts of entries away, and makes the table of legs that there was before, filled. */
export async function takeBackAccounts(owner: pg.Client): Promise<void> {
  await takeBackSparseRows(owner);
  await owner.query('drop view leg');
  // The law of keys compares them with operations.
  await owner.query('alter table idempotency alter column key type uuid using key::uuid');
  await owner.query('alter table entry drop column account');
  await owner.query(await partOf('0004_legs.sql', /create table leg \([^;]*;/));
  await owner.query(await partOf('0007_stored_value.sql', /alter table leg drop constraint[^;]*;/));
  await owner.query(
    await partOf('0004_legs.sql', /alter table entry no force[\s\S]*alter table ledger force[^;]*;/),
  );
  // Those of money that was paid back, which have an account since.
  await owner.query(
    `update leg g set account = 'PAID_BACK'
       from operation o
       left join operation r on r.tenant_id = o.tenant_id and r.operation_id = o.ref_operation_id
      where o.tenant_id = g.tenant_id and o.operation_id = g.operation_id and g.account = 'REDEEMED'
        and coalesce(r.pays_back, o.pays_back)`,
  );
}
