import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { mutate, type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { act, type Crm, register, sandbox, shown, startCrm } from '../support/registered.ts';

/** What another process may take to hear of a change, and a moment. */
const HEARD_MS = 1_200;

const NETWORK = { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' };
const newKey = (): string => randomBytes(32).toString('base64');
const [oldKey, otherKey] = [newKey(), newKey()];

let first: TestGateway;
let second: TestGateway;
let crm: Crm;

beforeAll(async () => {
  first = await startTestGateway({ environment: { ...NETWORK, ENCRYPTION_KEY: oldKey } });
  second = await startTestGateway({ environment: { ...NETWORK, ENCRYPTION_KEY: otherKey }, beside: first });
  crm = await startCrm();
});
afterAll(async () => {
  await second.close();
  await first.close();
  await crm.close();
});

const CALLS = 'calls(first: 1) { edges { node { outcome error { code message } } } }';

/** The same tenant, asked at another gateway. */
function at(gateway: TestGateway, { key }: OwnTenant): Pick<OwnTenant, 'ask' | 'act'> {
  const ask: TestGateway['ask'] = (query, variables) => gateway.ask(query, variables, { 'x-api-key': key });
  return { ask, act: (...rest) => mutate(ask, ...rest) };
}

const webhook = (more: Json = {}) => ({
  ...{ point: 'member.create', runtime: 'WEBHOOK', webhook: { url: crm.url }, stage: 'LIVE', ...more },
});

async function enrol(tenant: Pick<OwnTenant, 'act'>, value: string): Promise<string> {
  const { member, userErrors } = await act(
    tenant,
    'createMember',
    { identities: [{ kind: 'CARD', value }] },
    'member { id }',
  );
  return member === null ? userErrors[0].code : 'enrolled';
}

describe('two gateways on one database', () => {
  it('hear of each other’s changes within a second', async () => {
    const tenant = await ownTenant(first);
    const asked = async ({ application: { registry } }: TestGateway): Promise<Json> =>
      (await registry.of(tenant.tenantKey, 'points.rule')).map(({ name, stage }) => `${name} ${stage}`);
    expect(await asked(second)).toEqual([]);
    const { id: extensionId, name } = await register(tenant, { ...sandbox(), stage: 'LIVE' });
    expect(await asked(first)).toEqual([`${name} LIVE`]);
    await delay(HEARD_MS);
    expect(await asked(second)).toEqual([`${name} LIVE`]);
    await act(at(second, tenant), 'setExtensionStage', { extensionId, stage: 'RETIRED' });
    expect(await asked(second)).toEqual([]);
    await delay(HEARD_MS);
    expect(await asked(first)).toEqual([]);
  });

  it('let one of two who change an extension at once go first, and tell the other', async () => {
    const tenant = await ownTenant(first);
    const { id: extensionId } = await register(tenant, sandbox());
    const answers = await Promise.all(
      [first, second, first, second].map((gateway) =>
        act(
          at(gateway, tenant),
          'updateExtension',
          { extensionId, deadlineMs: 100 },
          'extension { version }',
        ),
      ),
    );
    const made = answers.flatMap(({ extension }) => extension?.version ?? []);
    const refused = answers.flatMap(({ userErrors }) => userErrors.map(({ code }: Json) => code));
    expect(new Set(made).size).toBe(made.length);
    expect(Math.max(...made)).toBe(1 + made.length);
    expect(refused).toEqual(Array.from({ length: 4 - made.length }, () => 'EXTENSION_CHANGED'));
  });
});

describe('a gateway without a plugin that a tenant registered', () => {
  it('takes it for one that failed, and lets it be retired', async () => {
    const tenant = await ownTenant(first);
    const plugin = { id: 'welcome-note' };
    const { id: extensionId } = await register(tenant, {
      ...{ point: 'member.create', runtime: 'IN_PROCESS', plugin, stage: 'LIVE', onFailure: 'FAIL_CLOSED' },
    });
    const bare = await startTestGateway({ environment: NETWORK, plugins: [], beside: first });
    const there = at(bare, tenant);
    expect(await enrol(there, 'bare-1')).toBe('EXTENSION_UNAVAILABLE');
    const { calls } = await shown(there, extensionId, CALLS);
    expect(calls.edges[0].node).toMatchObject({
      ...{ outcome: 'UNREACHABLE', error: { code: 'PLUGIN_NOT_LOADED' } },
    });
    await act(there, 'setExtensionStage', { extensionId, stage: 'RETIRED' });
    expect(await enrol(there, 'bare-2')).toBe('enrolled');
    await bare.close();
  });
});

describe('a gateway with another ENCRYPTION_KEY', () => {
  it('takes a webhook whose secrets it can’t open for one that failed, until they are rotated', async () => {
    const tenant = await ownTenant(first);
    const there = at(second, tenant);
    const { id: extensionId } = await register(tenant, webhook());
    expect(await enrol(tenant, 'sealed-1')).toBe('enrolled');
    await delay(HEARD_MS);
    expect(await enrol(there, 'sealed-2')).toBe('EXTENSION_UNAVAILABLE');
    const { calls } = await shown(there, extensionId, CALLS);
    expect(calls.edges[0].node).toMatchObject({
      outcome: 'UNREACHABLE',
      error: { code: 'WEBHOOK_SECRETS_UNREADABLE', message: expect.stringContaining('rotate') },
    });
    const challenged = await act(there, 'setExtensionStage', { extensionId, stage: 'LIVE' });
    expect(challenged.userErrors).toMatchObject([{ code: 'CHALLENGE_FAILED' }]);
    await act(there, 'updateExtension', { extensionId, onFailure: 'FAIL_OPEN' });
    await act(there, 'rotateExtensionSecret', { extensionId }, 'signingSecret');
    expect(await enrol(there, 'sealed-3')).toBe('enrolled');
    const after = await shown(there, extensionId, CALLS);
    expect(after.calls.edges[0].node).toEqual({ outcome: 'OK', error: null });
  });

  it('opens them where the old key stands behind the new one', async () => {
    const tenant = await ownTenant(first);
    await register(tenant, webhook());
    const keys = `${otherKey}, ${oldKey}`;
    const third = await startTestGateway({
      environment: { ...NETWORK, ENCRYPTION_KEY: keys },
      beside: first,
    });
    expect(await enrol(at(third, tenant), 'keys-1')).toBe('enrolled');
    await third.close();
  });
});
