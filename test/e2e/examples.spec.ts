import { readFile } from 'node:fs/promises';
import { BY_RULES, buy, callsOf, gave, outcomesOf } from '../support/attacks.ts';
import { auditLedgers } from '../support/audit.ts';
import { type Example, exampleFile, startExample } from '../support/examples.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { freePort } from '../support/process.ts';
import { act, register, SHOWN_EXTENSION } from '../support/registered.ts';

// docs/examples as their readers use them; the plugins are in example-plugins.spec.ts.

let gateway: TestGateway;
let tenant: OwnTenant;
beforeAll(async () => {
  gateway = await startTestGateway({ environment: { EXTENSION_ALLOWED_NETWORKS: '127.0.0.1/32' } });
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});
beforeEach(async () => {
  tenant = await ownTenant(gateway);
});

const money = (value: string) => ({ value, currency: 'CNY' });

it('tea-lovers: its file is uploaded, tried, put LIVE, and gives tea twice from the second tier on', async () => {
  const code = await readFile(exampleFile('tea-lovers/rule.ts'), 'utf8');
  const { id: extensionId } = await register(tenant, {
    ...{ name: 'tea-lovers', point: 'points.rule', runtime: 'SANDBOX' },
    sandbox: { code, language: 'TYPESCRIPT' },
  });
  const { data } = await tenant.ask(
    `mutation($input: TestExtensionInput!) { testExtension(input: $input) {
       run { outcome output logs } userErrors { code } } }`,
    { input: { extensionId, sample: { member: { tier: { rank: 2 } } } } },
  );
  expect(data.testExtension).toMatchObject({ run: { outcome: 'OK' }, userErrors: [] });
  await act(tenant, 'setExtensionStage', { extensionId, stage: 'LIVE' });
  const memberId = await enrol(tenant);
  const lines = ['tea', 'cups'].map((category) => ({
    ...{ sku: category.toUpperCase(), category, quantity: 1, amount: money('300.00') },
  }));
  const order = (number: string) => ({ amount: money('600.00'), order: { number, lines } });
  const rules = ['points 60 by purchase-points', 'growth 600 by purchase-growth'];
  // The purchase that makes it silver is asked about as bronze.
  expect(gave(await buy(tenant, memberId, order('SO-1')))).toEqual(rules);
  expect(gave(await buy(tenant, memberId, order('SO-2')))).toEqual([...rules, 'points 30 by tea-lovers 1']);
  const [, , second] = await callsOf(tenant, extensionId);
  expect(second).toMatchObject({
    ...{ outcome: 'OK', logs: ['tea 300000000 of 600000000 gives 30 more'] },
    output: { postings: [{ asset: 'points', amount: '30', reason: 'tea-lovers' }] },
  });
  const refund = { type: 'refund', amount: null, order: { number: 'SO-2' } };
  const refunded = gave(await buy(tenant, memberId, refund));
  expect(refunded).toContain('points -30 by tea-lovers 1');
});

