import { composeApplication } from '../../src/compose.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { newRequestKey } from '../support/members.ts';
import { mutate, type OwnTenant, ownTenant } from '../support/own-tenant.ts';
import { openSocket } from '../support/socket.ts';

const KEY = 'apiKey { id label role createdAt revokedAt }';
const PAGE = `query($first: Int!, $after: String) { apiKeys(first: $first, after: $after) {
  edges { node { id label role createdAt revokedAt } } pageInfo { hasNextPage endCursor } } }`;
const ME = '{ program { currency } }';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

type Asked = Pick<OwnTenant, 'act'>;
const demo: Asked = { act: (...rest) => mutate(gateway.ask, ...rest) };

function create({ act }: Asked, label: string, more: Record<string, unknown> = {}): Promise<Json> {
  return act('createApiKey', { idempotencyKey: newRequestKey(), label, ...more }, `${KEY} secret`);
}

function revoke({ act }: Asked, id: string, more: Record<string, unknown> = {}): Promise<Json> {
  return act('revokeApiKey', { idempotencyKey: newRequestKey(), id, ...more }, KEY);
}

/** What a key is answered: data, or the code of the error. */
async function asKey(secret: string): Promise<string> {
  const { data, errors } = await gateway.ask(ME, {}, { 'x-api-key': secret });
  return errors[0]?.extensions.code ?? data.program.currency;
}

describe('making a key', () => {
  it('shows its secret once, and it works', async () => {
    const idempotencyKey = newRequestKey();
    const made = await create(demo, 'till', { idempotencyKey });
    expect(made).toEqual({
      apiKey: {
        id: expect.stringMatching(/^key_[0-9a-z]{26}$/),
        label: 'till',
        role: 'STAFF',
        createdAt: expect.stringMatching(/Z$/),
        revokedAt: null,
      },
      secret: expect.stringMatching(/^mgk_\S{43}$/),
      userErrors: [],
    });
    expect(await asKey(made.secret)).toBe('CNY');
    expect(await create(demo, 'till', { idempotencyKey })).toEqual({ ...made, secret: null });
    expect((await create(demo, 'other', { idempotencyKey })).userErrors).toMatchObject([
      { code: 'IDEMPOTENCY_CONFLICT' },
    ]);
    const stored = await gateway.sql('select key_hash::text as hash, label from api_key');
    expect(JSON.stringify(stored)).not.toContain(made.secret.slice(4));
    const results = await gateway.sql('select result::text as result from idempotency');
    expect(JSON.stringify(results)).not.toContain(made.secret.slice(4));
  });

  it('for a key that several send at once makes one', async () => {
    const tenant = await ownTenant(gateway);
    const idempotencyKey = newRequestKey();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => create(tenant, 'once', { idempotencyKey })),
    );
    expect(new Set(answers.map(({ apiKey }) => apiKey.id)).size).toBe(1);
    expect(answers.filter(({ secret }) => secret !== null)).toHaveLength(1);
  });

  it('as a dry run writes nothing and shows no secret', async () => {
    const tried = await expectNothingWritten(gateway, () => create(demo, 'never', { dryRun: true }));
    expect(tried).toMatchObject({ apiKey: { label: 'never' }, secret: null, userErrors: [] });
  });

  it('refuses a label that is too long', async () => {
    const refused = await create(demo, 'x'.repeat(201));
    expect(refused).toMatchObject({
      apiKey: null,
      secret: null,
      userErrors: [{ code: 'TEXT_TOO_LONG', field: ['label'] }],
    });
  });
});

