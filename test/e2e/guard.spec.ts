import { getIntrospectionQuery } from 'graphql';
import { expectNothingWritten } from '../support/contents.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { newRequestKey } from '../support/members.ts';
import { connectSocket } from '../support/socket.ts';
import { RawVariables, type Sent, transports } from '../support/transports.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

/** What would be refused, could it do harm: the server answers others as ever. */
async function expectHealthy(): Promise<void> {
  const { data } = await gateway.ask('{ program { currency } }');
  expect(data).toEqual({ program: { currency: 'CNY' } });
}

const times = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');
const nested = (count: number, before: string, inner: string): string =>
  `${before} { `.repeat(count) + inner + ' }'.repeat(count);
const member = (selection: string): string =>
  `{ member(id: "${gateway?.demo.memberId ?? 'mem_1'}") { ${selection} } }`;
const points = (selection: string): string => member(`ledger(asset: "points") { ${selection} }`);

const ENTRIES = 'query($first: Int!) { member(id: "mem_1") { grants(first: $first) { edges { cursor } } } }';
const ENROL = 'mutation($input: CreateMemberInput!) { createMember(input: $input) { member { id } } }';
const deep = (depth: number): RawVariables =>
  new RawVariables(`{"input":${'['.repeat(depth)}${']'.repeat(depth)}}`);

/** Attacks on the parser and on the cost of an operation, and the code that each is refused with. */
const attacks: Record<string, [Sent | (() => Sent), string]> = {
  '101 aliases': [
    { query: `{ ${times(101, (index) => `a${index}: program { version }`)} }` },
    'QUERY_TOO_LARGE',
  ],
  '101 aliases of a mutation': [
    {
      query: `mutation($input: RedeemPointsInput!) { ${times(101, (index) => `a${index}: redeemPoints(input: $input) { userErrors { code } }`)} }`,
    },
    'QUERY_TOO_LARGE',
  ],
  '2,000 repeated fields': [{ query: `{ program { ${times(2_000, () => 'version')} } }` }, 'QUERY_TOO_LARGE'],
  '5,000 tokens': [{ query: `{ program { ${times(5_000, () => 'version')} } }` }, 'GRAPHQL_PARSE_FAILED'],
  'ten unknown directives': [
    { query: `{ program { version ${times(10, () => '@aa')} } }` },
    'GRAPHQL_VALIDATION_FAILED',
  ],
  'a thousand directives': [
    { query: `{ program { version ${times(1_000, () => '@aa')} } }` },
    'QUERY_TOO_LARGE',
  ],
  'an endless name': [{ query: `{ ${'a'.repeat(100_001)} }` }, 'QUERY_TOO_LARGE'],
  'deep recursion': [
    () => ({ query: member(nested(8, 'ledger(asset: "points") { member', `id ${'}'.repeat(8)}`)) }),
    'QUERY_TOO_LARGE',
  ],
  'recursion a thousand deep': [{ query: `{ ${nested(1_000, 'a', 'a')} }` }, 'QUERY_TOO_LARGE'],
  'recursion through fragments': [
    {
      query: `{ member(id: "mem_1") { ...f0 } } ${times(20, (index) => `fragment f${index} on Member { ledgers { member { ...f${index + 1} } } }`)}
              fragment f20 on Member { id }`,
    },
    'QUERY_TOO_LARGE',
  ],
  'a circle of fragments': [
    {
      query:
        '{ member(id: "mem_1") { ...a } } fragment a on Member { id ...b } fragment b on Member { ...a }',
    },
    'GRAPHQL_VALIDATION_FAILED',
  ],
  'a fragment in itself': [
    { query: '{ program { ...a } } fragment a on Program { assets { code } ...a }' },
    'GRAPHQL_VALIDATION_FAILED',
  ],
  'fragments that double': [
    {
      query: `{ program { ...f0 } } ${times(40, (index) => `fragment f${index} on Program { ...f${index + 1} ...f${index + 1} }`)}
              fragment f40 on Program { version }`,
    },
    'QUERY_TOO_COMPLEX',
  ],
  'circular introspection': [
    { query: `{ __schema { types { ${nested(5, 'fields { type', `name ${'}'.repeat(5)}`)} } } }` },
    'GRAPHQL_VALIDATION_FAILED',
  ],
  'sixty unused fragments': [
    { query: `{ program { version } } ${times(60, (index) => `fragment f${index} on Program { version }`)}` },
    'QUERY_TOO_LARGE',
  ],
  'a giant unused fragment': [
    {
      query: `{ program { version } } fragment f on Program { ${times(600, (index) => `a${index}: version`)} }`,
    },
    'QUERY_TOO_LARGE',
  ],
  'pages in pages': [
    () => ({
      query: points(
        'entries(first: 100) { edges { node { ledger { entries(first: 100) { edges { node { amount kind } } } } } } }',
      ),
    }),
    'QUERY_TOO_COMPLEX',
  ],
  'a flood of @defer': [
    { query: `{ program { ${times(20, () => '... @defer { version }')} } }` },
    'GRAPHQL_VALIDATION_FAILED',
  ],
  '@stream': [{ query: '{ program { assets @stream { code } } }' }, 'GRAPHQL_VALIDATION_FAILED'],
  'a list of 25,000 items': [
    { query: ENROL, variables: { input: { identities: Array(25_000).fill(0) } } },
    'VARIABLES_TOO_LARGE',
  ],
  'variables 30 deep': [{ query: ENROL, variables: deep(30) }, 'VARIABLES_TOO_LARGE'],
  'variables 100,000 deep': [{ query: ENROL, variables: deep(100_000) }, 'VARIABLES_TOO_LARGE'],
  'no such operation': [
    { query: 'query A { program { version } }', operationName: 'B' },
    'OPERATION_NOT_FOUND',
  ],
  'two operations and no name': [
    { query: 'query A { program { version } } query B { program { version } }' },
    'OPERATION_NOT_FOUND',
  ],
  'nothing at all': [{ query: '' }, 'BAD_REQUEST'],
  'a page that isn’t told': [{ query: member('grants { edges { cursor } }') }, 'GRAPHQL_VALIDATION_FAILED'],
  'a page of null': [
    { query: member('grants(first: null) { edges { cursor } }') },
    'GRAPHQL_VALIDATION_FAILED',
  ],
  ...Object.fromEntries(
    [0, -5, 101, 99_999_999].flatMap((first): [string, [Sent, string]][] => [
      [
        `a page of ${first}`,
        [{ query: ENTRIES.replace('$first: Int!', `$first: Int! = ${first}`) }, 'PAGE_SIZE'],
      ],
      [`a page of ${first} by variable`, [{ query: ENTRIES, variables: { first } }, 'PAGE_SIZE']],
      [
        `a page of ${first} in the document`,
        [{ query: member(`grants(first: ${first}) { edges { cursor } }`) }, 'PAGE_SIZE'],
      ],
    ]),
  ),
};

