import { type ExpressionFacts, restoreFacts } from '../../src/domain/expressions/index.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { ownTenant } from '../support/own-tenant.ts';
import {
  act,
  type Crm,
  record,
  refusedCode,
  register,
  SHOWN_EXTENSION,
  sandbox,
  shown,
  startCrm,
} from '../support/registered.ts';

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

const FACTS: ExpressionFacts = restoreFacts({
  member: {
    ...{ id: 'mem_1', enrolledAt: '2026-01-01T00:00:00Z', daysEnrolled: '1', birthday: '', age: '-1' },
    ...{ isBirthday: false, isBirthMonth: false, gender: '', tags: [], channel: '', store: '', region: '' },
    ...{ locale: '', attributes: {} },
  },
  activity: {
    ...{ type: 'purchase', occurredAt: '2026-01-01T00:00:00Z', localDate: '2026-01-01', localHour: '8' },
    ...{ localWeekday: '4', channel: '', store: '', amount: '0' },
  },
  order: { number: '', total: '0', quantity: '0', lines: [] },
  tier: { code: 'gold', rank: '2' },
  now: '2026-01-01T00:00:00Z',
});

describe('registering', () => {
  it('as a dry run checks everything and writes nothing', async () => {
    const tenant = await ownTenant(gateway);
    const input = { ...webhook(), name: 'never', dryRun: true };
    const tried = await expectNothingWritten(gateway, () =>
      act(tenant, 'registerExtension', input, `${SHOWN_EXTENSION} signingSecret`),
    );
    expect(tried).toMatchObject({ extension: { name: 'never' }, signingSecret: null, userErrors: [] });
  });

  it('refuses what is wrong, each by its own code and field', async () => {
    const tenant = await ownTenant(gateway);
    const refused = (input: Json) =>
      refusedCode(act(tenant, 'registerExtension', { name: 'wrong', ...input }));
    const field = 'postingLimits';
    expect(await refused({ ...sandbox(), name: 'No' })).toEqual(['EXTENSION_NAME_INVALID', ['name']]);
    expect(await refused({ ...sandbox(), name: 'welcome-note' })).toEqual(['EXTENSION_NAME_TAKEN', ['name']]);
    expect(await refused({ ...sandbox(), point: 'no.such' })).toEqual(['EXTENSION_POINT_UNKNOWN', ['point']]);
    expect(await refused({ ...sandbox(), pointVersion: 9 })).toEqual([
      'EXTENSION_POINT_UNKNOWN',
      ['pointVersion'],
    ]);
    expect(await refused({ ...sandbox(), webhook: { url: 'https://a.b' } })).toEqual([
      'RUNTIME_MISMATCH',
      ['webhook'],
    ]);
    expect(await refused({ point: 'points.rule', runtime: 'SANDBOX' })).toEqual([
      'RUNTIME_MISMATCH',
      ['sandbox'],
    ]);
    expect((await refused(sandbox('export default (')))[1]).toEqual(['sandbox', 'code']);
    expect(await refused({ ...webhook(), webhook: { url: 'https://169.254.169.254/' } })).toEqual([
      'WEBHOOK_ADDRESS_REFUSED',
      ['webhook', 'url'],
    ]);
    expect(await refused({ ...sandbox(), deadlineMs: 1_001 })).toEqual(['DEADLINE_INVALID', ['deadlineMs']]);
    expect(await refused({ ...webhook(), deadlineMs: 10_001 })).toEqual(['DEADLINE_INVALID', ['deadlineMs']]);
    expect(await refused({ ...sandbox(), filter: 'tier.rank >' })).toEqual(['FILTER_INVALID', ['filter']]);
    expect(await refused({ ...sandbox(), filter: 'tier.rank' })).toEqual(['FILTER_INVALID', ['filter']]);
    expect(await refused({ ...sandbox(), onFailure: 'DEFAULT' })).toEqual([
      'DEFAULT_OUTPUT_MISSING',
      ['defaultOutput'],
    ]);
    expect(await refused({ ...sandbox(), defaultOutput: { postings: 5 } })).toEqual([
      'DEFAULT_OUTPUT_INVALID',
      ['defaultOutput'],
    ]);
    const falls = (amount: string, most: string) => ({
      ...{ ...sandbox(), onFailure: 'DEFAULT', [field]: [{ asset: 'points', most }] },
      defaultOutput: { postings: [{ asset: 'points', amount, reason: 'r' }] },
    });
    expect(await refused(falls('6', '5'))).toEqual(['OUTPUT_ABOVE_LIMIT', ['defaultOutput']]);
    const { id: extensionId } = await register(tenant, falls('5', '5'));
    const lower = act(tenant, 'updateExtension', { extensionId, [field]: [{ asset: 'points', most: '4' }] });
    expect(await refusedCode(lower)).toEqual(['OUTPUT_ABOVE_LIMIT', ['defaultOutput']]);
    expect(await refused({ ...sandbox(), [field]: [{ asset: 'gems', most: '1' }] })).toEqual([
      'POSTING_LIMIT_INVALID',
      [field, '0'],
    ]);
    expect(await refused({ ...sandbox(), stage: 'CANARY' })).toEqual([
      'CANARY_PERCENT_INVALID',
      ['canaryPercent'],
    ]);
    expect(await refused({ ...sandbox(), stage: 'RETIRED' })).toEqual(['STAGE_INVALID', ['stage']]);
    expect(await refused({ ...sandbox(), stepBack: { errorPercent: 0 } })).toEqual([
      'STEP_BACK_INVALID',
      ['stepBack', 'errorPercent'],
    ]);
  });

  it('tells where code can’t be loaded', async () => {
    const tenant = await ownTenant(gateway);
    const input = { ...sandbox('export default () => {\n  const = 1;\n};'), name: 'broken' };
    const { userErrors } = await act(tenant, 'registerExtension', input);
    expect(userErrors[0].message).toMatch(/\(2:\d+\)$/);
  });

  it('has each name once, and at most 32 at a point', async () => {
    const tenant = await ownTenant(gateway);
    await register(tenant, { ...sandbox(), name: 'same' });
    expect(await refusedCode(act(tenant, 'registerExtension', { ...sandbox(), name: 'same' }))).toEqual([
      'EXTENSION_NAME_TAKEN',
      ['name'],
    ]);
    for (let count = 1; count < 32; count += 1) await register(tenant, sandbox());
    expect(await refusedCode(act(tenant, 'registerExtension', { ...sandbox(), name: 'last' }))).toEqual([
      'EXTENSION_LIMIT',
      ['point'],
    ]);
  });

  it('in CANARY or LIVE wants a service that gives the challenge back', async () => {
    const tenant = await ownTenant(gateway);
    crm.answersChallenges = false;
    const input = { ...webhook(), name: 'crm', stage: 'LIVE' };
    try {
      const refused = await refusedCode(act(tenant, 'registerExtension', input));
      expect(refused).toEqual(['CHALLENGE_FAILED', ['stage']]);
      const { id } = await register(tenant, webhook());
      const staged = act(tenant, 'setExtensionStage', { extensionId: id, stage: 'CANARY', canaryPercent: 5 });
      expect(await refusedCode(staged)).toEqual(['CHALLENGE_FAILED', ['stage']]);
    } finally {
      crm.answersChallenges = true;
    }
    expect(await register(tenant, { ...input, name: 'crm' })).toMatchObject({
      stage: 'LIVE',
      liveVersion: 1,
    });
  });
});

