import type pg from 'pg';
import type { Statement } from '../../src/persistence/sql/statement.ts';
import { createTestDatabase } from '../support/database.ts';
import { connectPlanning, explainedPrepared, prepare } from './explained.ts';
import { connect } from './furnished.ts';

/** A statement, and what it is sent with. */
export type Sent = readonly [Statement<unknown>, readonly unknown[]];

/** Tables that are small when statements are planned, and large when they run. */
export interface Growing {
  readonly tenantKey: string;
  readonly tables: readonly string[];
  /** How many there are in the end. */
  readonly rows: number;
  /** Adds rows, of which one has the number `from` and one `to`, as the tables' owner. */
  fill(owner: pg.Client, from: number, to: number): Promise<void>;
  /** What is planned early: for one row, or none. */
  statements(): Promise<readonly Sent[]>;
}

/** A session that planned early, beside the tables' owner. */
export interface EarlySession {
  readonly owner: pg.Client;
  /** As a gateway's; what it writes is to be taken back. */
  readonly client: pg.Client;
  close(): Promise<void>;
}

/** How tables may be when a session plans: how many rows they have, and whether they were vacuumed. */
export const BEGINNINGS: [what: string, few: number, isVacuumed: boolean][] = [
  ['empty, and never looked at', 0, false],
  ['empty, and vacuumed', 0, true],
  ['small, and vacuumed', 30, true],
  ['small, and never looked at', 500, false],
];

/** Plans statements on tables as they are in the beginning, and fills the tables. */
export async function planEarly(growing: Growing, few: number, isVacuumed: boolean): Promise<EarlySession> {
  const { tenantKey, tables, rows, fill } = growing;
  const database = await createTestDatabase();
  const owner = await connect(database.adminUrl);
  const client = await connectPlanning(database.appUrl);
  for (const one of [owner, client])
    await one.query(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
  // Business time is asked of the tenant.
  await owner.query(
    `insert into tenant (tenant_id, code, name, sandbox, locale, created_at)
     values ($1, 'plans', '{}', true, 'en', now())`,
    [tenantKey],
  );
  // What has been analyzed since would be planned again.
  for (const table of tables) await owner.query(`alter table ${table} set (autovacuum_enabled = off)`);
  await fill(owner, 1, few);
  if (isVacuumed) await owner.query(`vacuum (analyze) ${tables.join(', ')}`);
  for (const [statement, values] of await growing.statements()) {
    await prepare(client, statement);
    await client.query('begin');
    await explainedPrepared(client, statement, values);
    await client.query('rollback');
  }
  await fill(owner, few + 1, rows);
  const close = async () => {
    await Promise.all([owner.end(), client.end()]);
    await database.drop();
  };
  return { owner, client, close };
}

/** Runs statements that were planned; answers those that look at more pages than a few. */
export async function findWide(
  client: pg.Client,
  sent: readonly Sent[],
  fewPages: number,
): Promise<{ name: string; pages: number }[]> {
  const wide: { name: string; pages: number }[] = [];
  for (const [statement, values] of sent) {
    const { name, pages } = await explainedPrepared(client, statement, values);
    if (pages > fewPages) wide.push({ name, pages });
  }
  return wide;
}