describe.each(transports)('over $name', ({ send }) => {
  it.each(Object.entries(attacks))('%s: refused', async (_, [attack, code]) => {
    const sent = typeof attack === 'function' ? attack() : attack;
    const { data, errors } = await send(gateway, sent);
    expect(data).toBeNull();
    expect(errors[0]).toMatchObject({ message: expect.any(String), extensions: { code } });
    expect(errors.length).toBeLessThanOrEqual(11);
    expect(JSON.stringify(errors).length).toBeLessThan(10_000);
    await expectHealthy();
  });

  it('a page that a variable lets in: refused, though it passed while it was left out', async () => {
    const query = `query($in: Boolean!) { program { version }
      member(id: "mem_1") @include(if: $in) { grants(first: 5000) { edges { cursor } } } }`;
    expect(await send(gateway, { query, variables: { in: false } })).toMatchObject({ errors: [] });
    const { errors } = await send(gateway, { query, variables: { in: true } });
    expect(errors).toMatchObject([{ extensions: { code: 'PAGE_SIZE' } }]);
  });

  it('the introspection of tools passes', async () => {
    const everything = {
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    };
    for (const query of [getIntrospectionQuery(), getIntrospectionQuery(everything)]) {
      const { data, errors } = await send(gateway, { query });
      expect(errors).toEqual([]);
      expect(data.__schema.queryType).toEqual(expect.objectContaining({ name: 'Query' }));
    }
  });

  it.each(['createMember', 'earnPoints', 'redeemPoints', 'updateMember'])(
    'what %s doesn’t take can’t be sent along',
    async (mutation) => {
      const type = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
      const query = `mutation($input: ${type}!) { ${mutation}(input: $input) { userErrors { code } } }`;
      for (const extra of ['balance', 'role', 'tenant', 'tier', '__proto__', 'constructor']) {
        const input = JSON.parse(`{ "idempotencyKey": "k", "${extra}": "1" }`);
        const { data, errors } = await expectNothingWritten(gateway, () =>
          send(gateway, { query, variables: { input } }),
        );
        expect(data).toBeNull();
        expect(errors[0]?.extensions.code).toBe('BAD_USER_INPUT');
      }
    },
  );
});

