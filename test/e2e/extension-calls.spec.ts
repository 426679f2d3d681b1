import { answers, type CallRecord, definePlugin, pointsRule } from '../../src/extension/index.ts';
import { findDueWork } from '../../src/jobs/due.repository.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { act, type Crm, record, register, sandbox, shown, startCrm } from '../support/registered.ts';

const PHONE = '+8613800138000';

let gateway: TestGateway;
let crm: Crm;

beforeAll(async () => {
  gateway = await startTestGateway({ environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' } });
  crm = await startCrm();
});
afterAll(async () => {
  await gateway.close();
  await crm.close();
});

const webhook = () => ({ point: 'member.create', runtime: 'WEBHOOK', webhook: { url: crm.url } });

describe('the call log', () => {
  const input = {
    identities: [{ kind: 'PHONE', value: PHONE }],
    profile: { displayName: '林小满' },
    source: { channel: 'pos', store: null },
    attributes: { crm: PHONE },
    consents: [],
  };
  const FIELDS = `calls(first: 9) { edges { node { id outcome input output logs error { code message }
    differences { path live shadow } } } }
    shadowReport { calls same different failed paths { path count liveExample shadowExample } }`;

  it('shows no personal data, and keeps none that can be read', async () => {
    const tenant = await ownTenant(gateway);
    const { id } = await register(tenant, { ...webhook(), stage: 'SHADOW' });
    const live = { decision: 'APPROVE', attributes: { phone: PHONE } };
    await record(
      gateway,
      tenant,
      id,
      { input, output: { decision: 'REFUSE', reason: `${PHONE} is known` }, logs: [`asked for ${PHONE}`] },
      { input, outcome: 'ERROR', fault: { code: 'X', details: {}, message: `no ${PHONE}, 林小满` } },
      {
        ...{ mode: 'SHADOW', input, output: { ...live, attributes: {} } },
        differences: [{ path: 'attributes.phone', live: PHONE }],
      },
      { mode: 'SHADOW', input, output: live, differences: [] },
    );
    const { calls, shadowReport } = await shown(tenant, id, FIELDS);
    const text = JSON.stringify([calls, shadowReport]);
    expect(text).not.toContain(PHONE.slice(1));
    expect(text).not.toContain('小满');
    const nodes = calls.edges.map(({ node }: Json) => node).toReversed();
    expect(nodes[0]).toMatchObject({
      input: { identities: [{ kind: 'PHONE', value: '[redacted]' }], source: { channel: 'pos' } },
      output: { decision: 'REFUSE', reason: '[redacted] is known' },
      logs: ['asked for [redacted]'],
    });
    expect(nodes[1].error).toEqual({ code: 'X', message: 'no [redacted], [redacted]' });
    expect(shadowReport).toEqual({
      ...{ calls: 2, same: 1, different: 1, failed: 0 },
      paths: [{ path: 'attributes.phone', count: 1, liveExample: '[redacted]', shadowExample: null }],
    });
    await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
    const rows = await gateway.sql<{ row: string; contents: string }>(
      `select t::text as row, encode(s.contents, 'escape') as contents
         from extension_call t join call_seal s on s.tenant_id = t.tenant_id and s.seal_id = t.sealed_in`,
    );
    await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [gateway.tenantKey]);
    expect(rows).toHaveLength(4);
    expect(JSON.stringify(rows)).not.toContain(PHONE.slice(1));
    expect(rows[0]?.contents).toMatch(/^eyJ[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  it('is where an answer is seen, and the server’s log isn’t', async () => {
    const lines: string[] = [];
    const told = answers(pointsRule, () => {
      return { postings: [{ asset: 'a13800138000', amount: '1', reason: 'x' }] };
    });
    const plugin = { id: 'teller', version: 1, description: 'Tells.', answers: [told] };
    const options = { plugins: [definePlugin(plugin)], beside: gateway };
    const other = await startTestGateway({ ...options, log: (line) => lines.push(line) });
    const { errors } = await other.ask(
      `mutation($input: RecordActivityInput!) { recordActivity(input: $input) { userErrors { code } } }`,
      { input: { idempotencyKey: 'told', type: 'purchase', memberId: other.demo.memberId } },
    );
    expect(errors).toEqual([]);
    await other.close();
    const logged = lines.map((line) => JSON.parse(line)).filter(({ extension }) => extension === 'teller');
    expect(logged).toMatchObject([{ point: 'points.rule', code: 'OUTPUT_ASSET_UNKNOWN' }]);
    expect(lines.join()).not.toContain('13800138000');
  });

  it('is read page by page, by outcome and by mode', async () => {
    const tenant = await ownTenant(gateway);
    const { id } = await register(tenant, sandbox());
    await record(
      gateway,
      tenant,
      id,
      { mode: 'LIVE' },
      { mode: 'CANARY', outcome: 'TIMEOUT' },
      { mode: 'SHADOW' },
    );
    const page = async (args: string): Promise<Json> =>
      (
        await shown(
          tenant,
          id,
          `calls(${args}) { edges { node { mode } } pageInfo { hasNextPage endCursor } }`,
        )
      ).calls;
    const modes = ({ edges }: Json): string[] => edges.map(({ node }: Json) => node.mode);
    const first = await page('first: 2');
    expect(modes(first)).toEqual(['SHADOW', 'CANARY']);
    expect(modes(await page(`first: 2, after: "${first.pageInfo.endCursor}"`))).toEqual(['LIVE']);
    expect(modes(await page('first: 9, outcome: TIMEOUT'))).toEqual(['CANARY']);
    expect(modes(await page('first: 9, mode: SHADOW'))).toEqual(['SHADOW']);
    const foreign = `calls(first: 2, mode: LIVE, after: "${first.pageInfo.endCursor}") { edges { cursor } }`;
    const { errors } = await tenant.ask(`{ extension(id: "${id}") { ${foreign} } }`);
    expect(errors[0]?.extensions.code).toBe('CURSOR_INVALID');
    expect(await shown(tenant, id, 'health { state calls failures p50Ms }')).toEqual({
      health: { state: 'DEGRADED', calls: 3, failures: 1, p50Ms: 2 },
    });
  });

  it('forgets calls after some weeks', async () => {
    const tenant = await ownTenant(gateway);
    const { id } = await register(tenant, sandbox());
    await record(gateway, tenant, id, {}, {});
    const { tenantKey } = tenant;
    await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenantKey]);
    await record(gateway, tenant, id, {});
    const old = `recorded_at = (select min(recorded_at) from extension_call)`;
    await gateway.sql(`update call_seal set recorded_at = recorded_at - interval '31 days' where ${old}`);
    await gateway.sql(
      `update extension_call set recorded_at = recorded_at - interval '31 days' where ${old}`,
    );
    expect(await gateway.application.jobs.extensions.forgetOld(tenantKey)).toBe(2);
    for (const table of ['extension_call', 'call_seal'])
      expect(await gateway.sql(`select count(*)::int as count from ${table}`)).toEqual([{ count: 1 }]);
    const { calls } = await shown(
      tenant,
      id,
      'calls(first: 9) { edges { node { outcome error { code } } } }',
    );
    expect(calls.edges).toEqual([{ node: { outcome: 'OK', error: null } }]);
    await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [gateway.tenantKey]);
  });

  it('asks recorded calls again and compares', async () => {
    const tenant = await ownTenant(gateway);
    const { id: extensionId } = await register(tenant, sandbox());
    const test = (more: Json = {}) =>
      tenant.ask(
        'mutation($input: TestExtensionInput!) { testExtension(input: $input) { run { outcome error { code message } } userErrors { code } } }',
        { input: { extensionId, ...more } },
      );
    expect((await test()).data.testExtension.run).toEqual({ outcome: 'OK', error: null });
    const wrong = await test({ sample: { activity: { type: 5 } } });
    expect(wrong.data.testExtension.run).toMatchObject({
      outcome: 'INVALID_INPUT',
      error: { code: 'SAMPLE_INVALID', message: expect.stringContaining('activity.type') },
    });
    const code = "export default () => ({ postings: [{ asset: 'points', amount: '1', reason: 'r' }] });";
    await act(tenant, 'updateExtension', { extensionId, sandbox: { code } });
    const { data } = await tenant.ask(
      `mutation($input: ReplayExtensionCallsInput!) { replayExtensionCalls(input: $input) {
        report { same different failed notAsked
          calls { before now { outcome } differences { path before now } } }
        userErrors { code } } }`,
      { input: { extensionId, outcome: 'OK', first: 10 } },
    );
    const amount = { asset: 'points', amount: '1', reason: 'r' };
    expect(data.replayExtensionCalls.report).toEqual({
      ...{ same: 0, different: 1, failed: 0, notAsked: 0 },
      calls: [
        {
          before: 'OK',
          now: { outcome: 'OK' },
          differences: [{ path: 'postings.0', before: null, now: amount }],
        },
      ],
    });
  });
});

it.each([
  ['more than its limit', "{ asset: 'points', amount: '51' }", 'OUTPUT_ABOVE_LIMIT'],
  ['an asset beside its limits', "{ asset: 'growth', amount: '1' }", 'OUTPUT_ABOVE_LIMIT'],
  ['an asset that the program lacks', "{ asset: 'gems', amount: '1' }", 'OUTPUT_ASSET_UNKNOWN'],
  [
    'an expiry before its activity',
    "{ asset: 'points', amount: '1', expiresAt: '2020-01-01T00:00:00Z' }",
    'OUTPUT_MOMENTS_INVALID',
  ],
  ['what it may', "{ asset: 'points', amount: '50' }", null],
])('a test and a replay say what would be refused where it counts: %s', async (_what, posting, code) => {
  const tenant = await ownTenant(gateway);
  const { id: extensionId } = await register(tenant, {
    ...sandbox(`export default () => ({ postings: [{ reason: 'r', ...${posting} }] });`),
    postingLimits: [{ asset: 'points', most: '50' }],
  });
  const asked = async (mutation: string, input: Json, fields: string): Promise<Json> =>
    (await tenant.act(mutation, { extensionId, ...input }, fields)) as Json;
  const expected = code === null ? ['OK', null] : ['INVALID_OUTPUT', { code }];
  const { run } = await asked('testExtension', {}, 'run { outcome error { code } }');
  expect([run.outcome, run.error]).toEqual(expected);
  const { report } = await asked(
    'replayExtensionCalls',
    { first: 1 },
    'report { calls { now { outcome error { code } } } }',
  );
  expect([report.calls[0].now.outcome, report.calls[0].now.error]).toEqual(expected);
});

describe('stepping back', () => {
  it('is looked at by jobs, where something failed or calls are old', async () => {
    const tenant = await ownTenant(gateway);
    const { id } = await register(tenant, { ...sandbox(), stage: 'LIVE' });
    const { database, jobs } = gateway.application;
    const due = async (days = 30): Promise<boolean | undefined> =>
      (
        await findDueWork(database.read(tenant.tenantKey), tenant.tenantKey, {
          callDays: days,
          eventDays: 30,
        })
      )?.extensions;
    await record(gateway, tenant, id, {});
    expect(await due()).toBe(false);
    expect(await due(0)).toBe(true);
    await record(gateway, tenant, id, { outcome: 'ERROR' });
    expect(await due()).toBe(true);
    expect(await jobs.extensions.watch(tenant.tenantKey)).toBe(0);
  });

  const failing = (count: number): Partial<CallRecord>[] =>
    Array.from({ length: count }, (_, index) => ({ outcome: index % 6 === 0 ? 'ERROR' : 'TIMEOUT' }));
  const fine = (count: number): Partial<CallRecord>[] => Array.from({ length: count }, () => ({}));
  const state = (tenant: OwnTenant, id: string) =>
    shown(
      tenant,
      id,
      'stage liveVersion changes(first: 1) { edges { node { kind fromStage toStage reason madeBy } } }',
    );

  it('is what an extension does that fails too often, and the reason is kept', async () => {
    const tenant = await ownTenant(gateway);
    const { id } = await register(tenant, { ...sandbox(), stage: 'LIVE' });
    await record(gateway, tenant, id, ...fine(8), ...failing(11));
    expect(await state(tenant, id)).toMatchObject({ stage: 'LIVE', liveVersion: 1 });
    await record(gateway, tenant, id, { outcome: 'TIMEOUT' });
    const kept = { kind: 'STEPPED_BACK', fromStage: 'LIVE', toStage: 'SHADOW', madeBy: 'membergraph' };
    const reason = '12 of 20 calls failed: TIMEOUT 10, ERROR 2';
    expect(await state(tenant, id)).toEqual({
      ...{ stage: 'SHADOW', liveVersion: null },
      changes: { edges: [{ node: { ...kept, reason } }] },
    });
    await act(tenant, 'setExtensionStage', { extensionId: id, stage: 'LIVE' });
    await record(gateway, tenant, id, { outcome: 'TIMEOUT' });
    expect(await state(tenant, id)).toMatchObject({ stage: 'LIVE' });
  });

  it('leads to the version that was LIVE before, once, however many look', async () => {
    const tenant = await ownTenant(gateway);
    const { id: extensionId } = await register(tenant, { ...webhook(), stage: 'LIVE' });
    const failed = failing(20).map((call) => ({ ...call, version: 2 }));
    await act(tenant, 'updateExtension', { extensionId, deadlineMs: 100, stage: 'LIVE' });
    gateway.application.calls.onFailures(async () => undefined);
    await record(gateway, tenant, extensionId, ...failed);
    const upkeep = gateway.application.jobs.extensions;
    const stepped = await Promise.all([1, 2, 3].map(() => upkeep.watch(tenant.tenantKey)));
    expect(stepped.sort()).toEqual([0, 0, 1]);
    expect(await state(tenant, extensionId)).toMatchObject({ stage: 'SHADOW', liveVersion: 1 });
  });

  it('is nothing for one that fails closed and is alone, unless its owner set when', async () => {
    const tenant = await ownTenant(gateway);
    const { id: kept } = await register(tenant, { ...webhook(), stage: 'LIVE' });
    const { id: set } = await register(tenant, {
      ...{ ...webhook(), stage: 'LIVE', stepBack: { errorPercent: 50, latencyMs: 5 } },
    });
    await record(gateway, tenant, kept, ...failing(40));
    await record(gateway, tenant, set, ...fine(20).map((call) => ({ ...call, durationMs: 9 })));
    expect(await gateway.application.jobs.extensions.watch(tenant.tenantKey)).toBe(1);
    expect(await state(tenant, kept)).toMatchObject({ stage: 'LIVE' });
    const reason = 'one call in twenty of 20 took longer than 9 ms; 5 ms were allowed';
    expect(await state(tenant, set)).toMatchObject({
      ...{ stage: 'SHADOW', changes: { edges: [{ node: { reason } }] } },
    });
  });

  it('has the thresholds of everybody again once its owner takes theirs away, in the same version', async () => {
    const tenant = await ownTenant(gateway);
    const { id: extensionId } = await register(tenant, { ...webhook(), stepBack: { latencyMs: 5 } });
    const fields = 'extension { version stepBack { errorPercent latencyMs minimumCalls } }';
    const { extension } = await act(tenant, 'updateExtension', { extensionId, stepBack: null }, fields);
    const stepBack = { errorPercent: 50, latencyMs: null, minimumCalls: 20 };
    expect(extension).toEqual({ version: 1, stepBack });
  });
});