describe('crm-sync', () => {
  const KNOWN = '+8613800138000';
  const BLOCKED = '+8613800138001';
  const LINKED = '+8613800138002';
  let crm: Example;
  let receiver: Example | null = null;
  let extensionId: string;

  beforeEach(async () => {
    crm = await startExample('crm-sync/crm.mjs', [exampleFile('crm-sync/people.json')]);
    // The secret is known once it is registered, and the receiver once it knows the secret.
    const port = String(await freePort());
    const input = {
      ...{ name: 'crm', point: 'member.create', runtime: 'WEBHOOK', stage: 'SHADOW', deadlineMs: 10_000 },
      webhook: { url: `http://127.0.0.1:${port}/` },
    };
    const made = await act(tenant, 'registerExtension', input, `${SHOWN_EXTENSION} signingSecret`);
    extensionId = made.extension.id;
    const environment = { SIGNING_SECRET: made.signingSecret, CRM_URL: crm.url, PORT: port };
    receiver = await startExample('crm-sync/receiver.mjs', [], environment);
    const { userErrors } = await act(tenant, 'setExtensionStage', { extensionId, stage: 'LIVE' });
    expect(userErrors).toEqual([]);
  });
  afterEach(async () => {
    await receiver?.stop();
    await crm.stop();
  });

  const inCrm = async (path: string, method = 'GET', body?: Json): Promise<Json> =>
    await (await fetch(`${crm.url}${path}`, { method, body: body && JSON.stringify(body) })).json();
  const FIELDS = 'member { id attributes tags { code } displayName }';
  const create = (phone: string, more: Json = {}) =>
    act(tenant, 'createMember', { identities: [{ kind: 'PHONE', value: phone }], ...more }, FIELDS);

  it('enriches whom the CRM knows, and notes whom it doesn’t', async () => {
    const { member } = await create(KNOWN);
    expect(member).toMatchObject({ attributes: { crmId: 'C-2041' }, displayName: '林小满' });
    expect(member.tags.map(({ code }: Json) => code).sort()).toEqual(['from-crm', 'tea-lover', 'vip']);
    const phone = '+8613900139000';
    expect((await create(phone, { dryRun: true })).member).toMatchObject({ tags: [{ code: 'new-to-crm' }] });
    const people = `/people?${new URLSearchParams({ phone })}`;
    expect(await inCrm(people)).toEqual([]);
    expect((await create(phone)).member).toMatchObject({ tags: [{ code: 'new-to-crm' }] });
    expect(await inCrm(people)).toHaveLength(1);
    expect(await outcomesOf(tenant, extensionId)).toEqual(['LIVE OK', 'DRY_RUN OK', 'LIVE OK']);
  });

  it('names a real member whom the CRM has linked, also for an activity', async () => {
    const existing = await enrol(tenant);
    await inCrm('/people/C-2043', 'PATCH', { memberId: existing });
    expect(await create(LINKED)).toMatchObject({ member: { id: existing }, userErrors: [] });
    const identity = { kind: 'PHONE', value: LINKED };
    const bought = await buy(tenant, existing, { memberId: null, identity, enrolIfUnknown: true });
    expect([bought.member.id, gave(bought)]).toEqual([existing, BY_RULES]);
  });

  it('refuses whom it has blocked, in their language, until it hasn’t', async () => {
    const refused = await create(BLOCKED, { profile: { locale: 'zh-CN' } });
    expect(refused).toMatchObject({
      member: null,
      userErrors: [{ code: 'EXTENSION_REFUSED', message: '暂时无法注册，请联系客服。' }],
    });
    await inCrm('/people/C-2042', 'PATCH', { blocked: false });
    expect((await create(BLOCKED)).userErrors).toEqual([]);
  });

  it('goes on while its secret rotates, and refuses what is signed by none of its secrets', async () => {
    await receiver?.stop();
    const { signingSecret } = await act(tenant, 'rotateExtensionSecret', { extensionId }, 'signingSecret');
    const port = new URL(receiver?.url ?? '').port;
    receiver = await startExample('crm-sync/receiver.mjs', [], {
      ...{ SIGNING_SECRET: signingSecret, CRM_URL: crm.url, PORT: port },
    });
    expect((await create(KNOWN)).userErrors).toEqual([]);
    await receiver.stop();
    receiver = await startExample('crm-sync/receiver.mjs', [], {
      ...{ SIGNING_SECRET: 'whsec_bm90IHRoZSBzZWNyZXQgdGhhdCBzaWducw==', CRM_URL: crm.url, PORT: port },
    });
    const { userErrors } = await create('+8613900139001');
    expect(userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE' }]);
    expect(await outcomesOf(tenant, extensionId)).toEqual(['LIVE OK', 'LIVE ERROR WEBHOOK_STATUS']);
  });
});