describe.each(transports)('an amount over $name', ({ send }) => {
  const earn = (amount: unknown): Sent => ({
    query:
      'mutation($input: EarnPointsInput!) { earnPoints(input: $input) { operation { id } userErrors { code field } } }',
    variables: {
      input: { idempotencyKey: newRequestKey(), memberId: gateway.demo.memberId, asset: 'points', amount },
    },
  });
  const redeemLiterally = (amount: string): Sent => ({
    query: `mutation { redeemPoints(input: { idempotencyKey: "literal", memberId: "${gateway.demo.memberId}", asset: "points", amount: ${amount} }) { userErrors { code field } } }`,
  });

  it.each([
    '1.5',
    '1e308',
    '9223372036854775808',
    '-9223372036854775809',
    'NaN',
    '５００',
    '',
    ' 5',
    '+5',
    '0x10',
    5,
    1.5,
    1e308,
    null,
    true,
    [],
    {},
  ])('of %j is no number of points', async (amount) => {
    const { data, errors } = await expectNothingWritten(gateway, () => send(gateway, earn(amount)));
    expect(data).toBeNull();
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_POINTS', field: ['amount'] } }]);
  });

  it.each(['"1.5"', '1e308', '9223372036854775808', '"NaN"', '"５００"', '""', 'true', '1.5'])(
    'written %s in the document is no number of points',
    async (amount) => {
      const { data, errors } = await expectNothingWritten(gateway, () =>
        send(gateway, redeemLiterally(amount)),
      );
      expect(data).toBeNull();
      expect(errors).toMatchObject([{ extensions: { code: 'INVALID_POINTS', field: ['amount'] } }]);
    },
  );

  it.each(['0', '-0', '-5', '-9223372036854775808'])('of %s is refused as not positive', async (amount) => {
    const userErrors = [{ code: 'AMOUNT_NOT_POSITIVE', field: ['amount'] }];
    const earned = await expectNothingWritten(gateway, () => send(gateway, earn(amount)));
    expect(earned).toEqual({ data: { earnPoints: { operation: null, userErrors } }, errors: [] });
    const redeemed = await expectNothingWritten(gateway, () => send(gateway, redeemLiterally(`"${amount}"`)));
    expect(redeemed).toEqual({ data: { redeemPoints: { userErrors } }, errors: [] });
  });
});

it('a frame above 256 kB closes the socket, and no other', async () => {
  const other = await connectSocket(gateway);
  const socket = await connectSocket(gateway);
  const query = `{ program { version ${times(100_000, () => '@aa')} } }`;
  const written: unknown[] = [];
  const { error } = console;
  console.error = (...what) => written.push(what);
  try {
    socket.send({ type: 'subscribe', id: 'one', payload: { query } });
    expect((await socket.closed).code).toBe(1009);
  } finally {
    console.error = error;
  }
  expect(written).toEqual([]);
  other.send({ type: 'subscribe', id: 'one', payload: { query: '{ program { version } }' } });
  expect(await other.next()).toMatchObject({ type: 'next', payload: { data: { program: { version: 1 } } } });
  await other.close();
});

it('refuses text that no database can hold, in variables and in the document', async () => {
  const key = (name: string) => ({ kind: 'EXTERNAL', value: name });
  const query = 'query($i: IdentityInput!) { memberByIdentity(identity: $i) { id } }';
  for (const text of ['a\u0000b', 'a\ud800b']) {
    const byVariable = await gateway.ask(query, { i: key(text) });
    expect(byVariable.errors).toMatchObject([{ extensions: { code: 'TEXT_INVALID' } }]);
  }
  const inDocument = String.raw`{ memberByIdentity(identity: { kind: EXTERNAL, value: "a\u0000b" }) { id } }`;
  expect((await gateway.ask(inDocument)).errors).toMatchObject([{ extensions: { code: 'TEXT_INVALID' } }]);
});
