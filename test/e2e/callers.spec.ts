import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { operatorContext, readExampleProgram, signToken } from '../../src/boot/index.ts';
import { buildGraphQLSchema } from '../../src/gateway/schema.ts';
import { toPublicId } from '../../src/kernel/ids.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';
import { openSocket } from '../support/socket.ts';
import { transports } from '../support/transports.ts';

let gateway: TestGateway;
let memberId: string;

/** Another enterprise with a member of its own. */
let other: {
  key: string;
  memberId: string;
  ledgerId: string;
  entryId: string;
  operationId: string;
  entryCursor: string;
  eventCursor: string;
};

const PLACES = `query($id: ID!) { member(id: $id) { ledger(asset: "points") {
  id eventCursor entries(first: 1) { edges { cursor node { id operation { id } } } } } } }`;

async function makeOtherTenant(): Promise<typeof other> {
  const { services } = gateway.application;
  const name = { en: 'Other', 'zh-CN': '其他' };
  const { tenantKey } = await services.tenants.create({ code: 'other', name, locale: 'en', sandbox: true });
  await services.programs.apply(tenantKey, await readExampleProgram('demo'), 'test');
  const { secret } = await services.tenants.createApiKey(tenantKey, 'test');
  const ask = (query: string, variables = {}) => gateway.ask(query, variables, { 'x-api-key': secret });
  const id = await enrol({ ask });
  const { ledger } = (await ask(PLACES, { id })).data.member;
  const [{ cursor, node }] = ledger.entries.edges;
  return {
    key: secret,
    memberId: id,
    ledgerId: ledger.id,
    entryId: node.id,
    operationId: node.operation.id,
    entryCursor: cursor,
    eventCursor: ledger.eventCursor,
  };
}

beforeAll(async () => {
  gateway = await startTestGateway();
  memberId = await enrol(gateway);
  other = await makeOtherTenant();
});
afterAll(() => gateway.close());

const ME = '{ program { currency } }';
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token of parts as an attacker makes them; its claims are good ones unless they are changed. */
function forge(
  header: object,
  claims: Record<string, unknown>,
  signature: (text: string) => string | Buffer,
): Record<string, string> {
  const { issuer, audience } = gateway.config.jwt;
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const good = { iss: issuer, aud: audience, sub: memberId, tenant: 'demo', role: 'staff', exp };
  const text = `${base64(header)}.${base64({ ...good, ...claims })}`;
  return bearer(`${text}.${Buffer.from(signature(text)).toString('base64url')}`);
}

async function publicKey(): Promise<Json> {
  return JSON.parse(await readFile(join(gateway.config.dataDir, 'jwks.json'), 'utf8')).keys[0];
}

/** Signed with the gateway's own key, so that only the claims are wrong. */
async function signed(claims: Parameters<typeof signToken>[1], config = gateway.config) {
  return bearer(await signToken(config, claims));
}

const staffClaims = { subject: 'clerk', tenant: 'demo', role: 'staff', expiresIn: '1h' } as const;

const strangers: Record<string, () => Promise<Record<string, string>> | Record<string, string>> = {
  'no credentials': () => ({}),
  'a key that there isn’t': () => ({ 'x-api-key': 'mgk_there-is-no-such-key' }),
  'an empty key': () => ({ 'x-api-key': '' }),
  'a giant key': () => ({ 'x-api-key': 'x'.repeat(5_000) }),
  'a key and a token': async () => ({
    'x-api-key': gateway.demo.adminApiKey,
    ...(await signed(staffClaims)),
  }),
  'a token without its scheme': async () => ({
    authorization: (await signed(staffClaims)).authorization?.slice(7) ?? '',
  }),
  'another scheme': () => ({ authorization: `Basic ${Buffer.from('a:b').toString('base64')}` }),
  'no signature': async () => forge({ alg: 'EdDSA', kid: (await publicKey()).kid }, {}, () => ''),
  'alg none': async () => forge({ alg: 'none', kid: (await publicKey()).kid }, {}, () => 'x'),
  'HS256 with the public key as its secret': async () => {
    const { kid, x } = await publicKey();
    return forge({ alg: 'HS256', kid }, {}, (text) =>
      createHmac('sha256', Buffer.from(x, 'base64url')).update(text).digest(),
    );
  },
  'HS256 with the key file as its secret': async () => {
    const key = await publicKey();
    return forge({ alg: 'HS256', kid: key.kid }, {}, (text) =>
      createHmac('sha256', JSON.stringify(key)).update(text).digest(),
    );
  },
  'a key of one’s own under the right kid': async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    return forge({ alg: 'EdDSA', kid: (await publicKey()).kid }, {}, (text) =>
      sign(null, Buffer.from(text), privateKey),
    );
  },
  'a key of one’s own, sent along': () => {
    const { privateKey, publicKey: jwk } = generateKeyPairSync('ed25519');
    const header = { alg: 'EdDSA', jwk: jwk.export({ format: 'jwk' }) };
    return forge(header, {}, (text) => sign(null, Buffer.from(text), privateKey));
  },
  'an unknown kid': () => forge({ alg: 'EdDSA', kid: '../../etc/passwd' }, {}, () => Buffer.alloc(64)),
  'claims changed after signing': async () => {
    const [header, , signature] = ((await signed(staffClaims)).authorization ?? '').slice(7).split('.');
    return bearer(`${header}.${base64({ sub: 'x', role: 'staff' })}.${signature}`);
  },
  'an expired token': () => signed({ ...staffClaims, expiresIn: '-1s' }),
  'another audience': () =>
    signed(staffClaims, { ...gateway.config, jwt: { ...gateway.config.jwt, audience: 'shop' } }),
  'another issuer': () =>
    signed(staffClaims, { ...gateway.config, jwt: { ...gateway.config.jwt, issuer: 'shop' } }),
  'a tenant that there isn’t': () => signed({ ...staffClaims, tenant: 'nobody' }),
  'a role that there isn’t': () => signed({ ...staffClaims, role: 'owner' as 'staff' }),
  'a member without an id': () => signed({ ...staffClaims, role: 'member' }),
};

