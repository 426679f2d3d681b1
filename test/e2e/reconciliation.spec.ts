import { answers, definePlugin, pointsChange, pointsRead } from '../../src/extension/index.ts';
import { queueDueWork } from '../../src/jobs/tasks.ts';
import { auditLedgers } from '../support/audit.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { type OwnTenant, tenantWith } from '../support/own-tenant.ts';

// Mirrors held against the records that another system keeps.

/** What each member has there; who is missing isn't known there. */
const there = new Map<string, string>();
/** Whether it books nothing now. */
let isShut = false;
let asked: string[] = [];
let meanwhile: (memberId: string) => Promise<void> = async () => undefined;

const crm = definePlugin({
  ...{ id: 'crm', version: 1, description: 'Keeps the record.', deadlineMs: 10_000 },
  answers: [
    answers(pointsRead, async ({ member }): Promise<Json> => {
      asked.push(member.id);
      await meanwhile(member.id);
      if (there.get(member.id) === 'down') throw new Error('down');
      return { available: there.get(member.id) ?? null };
    }),
    answers(pointsChange, ({ member, amount }): Json => {
      if (isShut) throw new Error('shut');
      there.set(member.id, String(BigInt(there.get(member.id) ?? 0) + BigInt(amount)));
      return { decision: 'DONE' };
    }),
  ],
});

const programWith = (more: string): string => `name: { en: Elsewhere }
timeZone: Asia/Shanghai
currency: CNY
assets:
  - { code: miles, kind: POINTS, name: { en: Miles }, recordOf: EXTERNAL${more} }
  - { code: points, kind: POINTS, name: { en: Points } }
ladders: []
rules: []`;

let gateway: TestGateway;
let tenant: OwnTenant;
beforeAll(async () => {
  gateway = await startTestGateway({ plugins: [crm], asking: { breaker: { failures: 1_000, breakMs: 10 } } });
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});
beforeEach(() => {
  there.clear();
  asked = [];
  isShut = false;
  meanwhile = async () => undefined;
});

async function begin(more = ''): Promise<void> {
  tenant = await tenantWith(gateway, programWith(more), '2026-11-20T04:00:00Z');
}

/** A member with an amount in our mirror. */
async function mirrored(amount: string, memberId?: string): Promise<string> {
  const id = memberId ?? (await enrol(tenant));
  const item = { idempotencyKey: newRequestKey(), memberId: id, asset: 'miles', amount };
  const query = 'mutation($input: MirrorEntriesInput!) { mirrorEntries(input: $input) { failed } }';
  const { data } = await tenant.ask(query, { input: { items: [item] } });
  expect(data.mirrorEntries.failed).toBe(0);
  return id;
}

/** A round, some time after the last one. */
async function round(after = '0 minutes') {
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  await gateway.sql('update tenant set clock_offset = clock_offset + $2::interval where tenant_id = $1', [
    tenant.tenantKey,
    after,
  ]);
  asked = [];
  return await gateway.application.jobs.reconciliation.reconcile(tenant.tenantKey);
}

async function report(fields = 'open waiting', args = 'first: 10'): Promise<Json> {
  const query = `{ program { reconciliation { ${fields} differences(${args}) { edges { cursor node {
    member { id } asset mirror record status settledAt } } pageInfo { hasNextPage } } } } }`;
  const { data, errors } = await tenant.ask(query);
  expect(errors).toEqual([]);
  return data.program.reconciliation;
}
const differences = async (args?: string): Promise<Json[]> =>
  (await report('open', args)).differences.edges.map(({ node: { member, ...node } }: Json) => ({
    ...node,
    memberId: member.id,
  }));

it('reports what differs twice, until it agrees again', async () => {
  await begin();
  const [right, wrong] = [await mirrored('40'), await mirrored('50')];
  there.set(right, '40').set(wrong, '45');
  expect(await report('open waiting')).toMatchObject({ open: 0 });
  // What is seen once may be on its way to us.
  expect(await round()).toEqual({ compared: 2, differ: 0, adopted: 0 });
  expect([await differences(), await round()]).toEqual([[], { compared: 0, differ: 0, adopted: 0 }]);
  expect(await round('5 minutes')).toEqual({ compared: 1, differ: 1, adopted: 0 });
  const open = {
    memberId: wrong,
    asset: 'miles',
    mirror: '50',
    record: '45',
    status: 'OPEN',
    settledAt: null,
  };
  expect(await differences()).toEqual([open]);
  expect(await report('open days(first: 5) { day asset found settled above below }')).toMatchObject({
    open: 1,
    days: [{ day: '2026-11-20', asset: 'miles', found: 1, settled: 0, above: '0', below: '5' }],
  });
  // What was missing comes in: the mirror moves, and is compared at once.
  await mirrored('-5', wrong);
  expect(await round()).toEqual({ compared: 1, differ: 0, adopted: 0 });
  expect(await differences('first: 1, status: AGREED, asset: "miles"')).toMatchObject([
    { memberId: wrong, status: 'AGREED' },
  ]);
  expect(await differences('first: 1, status: OPEN')).toEqual([]);
});

