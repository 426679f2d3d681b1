import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { mutate, type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { act, refusedCode, register, sandbox } from '../support/registered.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

/** A tenant with an extension, another one, and the key of a developer of the first. */
async function tenantWithDeveloper() {
  const tenant = await ownTenant(gateway);
  const { id: extensionId } = await register(tenant, { ...sandbox(), stage: 'LIVE' });
  const { id: otherId } = await register(tenant, sandbox());
  const input = { label: 'a developer', role: 'DEVELOPER', extensionId };
  const { apiKey, secret } = await act(tenant, 'createApiKey', input, 'apiKey { role extensionId } secret');
  expect(apiKey).toEqual({ role: 'DEVELOPER', extensionId });
  const ask: TestGateway['ask'] = (query, variables, headers) =>
    gateway.ask(query, variables, { ...headers, 'x-api-key': secret });
  const developer: Pick<OwnTenant, 'act'> & Pick<TestGateway, 'ask'> = {
    ask,
    act: (...rest) => mutate(ask, ...rest),
  };
  return { tenant, developer, extensionId, otherId };
}

/** The code of the error that a request came to. */
async function errorOf({ ask }: Pick<OwnTenant, 'ask'>, query: string, input?: Json): Promise<string> {
  const { errors } = await ask(query, input === undefined ? {} : { input });
  return errors[0]?.extensions.code ?? 'none';
}

describe('a key for a developer', () => {
  it('is for one extension that there is, and no other key is', async () => {
    const [tenant, other] = [await ownTenant(gateway), await ownTenant(gateway)];
    const { id: foreign } = await register(other, sandbox());
    const { id: extensionId } = await register(tenant, sandbox());
    for (const input of [
      { role: 'DEVELOPER' },
      { role: 'DEVELOPER', extensionId: foreign },
      { role: 'DEVELOPER', extensionId: 'ext_nonsense' },
      { extensionId },
      { role: 'STAFF', extensionId },
    ]) {
      const made = act(tenant, 'createApiKey', { label: 'x', ...input }, 'apiKey { id }');
      expect(await refusedCode(made)).toEqual(['API_KEY_EXTENSION', ['extensionId']]);
    }
  });
});

describe('a developer', () => {
  const UPDATE = `mutation($input: UpdateExtensionInput!) { updateExtension(input: $input) {
    extension { stage version liveVersion } userErrors { code } } }`;
  const STAGE = `mutation($input: SetExtensionStageInput!) { setExtensionStage(input: $input) {
    extension { stage } userErrors { code } } }`;

  it('sees their own extension, tries and changes it as far as it doesn’t count', async () => {
    const { developer, extensionId } = await tenantWithDeveloper();
    const { data } = await developer.ask(
      `query($id: ID!) { extension(id: $id) { name calls(first: 1) { edges { cursor } } } node(id: $id) { id }
        extensionPoints { name } }`,
      { id: extensionId },
    );
    expect(data).toMatchObject({ extension: { calls: { edges: [] } }, node: { id: extensionId } });
    const run = await developer.ask(
      'mutation($input: TestExtensionInput!) { testExtension(input: $input) { run { outcome callId } } }',
      { input: { extensionId } },
    );
    expect(run.data.testExtension.run.outcome).toBe('OK');
    const replayed = await developer.ask(
      `mutation($input: ReplayExtensionCallsInput!) { replayExtensionCalls(input: $input) {
        report { same } } }`,
      { input: { extensionId, first: 5 } },
    );
    expect(replayed.data.replayExtensionCalls.report).toEqual({ same: 1 });
    const fields = 'extension { stage version liveVersion }';
    const updated = await act(developer, 'updateExtension', { extensionId, deadlineMs: 50 }, fields);
    expect(updated.extension).toEqual({ stage: 'DRAFT', version: 2, liveVersion: 1 });
    const staged = await act(developer, 'setExtensionStage', { extensionId, stage: 'SHADOW' }, fields);
    expect(staged.extension).toEqual({ stage: 'SHADOW', version: 2, liveVersion: 1 });
  });

  it.each([
    [UPDATE, { priority: 1 }, 'priority', 'priority'],
    [UPDATE, { stepBack: null }, 'stepBack', 'stepBack'],
    [UPDATE, { deadlineMs: 5, stage: 'LIVE' }, 'stage', 'LIVE'],
    [STAGE, { stage: 'SHADOW' }, 'stage', 'LIVE → SHADOW'],
  ])('is told which field is beyond them, in their language: %#', async (mutation, more, field, what) => {
    const { developer, extensionId } = await tenantWithDeveloper();
    const input = { idempotencyKey: 'never', extensionId, ...more };
    const { errors } = await developer.ask(mutation, { input }, { 'accept-language': 'zh-CN' });
    const message = `当前角色无权访问 ${what}。`;
    expect(errors).toMatchObject([{ message, extensions: { code: 'FORBIDDEN', field: [field] } }]);
  });

  it('changes nothing that counts', async () => {
    const { developer, tenant, extensionId } = await tenantWithDeveloper();
    const input = { idempotencyKey: 'never', extensionId };
    expect(await errorOf(developer, STAGE, { ...input, stage: 'SHADOW' })).toBe('FORBIDDEN');
    expect(await errorOf(developer, STAGE, { ...input, stage: 'RETIRED' })).toBe('FORBIDDEN');
    expect(await errorOf(developer, UPDATE, { ...input, priority: 1 })).toBe('FORBIDDEN');
    expect(await errorOf(developer, UPDATE, { ...input, stepBack: {} })).toBe('FORBIDDEN');
    const reset = { ...input, deadlineMs: 5, stepBack: null };
    expect(await errorOf(developer, UPDATE, reset)).toBe('FORBIDDEN');
    for (const stage of ['LIVE', 'CANARY'])
      expect(await errorOf(developer, UPDATE, { ...input, deadlineMs: 5, stage, canaryPercent: 5 })).toBe(
        'FORBIDDEN',
      );
    await act(tenant, 'updateExtension', { extensionId, deadlineMs: 50 });
    for (const stage of ['LIVE', 'CANARY'])
      expect(await errorOf(developer, STAGE, { ...input, stage, canaryPercent: 5 })).toBe('FORBIDDEN');
    await act(tenant, 'setExtensionStage', { extensionId, stage: 'CANARY', canaryPercent: 5 });
    expect(await errorOf(developer, UPDATE, { ...input, deadlineMs: 5 })).toBe('FORBIDDEN');
  });

  it('finds no other extension, and nothing of members, programs or keys', async () => {
    const { developer, tenant, otherId } = await tenantWithDeveloper();
    const { data } = await developer.ask(
      'query($id: ID!) { extension(id: $id) { id } node(id: $id) { id } }',
      {
        id: otherId,
      },
    );
    expect(data).toEqual({ extension: null, node: null });
    const foreign = act(developer, 'updateExtension', { extensionId: otherId, deadlineMs: 5 });
    expect(await refusedCode(foreign)).toEqual(['EXTENSION_NOT_FOUND', ['extensionId']]);
    // Not even by the words that somebody else used.
    const same = { idempotencyKey: 'staff-1', extensionId: otherId, deadlineMs: 60 };
    expect((await act(tenant, 'updateExtension', same)).extension.version).toBe(2);
    const replayed = act(developer, 'updateExtension', same);
    expect(await refusedCode(replayed)).toEqual(['EXTENSION_NOT_FOUND', ['extensionId']]);
    const tested = act(
      tenant,
      'createMember',
      {
        identities: [{ kind: 'CARD', value: 'dev-1' }],
      },
      'member { id }',
    );
    const { member } = await tested;
    const node = await developer.ask('query($id: ID!) { node(id: $id) { id } }', { id: member.id });
    expect(node.data).toEqual({ node: null });
    for (const query of [
      '{ extensions(first: 1) { edges { cursor } } }',
      '{ program { currency } }',
      '{ apiKeys(first: 1) { edges { cursor } } }',
      `{ member(id: "${member.id}") { id } }`,
      '{ members(first: 1) { edges { cursor } } }',
      `mutation { rollBackExtension(input: { idempotencyKey: "x", extensionId: "x" }) { userErrors { code } } }`,
      `mutation { rotateExtensionSecret(input: { idempotencyKey: "x", extensionId: "x" }) { signingSecret } }`,
      `mutation { requireShadow(input: { idempotencyKey: "x", required: false }) { required } }`,
      `mutation { createApiKey(input: { idempotencyKey: "x", label: "x" }) { secret } }`,
    ])
      expect([query, await errorOf(developer, query)]).toEqual([query, 'FORBIDDEN']);
  });
});