describe.each(transports)('over $name', ({ name, send }) => {
  it.each(Object.entries(strangers))('%s: not recognised', async (_, credentials) => {
    const given = await credentials();
    if (name === 'HTTP') {
      const answer = await gateway.ask(ME, {}, given);
      expect(answer).toMatchObject({
        status: 401,
        data: null,
        errors: [{ extensions: { code: 'UNAUTHENTICATED' } }],
      });
      return;
    }
    const socket = await openSocket(gateway);
    socket.send({ type: 'connection_init', payload: given });
    expect(await socket.closed).toMatchObject({ code: 4403 });
  });

  it('recognises a server by its key, and a person by their token', async () => {
    const answer = { data: { program: { currency: 'CNY' } }, errors: [] };
    expect(await send(gateway, { query: ME })).toEqual(answer);
    expect(await send(gateway, { query: ME }, await signed(staffClaims))).toEqual(answer);
    expect(
      await send(gateway, { query: ME }, { 'x-api-key': gateway.demo.adminApiKey, 'x-tenant': 'demo' }),
    ).toEqual(answer);
  });

  it('refuses a member what is for staff, though staff ran the same document before', async () => {
    const me = await gateway.asMember(memberId);
    for (const query of [ME, 'query { ...a } fragment a on Query { __typename b: program { currency } }']) {
      expect((await send(gateway, { query })).errors).toEqual([]);
      const { data, errors } = await send(gateway, { query }, me);
      expect(data).toBeNull();
      expect(errors).toMatchObject([
        { extensions: { code: 'FORBIDDEN' }, message: expect.stringContaining('Query.program') },
      ]);
    }
  });

  it('keeps every root field for staff that the contract doesn’t give to members', async () => {
    const forMembers = [
      ...['member', 'node', 'tierLadder', 'useBenefit', 'pointEvents'],
      ...['issueMemberCode', 'tierList'],
      // In the form of `pointEvents`: of themselves alone.
      ...['memberEvents', 'tierEvents', 'grantEvents'],
      ...['redeemPoints', 'holdPoints', 'captureHold', 'releaseHold', 'transferPoints'],
    ];
    const me = await gateway.asMember(memberId);
    const schema = buildGraphQLSchema();
    const roots = {
      query: schema.getQueryType(),
      mutation: schema.getMutationType(),
      subscription: schema.getSubscriptionType(),
    };
    const refused: string[] = [];
    const all: string[] = [];
    for (const [operation, type] of Object.entries(roots)) {
      for (const field of Object.values(type?.getFields() ?? {})) {
        const declared = field.args.map((argument) => `$${argument.name}: ${argument.type}`).join(', ');
        const given = field.args.map((argument) => `${argument.name}: $${argument.name}`).join(', ');
        const brackets = (text: string): string => (text === '' ? '' : `(${text})`);
        const query = `${operation} Root${brackets(declared)} { ${field.name}${brackets(given)} { __typename } }`;
        const { errors } = await send(gateway, { query }, me);
        all.push(field.name);
        if (errors[0]?.extensions.code === 'FORBIDDEN') refused.push(field.name);
      }
    }
    expect(refused).toEqual(all.filter((field) => !forMembers.includes(field)));
    expect(refused.length).toBeGreaterThan(6);
  });

  it('shows members themselves and nobody else', async () => {
    const me = await gateway.asMember(memberId);
    const query = 'query($id: ID!) { member(id: $id) { id } node(id: $id) { id } }';
    const nothing = { data: { member: null, node: null }, errors: [] };
    expect((await send(gateway, { query, variables: { id: memberId } }, me)).data.member).toEqual({
      id: memberId,
    });
    expect(await send(gateway, { query, variables: { id: gateway.demo.memberId } }, me)).toEqual(nothing);
    const ofAnotherTenant = await signed({
      subject: memberId,
      tenant: 'other',
      role: 'member',
      expiresIn: '1h',
    });
    expect(await send(gateway, { query, variables: { id: memberId } }, ofAnotherTenant)).toEqual(nothing);
  });

  it('answers another tenant’s ids as it answers those that there aren’t', async () => {
    const missing = {
      memberId: toPublicId('member', '01900000-0000-7000-8000-000000000000'),
      ledgerId: toPublicId('ledger', '01900000-0000-7000-8000-000000000000'),
      entryId: 'ent_01jdb4g8vse3aaaaaaaaaaaaaa_1',
      operationId: toPublicId('operation', '01900000-0000-7000-8000-000000000000'),
    };
    for (const ids of [missing, other]) {
      for (const id of [ids.memberId, ids.ledgerId, ids.entryId, ids.operationId]) {
        const query = 'query($id: ID!) { member(id: $id) { id } node(id: $id) { id } }';
        expect(await send(gateway, { query, variables: { id } })).toEqual({
          data: { member: null, node: null },
          errors: [],
        });
      }
      const posting = {
        idempotencyKey: newRequestKey(),
        memberId: ids.memberId,
        asset: 'points',
        amount: '1',
        reason: 'x',
      };
      const mutations = {
        earnPoints: ['EarnPointsInput', posting],
        redeemPoints: ['RedeemPointsInput', posting],
        adjustPoints: ['AdjustPointsInput', posting],
        updateMember: [
          'UpdateMemberInput',
          { idempotencyKey: newRequestKey(), memberId: ids.memberId, tags: [] },
        ],
        recordActivity: [
          'RecordActivityInput',
          { idempotencyKey: newRequestKey(), memberId: ids.memberId, type: 'visit' },
        ],
      };
      for (const [mutation, [type, input]] of Object.entries(mutations)) {
        const query = `mutation($input: ${type}!) { ${mutation}(input: $input) { userErrors { code field } } }`;
        const answer = await expectNothingWritten(gateway, () =>
          send(gateway, { query, variables: { input } }),
        );
        const userErrors = [{ code: 'MEMBER_NOT_FOUND', field: ['memberId'] }];
        expect(answer).toEqual({ data: { [mutation]: { userErrors } }, errors: [] });
      }
    }
  });

  it('answers another tenant’s cursors as it answers invented ones', async () => {
    const query = `query($id: ID!, $after: String) { member(id: $id) { ledger(asset: "points") {
      entries(first: 1, after: $after) { edges { cursor } } } } }`;
    const ask = (after: string) => send(gateway, { query, variables: { id: memberId, after } });
    const invented = await ask('invented');
    expect(invented).toMatchObject({
      data: { member: { ledger: null } },
      errors: [
        { extensions: { code: 'CURSOR_INVALID', field: ['after'] }, path: ['member', 'ledger', 'entries'] },
      ],
    });
    expect(await ask(other.entryCursor)).toEqual(invented);
    expect(await ask(other.eventCursor)).toEqual(invented);
  });

  it('finds nobody by another tenant’s key, and by a key nothing of another tenant', async () => {
    const query = 'query($id: ID!) { member(id: $id) { id } }';
    const theirs = { 'x-api-key': other.key };
    const asks = Array.from({ length: 20 }, (_, index) =>
      index % 2 === 0
        ? send(gateway, { query, variables: { id: other.memberId } }, theirs)
        : send(gateway, { query, variables: { id: other.memberId } }),
    );
    const answers = (await Promise.all(asks)).map(({ data }) => data.member?.id ?? null);
    expect(answers).toEqual(asks.map((_, index) => (index % 2 === 0 ? other.memberId : null)));
  });
});

it('a tenant named beside the credentials must be theirs', async () => {
  const given = { 'x-api-key': gateway.demo.adminApiKey, 'x-tenant': 'other' };
  expect(await gateway.ask(ME, {}, given)).toMatchObject({
    status: 403,
    data: null,
    errors: [{ extensions: { code: 'TENANT_MISMATCH' } }],
  });
  const socket = await openSocket(gateway);
  socket.send({ type: 'connection_init', payload: given });
  expect(await socket.closed).toMatchObject({ code: 4403 });
});

it('what the operator does, is done for one tenant', async () => {
  const { services } = gateway.application;
  const otherKey = (await services.tenants.findKeyByCode('other')) ?? '';
  const input = { idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: 1n };
  await expect(services.ledgers.earn(operatorContext(otherKey, 'test'), input)).rejects.toThrow(
    'MEMBER_NOT_FOUND',
  );
});
