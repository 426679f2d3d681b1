import { join, resolve } from 'node:path';
import type { Cleanup } from '../cleanup.ts';
import type { BenchDatabase } from '../database.ts';
import { BENCH_FOLDER, readBenchFile } from '../folders.ts';
import { toPublicId } from '../ids.ts';
import type { DocumentName } from '../options.ts';
import { type ServerProcess, startServer } from '../processes.ts';

export const CONTENDERS = ['membergraph', 'floor', 'postgraphile'] as const;
export type ContenderName = (typeof CONTENDERS)[number];

/** How a contender is asked one document. */
export interface Exchange {
  /** JSON with `{{member}}` and `{{key}}` in it. */
  readonly body: string;
  /** Only a right answer contains it. */
  readonly proof: string;
}

export interface Contender {
  readonly name: ContenderName;
  readonly server: ServerProcess;
  readonly headers: Readonly<Record<string, string>>;
  /** Every member's id, as this contender writes it. */
  readonly members: readonly string[];
  readonly exchanges: Readonly<Record<DocumentName, Exchange>>;
}

/** Connections to PostgreSQL: the default of `pg`. Five or twenty gave the same, within the noise. */
const POOL = '10';
/** What is earned, by every contender alike. */
const EARNED = { idempotencyKey: '{{key}}', memberId: '{{member}}', asset: 'points', amount: '500' };
const REASON = 'goodwill';
const TICKET = { type: 'ticket', id: 'T-9' };
/** Whom the list of members shows. */
const TIERS = ['bronze', 'silver'];
const PAGE = 20;

/** What Node is told so that a contender's process leaves a CPU profile when it ends. */
export function profileArgs(name: string, folder: string | undefined): string[] {
  if (folder === undefined) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${resolve(folder)}`, `--cpu-prof-name=${name}.cpuprofile`];
}

/** Starts the peers beside the gateway, each in a process of its own on the same database. */
export async function startContenders(
  cleanup: Cleanup,
  database: BenchDatabase,
  profile: string | undefined,
): Promise<Contender[]> {
  const { apiKey, tenantKey, memberKeys, owner } = database;
  await owner.query(await readBenchFile('sql', 'postgraphile.sql'));
  const start = (name: ContenderName, databaseUrl: string): Promise<ServerProcess> =>
    startServer(cleanup, {
      name,
      args: [...profileArgs(name, profile), join(BENCH_FOLDER, 'src', 'contenders', `${name}-server.ts`)],
      env: {
        BENCH_API_KEY: apiKey,
        BENCH_TENANT_KEY: tenantKey,
        BENCH_DATABASE_URL: databaseUrl,
        BENCH_POOL: POOL,
        // PostGraphile's own way to say that it is in production.
        GRAPHILE_ENV: 'production',
      },
      cwd: BENCH_FOLDER,
    });
  const floor = await start('floor', database.ownerUrl);
  const postgraphile = await start('postgraphile', database.appUrl);
  const headers = { 'content-type': 'application/json', 'x-api-key': apiKey, 'accept-language': 'en' };
  const publicIds = memberKeys.map((key) => toPublicId('mem', key));
  const list = await readList(database);
  const product = await productExchanges(list);
  return [
    { name: 'membergraph', server: database.gateway, headers, members: publicIds, exchanges: product },
    { name: 'floor', server: floor, headers, members: publicIds, exchanges: product },
    {
      name: 'postgraphile',
      server: postgraphile,
      headers,
      members: memberKeys,
      exchanges: await postgraphileExchanges(tenantKey, list),
    },
  ];
}

/** The ladder whose tiers are listed, and how many members that is: only a right answer knows. */
interface ListedTiers {
  readonly ladder: string;
  readonly proof: string;
}

async function readList({ owner, tenantKey }: BenchDatabase): Promise<ListedTiers> {
  const { rows } = await owner.query<{ ladder: string; count: string }>(
    `select ladder, count(*) as count from member_tier where tenant_id = $1 and tier = any($2) group by ladder`,
    [tenantKey, TIERS],
  );
  const [only] = rows;
  if (only === undefined || rows.length > 1) throw new Error('The seed made tiers of none or many ladders.');
  return { ladder: only.ladder, proof: `"totalCount":${only.count}` };
}

async function productExchanges({ proof }: ListedTiers): Promise<Contender['exchanges']> {
  const input = { ...EARNED, reason: REASON, reference: TICKET };
  return {
    '04': {
      body: await bodyOf('04-member-card.graphql', { id: '{{member}}' }),
      proof: '"member":{"id":"{{member}}"',
    },
    '05': { body: await bodyOf('05-member-list.graphql', { first: PAGE, filter: { tier: TIERS } }), proof },
    '03': { body: await bodyOf('03-earn-points.graphql', { input }), proof: '"amount":"500"' },
  };
}

async function postgraphileExchanges(
  tenantId: string,
  { proof }: ListedTiers,
): Promise<Contender['exchanges']> {
  const list = { first: PAGE, tiers: TIERS };
  const input = { ...EARNED, reason: REASON, referenceType: TICKET.type, referenceId: TICKET.id };
  return {
    '04': {
      body: await bodyOf('postgraphile/04-member-card.graphql', { tenantId, id: '{{member}}' }),
      proof: '"member":{"memberId":"{{member}}"',
    },
    '05': { body: await bodyOf('postgraphile/05-member-list.graphql', list), proof },
    '03': { body: await bodyOf('postgraphile/03-earn-points.graphql', { input }), proof: '"amount":"500"' },
  };
}

async function bodyOf(file: string, variables: object): Promise<string> {
  return JSON.stringify({ query: await readBenchFile('documents', file), variables });
}