describe('revisions and stages', () => {
  it('let what was LIVE answer while the next one is tried, and bring it back', async () => {
    const tenant = await ownTenant(gateway);
    const { id: extensionId } = await register(tenant, { ...sandbox(), stage: 'LIVE' });
    const code = 'export default () => ({ postings: [], replace: true });';
    const change = async (mutation: string, input: Json): Promise<Json> => {
      const { extension, userErrors } = await act(tenant, mutation, { extensionId, ...input });
      expect(userErrors).toEqual([]);
      const { stage, version, liveVersion } = extension;
      return [stage, version, liveVersion];
    };
    expect(await change('updateExtension', { sandbox: { code } })).toEqual(['DRAFT', 2, 1]);
    expect(await change('setExtensionStage', { stage: 'SHADOW' })).toEqual(['SHADOW', 2, 1]);
    expect(await change('setExtensionStage', { stage: 'CANARY', canaryPercent: 5 })).toEqual([
      'CANARY',
      2,
      1,
    ]);
    expect(await change('setExtensionStage', { stage: 'LIVE' })).toEqual(['LIVE', 2, 2]);
    expect(await change('updateExtension', { priority: 5 })).toEqual(['LIVE', 2, 2]);
    expect(await change('rollBackExtension', { reason: 'it was wrong' })).toEqual(['LIVE', 3, 3]);
    const { revisions, changes, priority } = await shown(
      tenant,
      extensionId,
      `priority revisions(first: 9) { edges { node { version restores digest } } }
       changes(first: 9) { edges { node { kind version fromStage toStage reason madeBy } } }`,
    );
    expect(priority).toBe(5);
    const nodes = revisions.edges.map(({ node }: Json) => node);
    expect(nodes.map(({ version, restores }: Json) => [version, restores])).toEqual([
      [3, 1],
      [2, null],
      [1, null],
    ]);
    expect(nodes[0].digest).toBe(nodes[2].digest);
    expect(nodes[1].digest).not.toBe(nodes[2].digest);
    const told = changes.edges.map(({ node }: Json) => node);
    expect(
      told.map(({ kind, version, fromStage, toStage }: Json) => [kind, version, fromStage, toStage]),
    ).toEqual([
      ['ROLLED_BACK', 3, 'LIVE', 'LIVE'],
      ['UPDATED', 2, 'LIVE', 'LIVE'],
      ['STAGED', 2, 'CANARY', 'LIVE'],
      ['STAGED', 2, 'SHADOW', 'CANARY'],
      ['STAGED', 2, 'DRAFT', 'SHADOW'],
      ['UPDATED', 2, 'LIVE', 'DRAFT'],
      ['REGISTERED', 1, null, 'LIVE'],
    ]);
    expect(told[0]).toMatchObject({ reason: 'it was wrong', madeBy: expect.stringMatching(/^key_/) });
    expect(await change('setExtensionStage', { stage: 'RETIRED' })).toEqual(['RETIRED', 3, null]);
    for (const [mutation, more] of [
      ['setExtensionStage', { stage: 'LIVE' }],
      ['updateExtension', { sandbox: { code } }],
      ['rollBackExtension', { toVersion: 1 }],
    ] as const)
      expect(await refusedCode(act(tenant, mutation, { extensionId, ...more }))).toEqual([
        'STAGE_INVALID',
        ['stage'],
      ]);
  });

  it('are made one after the other, whoever sends at once', async () => {
    const tenant = await ownTenant(gateway);
    const { id: extensionId } = await register(tenant, sandbox());
    const sent = await Promise.all(
      [10, 20, 30, 40].map((deadlineMs) => act(tenant, 'updateExtension', { extensionId, deadlineMs })),
    );
    const done = sent.filter(({ extension }) => extension !== null);
    const codes = sent.flatMap(({ userErrors }) => userErrors.map(({ code }: Json) => code));
    expect(done.length).toBeGreaterThan(0);
    expect(codes).toEqual(Array(4 - done.length).fill('EXTENSION_CHANGED'));
    expect(await shown(tenant, extensionId, 'version')).toEqual({ version: 1 + done.length });
    const same = { idempotencyKey: 'the-same', extensionId, deadlineMs: 77 };
    const replays = await Promise.all([1, 2, 3].map(() => act(tenant, 'updateExtension', same)));
    expect(new Set(replays.map((one) => JSON.stringify(one)))).toHaveProperty('size', 1);
    expect(await shown(tenant, extensionId, 'version')).toEqual({ version: 2 + done.length });
    const fields = 'extension { version stage deadlineMs priority liveVersion }';
    const then = await act(tenant, 'updateExtension', same, fields);
    const later = { deadlineMs: 88, priority: 3, stage: 'LIVE' };
    await act(tenant, 'updateExtension', { extensionId, ...later });
    expect(await act(tenant, 'updateExtension', same, fields)).toEqual(then);
    expect(then.extension).toMatchObject({ deadlineMs: 77, priority: 100, liveVersion: null });
  });

  it('tell the plugin host what is asked, within this process at once', async () => {
    const tenant = await ownTenant(gateway);
    const { id: extensionId } = await register(tenant, {
      ...{ ...sandbox(), stage: 'LIVE', filter: 'tier.rank >= 2', priority: 7 },
      postingLimits: [{ asset: 'points', most: '50' }],
    });
    const { registry } = gateway.application;
    const asked = async (): Promise<Json> =>
      (await registry.of(tenant.tenantKey, 'points.rule')).map(({ name, stage, newest, live, ...rest }) => ({
        ...{
          stage,
          newest: newest?.version ?? null,
          live: live?.version ?? null,
          limits: newest?.postingLimits,
        },
        priority: rest.priority,
        wants: newest?.filter?.(FACTS),
      }));
    const limits = [{ asset: 'points', most: 50n }];
    expect(await asked()).toEqual([{ stage: 'LIVE', newest: 1, live: 1, limits, priority: 7, wants: true }]);
    await act(tenant, 'updateExtension', { extensionId, filter: null });
    expect(await asked()).toEqual([{ stage: 'DRAFT', newest: null, live: 1, priority: 7 }]);
    await act(tenant, 'setExtensionStage', { extensionId, stage: 'SHADOW' });
    expect(await asked()).toEqual([{ stage: 'SHADOW', newest: 2, live: 1, limits, priority: 7 }]);
    await act(tenant, 'setExtensionStage', { extensionId, stage: 'RETIRED' });
    expect(await asked()).toEqual([]);
  });

  it('fail where their filter can’t be worked out, rather than being skipped', async () => {
    const tenant = await ownTenant(gateway);
    await register(tenant, { ...sandbox(), stage: 'LIVE', filter: 'member.attributes.vip == true' });
    const [registered] = await gateway.application.registry.of(tenant.tenantKey, 'points.rule');
    expect(() => registered?.newest?.filter?.(FACTS)).toThrow('vip');
  });

  it('want a shadow first where the tenant says so', async () => {
    const tenant = await ownTenant(gateway);
    expect(await act(tenant, 'requireShadow', { required: true }, 'required')).toMatchObject({
      required: true,
    });
    const live = act(tenant, 'registerExtension', { ...sandbox(), name: 'hasty', stage: 'LIVE' });
    expect(await refusedCode(live)).toEqual(['SHADOW_REQUIRED', ['stage']]);
    const { id: extensionId } = await register(tenant, sandbox());
    const goLive = () => act(tenant, 'setExtensionStage', { extensionId, stage: 'LIVE' });
    expect(await refusedCode(goLive())).toEqual(['SHADOW_REQUIRED', ['stage']]);
    await act(tenant, 'setExtensionStage', { extensionId, stage: 'SHADOW' });
    expect((await goLive()).extension).toMatchObject({ stage: 'LIVE' });
    const update = act(tenant, 'updateExtension', { extensionId, deadlineMs: 100, stage: 'LIVE' });
    expect(await refusedCode(update)).toEqual(['SHADOW_REQUIRED', ['stage']]);
  });

  it('rotate the secret of a webhook, and of nothing else', async () => {
    const tenant = await ownTenant(gateway);
    const { id: extensionId } = await register(tenant, { ...webhook(), stage: 'SHADOW' });
    const secrets = async (): Promise<Json> => {
      const [registration] = await gateway.application.registry
        .of(tenant.tenantKey, 'member.create')
        .then((all) => all.filter(({ name }) => name !== 'welcome-note'));
      const code = registration?.newest?.code;
      return code?.runtime === 'WEBHOOK' ? code.secrets : null;
    };
    const [first] = await secrets();
    const rotated = await act(
      tenant,
      'rotateExtensionSecret',
      { extensionId },
      'signingSecret extension { id }',
    );
    expect(await secrets()).toEqual([rotated.signingSecret, first]);
    const { id } = await register(tenant, sandbox());
    expect(await refusedCode(act(tenant, 'rotateExtensionSecret', { extensionId: id }))).toEqual([
      'RUNTIME_MISMATCH',
      ['extensionId'],
    ]);
    const rows = await gateway.sql(
      `select set_config('app.tenant_id', $1, false), encode(secrets, 'escape') as secrets from extension`,
      [tenant.tenantKey],
    );
    expect(JSON.stringify(rows)).not.toContain(String(first).slice(6));
    await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [gateway.tenantKey]);
  });
});