describe('taking a key back', () => {
  it('ends it at once here, and within a second in every other process', async () => {
    const { config, database } = gateway;
    const { logger } = gateway.application;
    const elsewhere = await composeApplication({
      config,
      databaseUrl: database.appUrl,
      plugins: [],
      logger,
    });
    try {
      const { apiKey, secret } = await create(demo, 'lost');
      expect(await elsewhere.services.tenants.authenticate(secret)).not.toBeNull();
      expect(await asKey(secret)).toBe('CNY');
      const revoked = await revoke(demo, apiKey.id);
      expect(revoked).toEqual({
        apiKey: { ...apiKey, revokedAt: expect.stringMatching(/Z$/) },
        userErrors: [],
      });
      expect(await asKey(secret)).toBe('UNAUTHENTICATED');
      await new Promise((resolve) => setTimeout(resolve, 1_050));
      expect(await elsewhere.services.tenants.authenticate(secret)).toBeNull();
    } finally {
      await elsewhere.close();
    }
  });

  it('closes the sockets that were opened with it', async () => {
    const { apiKey, secret } = await create(demo, 'socket');
    const socket = await openSocket(gateway);
    socket.send({ type: 'connection_init', payload: { 'x-api-key': secret } });
    expect((await socket.next()).type).toBe('connection_ack');
    await revoke(demo, apiKey.id);
    expect(await socket.closed).toEqual({ code: 4403, reason: 'API key revoked' });
  });

  it('twice changes nothing, and the same request is answered the same', async () => {
    const { apiKey } = await create(demo, 'twice');
    const idempotencyKey = newRequestKey();
    const first = await revoke(demo, apiKey.id, { idempotencyKey });
    expect(await revoke(demo, apiKey.id, { idempotencyKey })).toEqual(first);
    await gateway.advanceClock('1 minute');
    expect(await revoke(demo, apiKey.id)).toEqual(first);
  });

  it('of one’s own is possible', async () => {
    const tenant = await ownTenant(gateway);
    const { apiKey, secret } = await create(tenant, 'own');
    const itself: Asked = {
      act: (mutation, input, fields) =>
        mutate(
          (query, variables) => gateway.ask(query, variables, { 'x-api-key': secret }),
          mutation,
          input,
          fields,
        ),
    };
    expect((await revoke(itself, apiKey.id)).apiKey.revokedAt).not.toBeNull();
    expect(await asKey(secret)).toBe('UNAUTHENTICATED');
    expect(await asKey(tenant.key)).toBe('CNY');
  });

  it('as a dry run leaves it as it is', async () => {
    const { apiKey, secret } = await create(demo, 'kept');
    const tried = await expectNothingWritten(gateway, () => revoke(demo, apiKey.id, { dryRun: true }));
    expect(tried.apiKey.revokedAt).toEqual(expect.stringMatching(/Z$/));
    expect(await asKey(secret)).toBe('CNY');
  });

  it('finds no key that there isn’t, or of another tenant', async () => {
    const tenant = await ownTenant(gateway);
    const { apiKey, secret } = await create(tenant, 'theirs');
    for (const id of ['key_01jdb4g8vse3aaaaaaaaaaaaaa', 'nonsense', gateway.demo.memberId, apiKey.id]) {
      const refused = await expectNothingWritten(gateway, () => revoke(demo, id));
      expect(refused).toMatchObject({
        apiKey: null,
        userErrors: [{ code: 'API_KEY_NOT_FOUND', field: ['id'] }],
      });
    }
    expect(await asKey(secret)).toBe('CNY');
  });
});

describe('the list of keys', () => {
  it('has all of the tenant’s, newest first, a page at a time', async () => {
    const tenant = await ownTenant(gateway);
    const ids: string[] = [];
    for (const label of ['a', 'b', 'c']) ids.unshift((await create(tenant, label)).apiKey.id);
    await revoke(tenant, ids[1] ?? '');
    const { edges, pageInfo } = (await tenant.ask(PAGE, { first: 3 })).data.apiKeys;
    expect(edges.map(({ node }: Json) => node.id)).toEqual(ids);
    expect(edges.map(({ node }: Json) => node.revokedAt === null)).toEqual([true, false, true]);
    expect(pageInfo.hasNextPage).toBe(true);
    await create(tenant, 'd');
    const rest = (await tenant.ask(PAGE, { first: 3, after: pageInfo.endCursor })).data.apiKeys;
    expect(rest.edges.map(({ node }: Json) => node.label)).toEqual(['a test']);
    expect(rest.pageInfo.hasNextPage).toBe(false);
    const invented = await tenant.ask(PAGE, { first: 3, after: 'invented' });
    expect(invented.errors[0]?.extensions.code).toBe('CURSOR_INVALID');
  });
});
