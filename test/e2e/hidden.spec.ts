import { getIntrospectionQuery } from 'graphql';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openSocket } from '../support/socket.ts';
import { transports } from '../support/transports.ts';

/** A gateway that tells nobody what its schema holds. */
let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway({ environment: { INTROSPECTION: 'false' } });
});
afterAll(() => gateway.close());

describe.each(transports)('over $name', ({ send }) => {
  it.each([
    getIntrospectionQuery(),
    '{ __schema { queryType { name } } }',
    '{ __type(name: "Member") { name } }',
    'query { ...a } fragment a on Query { b: __type(name: "Member") { name } }',
    '{ program { version } ... { __schema { description } } }',
  ])('the schema can’t be asked for', async (query) => {
    const { data, errors } = await send(gateway, { query });
    expect(data).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'INTROSPECTION_DISABLED' } }]);
  });

  it('types can be told apart all the same', async () => {
    expect(await send(gateway, { query: '{ __typename program { __typename } }' })).toEqual({
      data: { __typename: 'Query', program: { __typename: 'Program' } },
      errors: [],
    });
  });

  const INPUT = 'mutation($input: CreateMemberInput!) { createMember(input: $input) { member { id } } }';
  const identities = [{ kind: 'PHON', value: '1' }];
  it.each([
    ['a field', { query: '{ progam { version } }' }],
    ['a nested field', { query: '{ program { versio } }' }],
    ['an argument', { query: '{ member(idd: "1") { id } }' }],
    ['a type', { query: '{ node(id: "1") { ... on Membr { id } } }' }],
    ['a directive', { query: '{ program { version @inclde(if: true) } }' }],
    ['a variable’s type', { query: 'query($a: Pointz) { node(id: "1") { id } }' }],
    ['an enum’s value', { query: '{ memberByIdentity(identity: { kind: PHON, value: "1" }) { id } }' }],
    ['an input’s field', { query: '{ memberByIdentity(identity: { kind: PHONE, valu: "1" }) { id } }' }],
    [
      'an input’s field in variables',
      { query: INPUT, variables: { input: { idempotencyKeyy: 'a', identities: [] } } },
    ],
    [
      'an enum’s value in variables',
      { query: INPUT, variables: { input: { idempotencyKey: 'a', identities } } },
    ],
  ])('no suggestion is made for %s', async (_, sent) => {
    for (let count = 0; count < 2; count += 1) {
      const { data, errors } = await send(gateway, sent);
      expect(data).toBeNull();
      expect(errors.length).toBeGreaterThan(0);
      expect(JSON.stringify(errors)).not.toMatch(/did you mean/i);
    }
  });

  it('no suggestion is made where the rest of the document was affordable', async () => {
    await send(gateway, { query: INPUT, variables: { input: { idempotencyKey: '', identities: [] } } });
    const { errors } = await send(gateway, {
      query: INPUT,
      variables: { input: { idempotencyKey: 'a', identities } },
    });
    expect(errors).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT', field: ['identities', '0', 'kind'] } },
    ]);
    expect(JSON.stringify(errors)).not.toMatch(/did you mean/i);
  });
});

it('the IDE is not there', async () => {
  for (const path of ['/graphiql', '/']) expect((await fetch(`${gateway.url}${path}`)).status).toBe(404);
});

it('faults of ours show neither message nor stack', async () => {
  await gateway.sql('alter table member rename to member_away');
  try {
    for (const { send } of transports) {
      const query = `{ member(id: "${gateway.demo.memberId}") { id } }`;
      const { data, errors } = await send(gateway, { query });
      expect(data).toEqual({ member: null });
      expect(errors).toEqual([
        {
          message: expect.stringMatching(/[0-9a-f-]{36}/),
          extensions: { code: 'INTERNAL_SERVER_ERROR' },
          locations: expect.anything(),
          path: ['member'],
        },
      ]);
    }
  } finally {
    await gateway.sql('alter table member_away rename to member');
  }
});

it('nor do faults while a caller is recognised', async () => {
  await gateway.sql('alter table api_key rename to api_key_away');
  try {
    const unknown = { 'x-api-key': 'mgk_nobody-has-asked-with-this-one' };
    const answer = await gateway.ask('{ program { version } }', {}, unknown);
    expect(answer).toMatchObject({
      status: 500,
      errors: [{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }],
    });
    expect(JSON.stringify(answer.errors)).not.toContain('api_key');
    const socket = await openSocket(gateway);
    socket.send({ type: 'connection_init', payload: unknown });
    expect(await socket.closed).toEqual({ code: 1013, reason: 'The service is away for the moment.' });
  } finally {
    await gateway.sql('alter table api_key_away rename to api_key');
  }
});
