import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { projectPath } from '../../src/persistence/index.ts';
import { BY_RULES, buy, gave, type Hook, hooked, posting, startHook } from '../support/attacks.ts';
import { auditLedgers } from '../support/audit.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import type { Answer, Json, TestGateway } from '../support/gateway.ts';
import { enrol } from '../support/members.ts';
import { mutate, type OwnTenant } from '../support/own-tenant.ts';
import { freePort, type Running, run } from '../support/process.ts';
import { answering, MILES_PROGRAM, startRecordElsewhere } from '../support/record-elsewhere.ts';
import { register } from '../support/registered.ts';
import { untilHolds } from '../support/until-holds.ts';

const READY = /Membergraph is ready/;
const ROUNDS = 5;

let hook: Hook;
let database: TestDatabase;
let owner: pg.Client;
let environment: Record<string, string>;
let gateway: Running;
let key: string;
beforeAll(async () => {
  hook = await startHook();
  database = await createTestDatabase();
  environment = {
    ...{ DATABASE_URL: database.appUrl, DATABASE_ADMIN_URL: database.adminUrl, LOG_LEVEL: 'error' },
    ...{ DATA_DIR: await mkdtemp(join(tmpdir(), 'membergraph-kill-')), PORT: String(await freePort()) },
    EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32',
  };
  const program = projectPath('docs', 'examples', 'programs', 'demo.yaml');
  await cli(['tenant', 'create', 'shop', '--program', program, '--sandbox']);
  key = (await cli(['key', 'create', '--tenant', 'shop'])).trim();
  owner = new pg.Client({ connectionString: database.adminUrl });
  await owner.connect();
  await see();
  // At noon: what is pending falls due at the next midnight, which comes after the tests.
  await owner.query(`update tenant set clock_offset = '2026-11-20T12:00:00+08:00'::timestamptz - now()`);
  await start();
}, 600_000);
afterAll(async () => {
  gateway.child.kill('SIGTERM');
  await gateway.ended;
  await owner.end();
  await database.drop();
  await hook.close();
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

/** Kills the gateway as it is, with whatever it has in memory. */
async function kill(): Promise<void> {
  gateway.child.kill('SIGKILL');
  await gateway.ended;
  // A COMMIT that was on its way is done or lost once its session has ended, which may be after its client.
  await untilHolds(async () => (await sessions()) === 0, 'the gateway has no session');
}

async function sessions(): Promise<number> {
  const { rows } = await owner.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
  );
  return rows[0]?.count ?? -1;
}

/** Shows the tenant's rows to the owner's connection. */
async function see(): Promise<void> {
  await owner.query(
    `select set_config('app.tenant_id', tenant_id::text, false) from tenant_directory where code = 'shop'`,
  );
}

async function countOf(table: 'activity' | 'operation'): Promise<number> {
  await see();
  return (await owner.query(`select count(*)::int as count from ${table}`)).rows[0].count;
}

const balanceOf = async (memberId: string): Promise<Json> => {
  const query = `query($id: ID!) { member(id: $id) { growth: ledger(asset: "growth") { balance { available } }
    points: ledger(asset: "points") { balance { available pending } } } }`;
  return (await ask(query, { id: memberId })).data.member;
};

it('kill -9 while a webhook is asked leaves nothing half done, and a retry by key gives one result', async () => {
  const memberId = await enrol({ ask });
  await register(tenant, hooked(hook, { name: 'hangs', onFailure: 'FAIL_CLOSED', deadlineMs: 10_000 }));
  const [activities, operations] = [await countOf('activity'), await countOf('operation')];
  for (let round = 0; round < ROUNDS; round += 1) {
    const input = { idempotencyKey: `killed-${round}` };
    hook.asked.length = 0;
    // It never answers in the first round; later it does, and the kill comes anywhere before or after COMMIT.
    const answers = Promise.withResolvers<void>();
    hook.answer = async () => {
      await answers.promise;
      return { postings: [posting('3')] };
    };
    const lost = buy(tenant, memberId, input).then(
      () => 'acknowledged',
      () => 'lost',
    );
    await untilHolds(() => hook.asked.length === 1);
    if (round > 0) {
      answers.resolve();
      await sleep(round * 4);
    }
    await kill();
    const told = await lost;
    if (round === 0) {
      expect(told).toBe('lost');
      expect([await countOf('activity'), await countOf('operation')]).toEqual([activities, operations]);
    }
    // All of it or nothing.
    const written = (await countOf('activity')) - activities - round;
    expect([0, 1]).toContain(written);
    expect((await countOf('operation')) - operations).toBe(3 * (round + written));
    await start();
    hook.answer = () => ({ postings: [posting('3')] });
    const retried = await Promise.all([1, 2, 3].map(() => buy(tenant, memberId, input)));
    expect(gave(retried[0])).toEqual([...BY_RULES, 'points 3 by hangs 1']);
    expect(retried[1]).toEqual(retried[0]);
    expect(retried[2]).toEqual(retried[0]);
    expect([await countOf('activity'), await countOf('operation')]).toEqual([
      activities + round + 1,
      operations + 3 * (round + 1),
    ]);
  }
  expect(await balanceOf(memberId)).toEqual({
    growth: { balance: { available: String(100 * ROUNDS) } },
    points: { balance: { available: String(100 + 3 * ROUNDS), pending: String(10 * ROUNDS) } },
  });
  expect(await auditLedgers(database.adminUrl)).toEqual([]);
}, 180_000);

it('kill -9 while another system is asked for points loses nothing, and books once there what it was asked twice', async () => {
  const record = await startRecordElsewhere();
  const apply = { idempotencyKey: 'miles', source: MILES_PROGRAM };
  expect((await tenant.act('applyProgram', apply, 'changed')).userErrors).toEqual([]);
  await register(tenant, answering(record));
  const memberId = await enrol({ ask });
  await see();
  const move = (mutation: string, idempotencyKey: string, amount: string): Promise<Json> =>
    tenant.act(mutation, { idempotencyKey, memberId, asset: 'miles', amount }, 'operation { id status }');
  for (const [mutation, amount, isBooked] of [
    ['earnPoints', '100', true],
    ['earnPoints', '50', false],
    ['redeemPoints', '30', true],
    ['redeemPoints', '20', false],
  ] as const) {
    const idempotencyKey = `${mutation}-${amount}`;
    const killed = Promise.withResolvers<void>();
    const before = record.asked.length;
    record.before = async () => {
      await killed.promise;
      return isBooked;
    };
    const lost = move(mutation, idempotencyKey, amount).then(
      () => 'acknowledged',
      () => 'lost',
    );
    await untilHolds(() => record.asked.length === before + 1);
    await kill();
    expect(await lost).toBe('lost');
    const booked = record.booked.length;
    killed.resolve();
    await untilHolds(() => !isBooked || record.booked.length === booked + 1);
    record.before = () => undefined;
    // Its lease is over at once, not in half a minute.
    const { rowCount } = await owner.query('update record_lane set leased_until = now()');
    expect(rowCount).toBe(1);
    await start();
    const { operation, userErrors } = await move(mutation, idempotencyKey, amount);
    expect([operation.status, userErrors]).toEqual(['DONE', []]);
    expect(record.asked.at(-1).idempotencyKey).toBe(operation.id);
    expect(record.booked).toHaveLength(booked + 1);
  }
  expect(record.booked.map((line) => line.split(' ').at(-1))).toEqual(['100', '50', '-30', '-20']);
  const query =
    'query($id: ID!) { member(id: $id) { ledger(asset: "miles") { balance { available held } } } }';
  expect((await ask(query, { id: memberId })).data.member.ledger.balance).toEqual({
    available: '100',
    held: '0',
  });
  expect(await auditLedgers(database.adminUrl)).toEqual([]);
  await record.close();
}, 180_000);
