import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import pg from 'pg';
import { projectPath } from '../../src/persistence/index.ts';
import { auditLedgers } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  amountsOf,
  earn,
  type Listener,
  registerEndpoint,
  shownEndpoint,
  startListener,
  verifyAll,
} from '../support/endpoints.ts';
import type { Answer, Json, TestGateway } from '../support/gateway.ts';
import { enrol } from '../support/members.ts';
import { mutate, type OwnTenant } from '../support/own-tenant.ts';
import { freePort, type Running, run } from '../support/process.ts';
import { untilHolds } from '../support/until-holds.ts';

const READY = /Membergraph is ready/;
const ROUNDS = 4;
const MEMBERS = 5;

// Far more than all starts together take, also on a slow machine; each wait has an end of its own.
jest.setTimeout(600_000);

let listener: Listener;
let database: TestDatabase;
let owner: pg.Client;
let environment: Record<string, string>;
let gateway: Running;
let key: string;
let members: string[];
let endpoint: Json;

beforeAll(async () => {
  listener = await startListener();
  database = await createTestDatabase();
  environment = {
    ...{ DATABASE_URL: database.appUrl, DATABASE_ADMIN_URL: database.adminUrl, LOG_LEVEL: 'error' },
    ...{ DATA_DIR: await mkdtemp(join(tmpdir(), 'membergraph-events-')), PORT: String(await freePort()) },
    EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32',
  };
  const program = projectPath('docs', 'examples', 'programs', 'demo.yaml');
  await cli(['tenant', 'create', 'shop', '--program', program, '--sandbox']);
  key = (await cli(['key', 'create', '--tenant', 'shop'])).trim();
  owner = new pg.Client({ connectionString: database.adminUrl });
  await owner.connect();
  await owner.query(
    `select set_config('app.tenant_id', tenant_id::text, false) from tenant_directory where code = 'shop'`,
  );
  await start();
  members = [];
  while (members.length < MEMBERS) members.push(await enrol(tenant));
  endpoint = await registerEndpoint(tenant, listener.url, { streams: ['POINTS'] });
});
afterAll(async () => {
  gateway.child.kill('SIGTERM');
  await gateway.ended;
  await owner.end();
  await database.drop();
  await listener.close();
  await rm(environment.DATA_DIR ?? '', { recursive: true, force: true });
});

async function cli(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run('cli', args, environment).ended;
  if (code !== 0) throw new Error(`"membergraph ${args.join(' ')}" ended with ${code}: ${stdout}${stderr}`);
  return stdout;
}

async function start(): Promise<void> {
  gateway = run('main', [], environment);
  await gateway.until(READY);
}

const ask: TestGateway['ask'] = async (query, variables = {}) => {
  const response = await fetch(`http://127.0.0.1:${environment.PORT}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': key },
    body: JSON.stringify({ query, variables }),
  });
  const { data = null, errors = [] } = (await response.json()) as Partial<Answer>;
  return { status: response.status, data, errors };
};
const tenant: Pick<OwnTenant, 'ask' | 'act'> = { ask, act: (...mutation) => mutate(ask, ...mutation) };

it('kill -9 while endpoints are told loses nothing, and tells twice only what has the same id', async () => {
  const { id, secret } = endpoint;
  const amounts: string[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const before = listener.heard.length;
    // The first are answered; whoever is told after them answers only once the gateway is gone.
    const killed = Promise.withResolvers<void>();
    let answered = 0;
    listener.answer = async () => {
      answered += 1;
      if (answered > round) await killed.promise;
      return 200;
    };
    const mine = Array.from({ length: 6 }, (_, index) => String(round * 10 + index));
    amounts.push(...mine);
    for (const amount of mine) await Promise.all(members.map((member) => earn(tenant, member, amount)));
    await untilHolds(() => listener.heard.length > before + round);
    gateway.child.kill('SIGKILL');
    await gateway.ended;
    killed.resolve();
    const { rows } = await owner.query(
      `select count(*)::int as held from event_lane where holder is not null`,
    );
    expect(rows[0].held).toBeGreaterThan(0);
    // Their leases are over at once, not in half a minute.
    await owner.query('update event_lane set leased_until = now() where leased_until > now()');
    await start();
  }
  // What isn't among its deliveries yet is no backlog: first, that all came.
  const isTold = (): boolean =>
    new Set(listener.heard.map(({ event }) => event.id)).size >= MEMBERS * amounts.length;
  await untilHolds(isTold);
  await untilHolds(async () => (await shownEndpoint(tenant, id)).backlog === 0);
  verifyAll(listener, secret);
  const bodies = new Map<string, string>();
  for (const { event, body } of listener.heard) {
    expect([event.id, bodies.get(event.id) ?? body]).toEqual([event.id, body]);
    bodies.set(event.id, body);
  }
  expect(bodies.size).toBe(MEMBERS * amounts.length);
  // A kill after sending and before writing it down: those come twice.
  expect(listener.heard.length).toBeGreaterThan(bodies.size);
  for (const member of members) {
    const told = amountsOf(listener, member);
    expect(told.filter((amount, index) => amount !== told[index - 1])).toEqual(amounts);
  }
  expect(await auditLedgers(database.adminUrl)).toEqual([]);
});

it('a gateway that is asked to stop ends what is under way, and the next one tells nothing twice', async () => {
  const memberId = await enrol(tenant);
  const heard = listener.heard.length;
  listener.answer = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    return 200;
  };
  for (let amount = 11; amount <= 20; amount += 1) await earn(tenant, memberId, String(amount));
  await untilHolds(() => listener.heard.length > heard + 2);
  gateway.child.kill('SIGTERM');
  await gateway.ended;
  await start();
  await untilHolds(() => amountsOf(listener, memberId).includes('20'));
  // Enrolling gave something too.
  const told = amountsOf(listener, memberId).slice(-10);
  expect(amountsOf(listener, memberId)).toHaveLength(12);
  expect(told).toEqual(Array.from({ length: 10 }, (_, index) => String(index + 11)));
});
