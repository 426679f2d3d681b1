import { createHash, timingSafeEqual } from 'node:crypto';
import fastify from 'fastify';
import mercurius from 'mercurius';
import pg from 'pg';
import { fromPublicId } from '../ids.ts';
import { CardReads, type LedgerNode, type MemberNode } from './floor-card.ts';
import { type EarnInput, earnPoints, earnPointsByFunction } from './floor-earn.ts';
import { type ListArguments, ListReads } from './floor-list.ts';
import { FloorLadder, type Program } from './floor-program.ts';
import { floorSchema } from './floor-schema.ts';
import { listen, setting } from './server.ts';

const TIMESTAMPTZ = 1184;

/**
 * How fast this database could be asked by hand: compiled queries, loaders, prepared statements, and neither
 * tenants, rights, limits nor languages. It is what the product's promises are paid from.
 */
async function start(): Promise<void> {
  const tenantKey = setting('BENCH_TENANT_KEY');
  const keyHash = hashOf(setting('BENCH_API_KEY'));
  const earn = process.env.BENCH_POSTING === 'function' ? earnPointsByFunction : earnPoints;
  // PostgreSQL's text becomes RFC 3339 without the detour over a Date.
  pg.types.setTypeParser(TIMESTAMPTZ, toRfc3339);
  const pool = new pg.Pool({
    connectionString: setting('BENCH_DATABASE_URL'),
    max: Number(setting('BENCH_POOL')),
    idleTimeoutMillis: 0,
    options: '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off -c timezone=UTC',
  });
  const program = await readProgram(pool, tenantKey);
  const ladder = new FloorLadder(program);
  const reads = new CardReads(pool, tenantKey, program, ladder);
  const lists = new ListReads(pool, tenantKey, ladder);
  const app = fastify();
  app.addHook('onRequest', async (request, reply) => {
    const key = String(request.headers['x-api-key']);
    if (!timingSafeEqual(hashOf(key), keyHash)) await reply.code(401).send();
  });
  await app.register(mercurius, {
    schema: floorSchema,
    jit: 1,
    graphiql: false,
    resolvers: {
      Query: {
        member: (_: unknown, { id }: { id: string }) => reads.member(id, fromPublicId(id)),
        members: (_: unknown, list: ListArguments) => lists.members(list),
      },
      Member: {
        ledger: ({ ledgers }: MemberNode, { asset }: { asset: string }) =>
          ledgers.find((ledger) => ledger.asset?.code === asset) ?? null,
      },
      Mutation: {
        earnPoints: (_: unknown, { input }: { input: EarnInput }) =>
          earn(pool, tenantKey, input, reads.asset(input.asset)),
      },
    },
    loaders: {
      Ledger: {
        expiring: loader<LedgerNode, { within: string }>((ledgers, { within }) =>
          reads.expiring(ledgers, within),
        ),
        entries: loader<LedgerNode, { first: number }>((ledgers, { first }) => reads.entries(ledgers, first)),
      },
      Member: {
        grants: loader<MemberNode, { first: number }>((members, { first }) =>
          Promise.all(members.map(({ memberKey }) => reads.grants(memberKey, first))),
        ),
      },
    },
  });
  await app.ready();
  await listen(app.server);
}

function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** A loader without a cache of its own: within a card nothing is asked for twice. */
function loader<Parent, Params>(load: (parents: Parent[], params: Params) => Promise<unknown[]>) {
  return {
    loader: (queries: { obj: Parent; params: Params }[]) =>
      load(
        queries.map(({ obj }) => obj),
        queries[0]?.params as Params,
      ),
    opts: { cache: false },
  };
}

async function readProgram(pool: pg.Pool, tenantKey: string): Promise<Program> {
  const { rows } = await pool.query<{ definition: Program }>(
    `select definition from program join tenant using (tenant_id)
      where tenant_id = $1 and program.version = tenant.program_version`,
    [tenantKey],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('The tenant has no program.');
  return row.definition;
}

/** `2026-11-21 10:00:00.12+00` → `2026-11-21T10:00:00.120Z`. */
function toRfc3339(text: string): string {
  const end = text.indexOf('+');
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, end).padEnd(3, '0')}Z`;
}

await start();
