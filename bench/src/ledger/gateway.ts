import { deepStrictEqual } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Cleanup } from '../cleanup.ts';
import { BENCH_FOLDER, readBenchFile } from '../folders.ts';
import type { Load } from '../load/load.ts';
import type { Options } from '../options.ts';
import { type ServerProcess, startServer } from '../processes.ts';
import type { OpenedProduct } from '../product.ts';
import type { BenchMember } from './bed.ts';
import { contest } from './contest.ts';
import { type Asked, anyOf, askedPosting, contenderOver, headersOf } from './http.ts';
import { type Row, rowsOf } from './table.ts';

const PRODUCT = 'membergraph';
const INTERACTIVE = 'server, interactive';
const FUNCTION = 'server, one function';
/** As the product's own pool for transactions. */
const POOL = '12';
const TIMES_ASKED = 3;

/** `earnPoints` through the gateway, beside servers written by hand for it that write the same rows. */
export async function benchGateway(
  cleanup: Cleanup,
  { product, gateway, load }: { product: OpenedProduct; gateway: ServerProcess; load: Load },
  members: readonly BenchMember[],
  options: Options,
): Promise<Row[]> {
  await product.owner.query(await readBenchFile('sql', 'floor-function.sql'));
  const servers = [
    gateway,
    await startFloor(cleanup, product, INTERACTIVE, 'transaction'),
    await startFloor(cleanup, product, FUNCTION, 'function'),
  ];
  const asked = await askedPosting('EARN', 500);
  await checkRows(product, servers, asked, members);
  const pressure = { connections: options.connections, members: anyOf(members) };
  const contenders = servers.map((server) => contenderOver(load, product, server, asked, pressure));
  const result = await contest('earn, gateway', contenders, options);
  return rowsOf(result, {
    what: 'earn, gateway',
    ours: PRODUCT,
    aims: { [INTERACTIVE]: { is: '≥', value: 1.5 }, [FUNCTION]: { is: '≥', value: 0.7 } },
    servers: ['gateway', 'server'],
  });
}

/** It connects as the tables' owner, free of row-level security: tenancy is not what it is asked to pay for. */
async function startFloor(
  cleanup: Cleanup,
  { apiKey, tenantKey, ownerUrl }: OpenedProduct,
  name: string,
  posting: string,
): Promise<ServerProcess> {
  return await startServer(cleanup, {
    name,
    args: [join(BENCH_FOLDER, 'src', 'contenders', 'floor-server.ts')],
    env: {
      BENCH_API_KEY: apiKey,
      BENCH_TENANT_KEY: tenantKey,
      BENCH_DATABASE_URL: ownerUrl,
      BENCH_POOL: POOL,
      BENCH_POSTING: posting,
    },
    cwd: BENCH_FOLDER,
  });
}

/** Each credits a member who has the same history; what is then in the tables has to be the same. */
async function checkRows(
  product: OpenedProduct,
  servers: readonly ServerProcess[],
  { body }: Asked,
  members: readonly BenchMember[],
): Promise<void> {
  const readWritten = await readBenchFile('sql', 'written.sql');
  let expected: unknown;
  for (const [index, { name, url }] of servers.entries()) {
    const { memberId = '', memberKey } = members.at(-1 - index) ?? {};
    for (let times = 0; times < TIMES_ASKED; times += 1) {
      const filled = body.replace('{{member}}', memberId).replace('{{key}}', randomUUID());
      const response = await fetch(url, { method: 'POST', headers: headersOf(product), body: filled });
      if (response.status !== 200) throw new Error(`${name} refuses a credit: ${await response.text()}`);
    }
    const { rows } = await product.owner.query(readWritten, [memberKey]);
    if (rows.length !== TIMES_ASKED)
      throw new Error(`${name} wrote ${rows.length} of ${TIMES_ASKED} credits.`);
    const written = rows.map(withoutHistory);
    expected ??= written;
    deepStrictEqual(written, expected, `${name} writes other rows than the product.`);
  }
}

/** Members' histories are of the same length unless other parts of the bench came by. */
function withoutHistory({
  version: _version,
  ledger_version: _ledger,
  ...row
}: Record<string, unknown>): object {
  return row;
}
