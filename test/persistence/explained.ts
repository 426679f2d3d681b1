import pg from 'pg';
import utils from 'pg/lib/utils.js';
import { SESSION_OPTIONS } from '../../src/persistence/sql/session.ts';
import type { Statement } from '../../src/persistence/sql/statement.ts';
import { connect } from './furnished.ts';

/** A connection that plans as those of a gateway do. */
export async function connectPlanning(url: string): Promise<pg.Client> {
  return await connect(`${url}?options=${encodeURIComponent(SESSION_OPTIONS)}`);
}

/** A node of a plan, as PostgreSQL tells it. */
export interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Actual Rows': number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly Plan[];
}

/** What running a statement took. */
export interface Explained {
  readonly name: string;
  /** Of its plan, from the root on. */
  readonly nodes: readonly Plan[];
  /** Of 8 kB, that were looked at in all. */
  readonly pages: number;
  /** That it answered. */
  readonly rows: number;
}

/**
 * Runs a statement with the plan that the connection's sessions prepare: an EXPLAIN with parameters would be
 * planned for their values, whatever the session says.
 */
export async function explained(
  client: pg.Client,
  statement: Statement<unknown>,
  values: readonly unknown[],
): Promise<Explained> {
  await prepare(client, statement);
  const found = await explainedPrepared(client, statement, values);
  await client.query(`deallocate ${preparedName(statement)}`);
  return found;
}

function preparedName({ name }: Statement<unknown>): string {
  return pg.escapeIdentifier(`explained.${name}`);
}

/** The first run of what is prepared plans it, once and for all until a table is analyzed. */
export async function prepare(client: pg.Client, statement: Statement<unknown>): Promise<void> {
  await client.query(`prepare ${preparedName(statement)} as ${statement.text}`);
}

/** Runs a statement that was prepared. */
export async function explainedPrepared(
  client: pg.Client,
  statement: Statement<unknown>,
  values: readonly unknown[],
): Promise<Explained> {
  const given = values.map(spelled).join(', ');
  const { rows } = await client.query(
    `explain (analyze, buffers, format json) execute ${preparedName(statement)} (${given})`,
  );
  const plan: Plan = rows[0]['QUERY PLAN'][0].Plan;
  const pages = plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
  return { name: statement.name, nodes: nodesOf(plan), pages, rows: plan['Actual Rows'] };
}

function nodesOf(plan: Plan): Plan[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

function spelled(value: unknown): string {
  const sent = utils.prepareValue(value);
  if (sent === null) return 'null';
  return pg.escapeLiteral(Buffer.isBuffer(sent) ? `\\x${sent.toString('hex')}` : String(sent));
}