it('says nothing of what was on its way', async () => {
  await begin();
  const memberId = await mirrored('10');
  there.set(memberId, '15');
  await round();
  await mirrored('5', memberId);
  await round('5 minutes');
  // Another difference than the one before, while the mirror moves: that is the first time.
  there.set(memberId, '18');
  await mirrored('1', memberId);
  expect(await round()).toMatchObject({ compared: 1, differ: 0 });
  await mirrored('2', memberId);
  expect(await round()).toMatchObject({ compared: 1, differ: 0 });
  expect(await differences()).toEqual([]);
});

it('doesn’t judge a mirror that moved while its record was asked for', async () => {
  await begin();
  const memberId = await mirrored('10');
  there.set(memberId, '11');
  meanwhile = async (id) => {
    meanwhile = async () => undefined;
    await mirrored('1', id);
  };
  expect(await round()).toEqual({ compared: 1, differ: 0, adopted: 0 });
  expect(await round()).toEqual({ compared: 1, differ: 0, adopted: 0 });
  await round('5 minutes');
  expect(await differences()).toEqual([]);
});

it('doesn’t judge a mirror while a change of its record isn’t answered', async () => {
  await begin();
  const memberId = await mirrored('10');
  there.set(memberId, '15');
  isShut = true;
  const input = { idempotencyKey: newRequestKey(), memberId, asset: 'miles', amount: '5' };
  const { operation } = await tenant.act('earnPoints', input, 'operation { status }');
  expect(operation.status).toBe('ASKED');
  for (const after of ['0 minutes', '5 minutes', '5 minutes']) {
    expect(await round(after)).toEqual({ compared: 1, differ: 0, adopted: 0 });
  }
  expect(await differences()).toEqual([]);
  // It was booked there all the time, or is now: then the two can be held together.
  isShut = false;
  await gateway.sql('update record_lane set next_attempt_at = now()');
  await gateway.application.jobs.records.catchUp(tenant.tenantKey);
  await round();
  expect(await round('5 minutes')).toEqual({ compared: 1, differ: 1, adopted: 0 });
  expect(await differences()).toMatchObject([{ mirror: '15', record: '20' }]);
});

it('asks of mirrors that nobody moves once a week, and stops where nobody answers', async () => {
  await begin();
  const ids = await Promise.all(Array.from({ length: 12 }, () => mirrored('1')));
  for (const id of ids) there.set(id, '1');
  expect(await round()).toMatchObject({ compared: 12 });
  expect([await round('6 days'), asked]).toEqual([{ compared: 0, differ: 0, adopted: 0 }, []]);
  for (const id of ids) there.set(id, 'down');
  expect(await round('1 day')).toEqual({ compared: 0, differ: 0, adopted: 0 });
  // As many as are asked about at once; the others wait for the next round.
  expect(asked).toHaveLength(8);
  for (const id of ids) there.set(id, '1');
  expect(await round('1 hour')).toMatchObject({ compared: 12 });
});

it('takes the record over where the asset says so', async () => {
  await begin(', onDifference: ADOPT');
  const [less, more] = [await mirrored('50'), await mirrored('7')];
  there.set(less, '-3').set(more, '9');
  await round();
  expect(await round('5 minutes')).toEqual({ compared: 2, differ: 2, adopted: 2 });
  for (const [id, now, amount] of [
    [less, '-3', '-53'],
    [more, '9', '2'],
  ]) {
    const query = `query($id: ID!) { member(id: $id) { ledger(asset: "miles") { entries(first: 1) { edges { node {
      kind amount balanceAfter reason } } } } } }`;
    const { data } = await tenant.ask(query, { id });
    expect(data.member.ledger.entries.edges[0].node).toEqual({
      ...{ kind: 'ADJUST', amount, balanceAfter: now, reason: 'RECONCILED' },
    });
  }
  expect((await differences()).map(({ status }) => status)).toEqual(['ADOPTED', 'ADOPTED']);
  expect(await round()).toEqual({ compared: 2, differ: 0, adopted: 0 });
  expect(await report('open')).toMatchObject({ open: 0 });
});

it('is a job of tenants that have such an asset, once something is due', async () => {
  await begin();
  await enrol(tenant);
  const memberId = await mirrored('3');
  there.set(memberId, '3');
  const { jobs, database } = gateway.application;
  const queued = async (): Promise<string[]> => {
    const pool = database.openJobPool(1);
    try {
      await queueDueWork(jobs, pool);
    } finally {
      await pool.close();
    }
    const rows = await gateway.sql<{ key: string }>('select key from graphile_worker.jobs');
    return rows.map(({ key }) => key).filter((key) => key.startsWith('reconcile:'));
  };
  const found = await queued();
  // Something may be due again for the tenants of the tests before, whose clocks go on.
  expect(found).toContain(`reconcile:${tenant.code}`);
  expect(found).not.toContain('reconcile:demo');
});