describe('an operator’s plugin', () => {
  it('answers until the tenant registers it itself', async () => {
    const tenant = await ownTenant(gateway);
    const LIST = '{ extensions(first: 10) { edges { node { id name stage isImplied plugin { id } } } } }';
    const list = async (): Promise<Json[]> =>
      (await tenant.ask(LIST)).data.extensions.edges.map(({ node }: Json) => node);
    const [implied] = await list();
    expect(implied).toMatchObject({ name: 'welcome-note', stage: 'LIVE', isImplied: true });
    expect(await shown(tenant, implied.id, 'isImplied')).toEqual({ isImplied: true });
    const plugin = { id: 'welcome-note' };
    const own = await register(tenant, {
      point: 'member.create',
      runtime: 'IN_PROCESS',
      plugin,
      stage: 'LIVE',
    });
    expect(await list()).toMatchObject([{ id: own.id, isImplied: false, plugin }]);
    expect(await shown(tenant, implied.id, 'isImplied')).toBeNull();
    const { registry } = gateway.application;
    expect(await registry.of(tenant.tenantKey, 'member.create')).toMatchObject([{ name: own.name }]);
    await act(tenant, 'setExtensionStage', { extensionId: own.id, stage: 'RETIRED' });
    expect(await registry.of(tenant.tenantKey, 'member.create')).toEqual([]);
  });
});

describe('another tenant', () => {
  it('finds none of it', async () => {
    const [own, other] = [await ownTenant(gateway), await ownTenant(gateway)];
    const { id: extensionId } = await register(own, { ...sandbox(), stage: 'LIVE' });
    await record(gateway, own, extensionId, {});
    const { calls } = await shown(own, extensionId, 'calls(first: 1) { edges { node { id } } }');
    const [{ node: call }] = calls.edges;
    const NODE = 'query($id: ID!) { node(id: $id) { __typename id } }';
    for (const id of [extensionId, call.id]) {
      expect((await own.ask(NODE, { id })).data.node.id).toBe(id);
      expect((await other.ask(NODE, { id })).data).toEqual({ node: null });
    }
    expect(await shown(other, extensionId, 'id')).toBeNull();
    for (const [mutation, more] of [
      ['updateExtension', { deadlineMs: 5 }],
      ['setExtensionStage', { stage: 'LIVE' }],
      ['rollBackExtension', {}],
      ['rotateExtensionSecret', {}],
    ] as const)
      expect(await refusedCode(act(other, mutation, { extensionId, ...more }))).toEqual([
        'EXTENSION_NOT_FOUND',
        ['extensionId'],
      ]);
  });
});
