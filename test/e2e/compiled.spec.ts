import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GraphQLSchema, execute as interpret, parse } from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';
import { operatorContext } from '../../src/boot/index.ts';
import { createContext, type GatewayContext } from '../../src/gateway/context.ts';
import { Executor } from '../../src/gateway/execute.ts';
import { Guard } from '../../src/gateway/guard/index.ts';
import { buildGraphQLSchema } from '../../src/gateway/schema.ts';
import { fromPublicId } from '../../src/kernel/ids.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newRequestKey } from '../support/members.ts';

const FOLDER = 'test/e2e/operations';

let gateway: TestGateway;
let schema: GraphQLSchema;
let executor: Executor;
let guard: Guard;
let fragments: string;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway();
  schema = buildGraphQLSchema();
  executor = new Executor(schema, gateway.application.logger, false);
  guard = new Guard(schema, { introspection: true });
  fragments = await readFile(join(FOLDER, 'fragments.graphql'), 'utf8');
  memberId = await enrol(gateway, { profile: { displayName: '小寒', locale: 'zh-CN' }, tags: ['tea'] });
  await post('earnPoints', 'EarnPointsInput', { memberId, asset: 'points', amount: '5' });
  await post('redeemPoints', 'RedeemPointsInput', { memberId, asset: 'points', amount: '101' });
});
afterAll(() => gateway.close());

async function post(mutation: string, type: string, input: object): Promise<void> {
  const query = `mutation($input: ${type}!) { ${mutation}(input: $input) { userErrors { code } } }`;
  await gateway.ask(query, { input: { idempotencyKey: newRequestKey(), ...input } });
}

/** A document with just the fragments that it uses, since others would make it invalid. */
function withFragments(operation: string): string {
  const all = new Map(
    parse(fragments).definitions.flatMap((one) =>
      one.kind === 'FragmentDefinition' && one.loc
        ? [[one.name.value, fragments.slice(one.loc.start, one.loc.end)] as const]
        : [],
    ),
  );
  const used = new Set<string>();
  const collect = (text: string): void => {
    for (const [, name = ''] of text.matchAll(/\.\.\.(\w+)/g)) {
      const fragment = all.get(name);
      if (fragment === undefined || used.has(name)) continue;
      used.add(name);
      collect(fragment);
    }
  };
  collect(operation);
  return [operation, ...[...used].map((name) => all.get(name))].join('\n');
}

function contextOf(role: 'STAFF' | 'MEMBER' = 'STAFF'): GatewayContext {
  const request = operatorContext(gateway.tenantKey, 'test');
  const { database, services } = gateway.application;
  const caller = {
    ...request.caller,
    role,
    memberKey: role === 'STAFF' ? null : fromPublicId('member', memberId),
  };
  return createContext({ ...request, caller, language: 'zh-CN' }, services, database);
}

/** What the executor answers, with compiled code, and what graphql-js answers to the same. */
async function bothWays(query: string, variables: Record<string, unknown>): Promise<[Json, Json]> {
  const admitted = guard.admit({ query, variables }, contextOf().request.caller);
  const compiled = await executor.run(admitted, contextOf());
  const context = contextOf();
  const interpreted = executor.mask(
    await interpret({
      schema,
      document: admitted.document,
      variableValues: variables,
      contextValue: context,
    }),
    admitted,
    context,
  );
  // As they are on the wire; a request's own id is named in faults of ours.
  return [compiled, interpreted].map((answer) =>
    JSON.parse(JSON.stringify(answer).replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'request')),
  ) as [Json, Json];
}

/**
 * Variables for each operation of the folder; keys are sent twice, so the second answer is the first again.
 */
const variablesOf: Record<string, () => Record<string, unknown>> = {
  'adjust-points': () => ({
    input: { idempotencyKey: 'adjust', memberId, asset: 'token', amount: '-3', reason: 'count' },
  }),
  'create-member': () => ({
    input: {
      idempotencyKey: 'create',
      identities: [{ kind: 'EXTERNAL', value: 'compiled' }],
      attributes: { a: [1, { b: null }] },
      profile: { displayName: '大寒' },
    },
  }),
  'earn-points': () => ({
    input: {
      idempotencyKey: 'earn',
      memberId,
      asset: 'points',
      amount: '12',
      reason: 'x',
      reference: { type: 'a', id: 'b' },
      expiresAt: '2999-01-01T00:00:00+08:00',
    },
  }),
  'ledger-history': () => ({ id: memberId, asset: 'points', first: 2, at: '2026-01-01T00:00:00Z' }),
  'member-by-identity': () => ({ identity: { kind: 'EXTERNAL', value: 'demo-member' } }),
  'member-card': () => ({ id: memberId, soon: 'P400D' }),
  node: () => ({ id: memberId }),
  program: () => ({}),
  'record-activity': () => ({
    input: {
      idempotencyKey: 'record',
      memberId,
      type: 'purchase',
      amount: { value: '238.00', currency: 'CNY' },
      order: { number: '1', lines: [{ sku: 'a', quantity: 1, amount: { value: '238', currency: 'CNY' } }] },
    },
  }),
  'redeem-points': () => ({ input: { idempotencyKey: 'redeem', memberId, asset: 'points', amount: '1' } }),
  'update-member': () => ({
    input: { idempotencyKey: 'update', memberId, tags: ['a', 'b'], profile: { gender: null } },
  }),
};

describe('compiled and interpreted, the answer is the same to', () => {
  it('every operation of the folder', async () => {
    const names = (await readdir(FOLDER)).map((file) => file.replace('.graphql', ''));
    // A subscription is never compiled: graphql-js follows it.
    const known = [...Object.keys(variablesOf), 'fragments', 'point-events'];
    expect(names.sort()).toEqual(known.sort());
    for (const [name, variables] of Object.entries(variablesOf)) {
      const query = withFragments(await readFile(join(FOLDER, `${name}.graphql`), 'utf8'));
      expect(isCompiledQuery(compileQuery(schema, parse(query)))).toBe(true);
      const [compiled, interpreted] = await bothWays(query, variables());
      expect(compiled).toEqual(interpreted);
      expect(compiled.errors).toBeUndefined();
      for (const value of Object.values(compiled.data)) expect(value).not.toBeNull();
    }
  });

  it.each<[string, string, Record<string, unknown>]>([
    [
      'an interface',
      'query($id: ID!) { node(id: $id) { __typename id ... on Node { id } ... on Member { tags { name } } ...L } } fragment L on Ledger { version }',
      {},
    ],
    [
      'aliases of one field',
      'query($id: ID!) { a: member(id: $id) { ledger(asset: "points") { version } } b: member(id: $id) { c: ledger(asset: "token") { version } d: ledger(asset: "none") { id } } }',
      {},
    ],
    [
      'fields that are merged',
      'query($id: ID!) { member(id: $id) { ledgers { asset { code } } ...M } } fragment M on Member { ledgers { asset { name } balance { held } } }',
      {},
    ],
    [
      '@include and @skip',
      'query($id: ID!, $yes: Boolean!, $no: Boolean = false) { member(id: $id) { id @include(if: $yes) status @skip(if: $yes) ... @include(if: $no) { locale } displayName @include(if: $no) } }',
      { yes: true },
    ],
    [
      'a literal input',
      'mutation($id: ID!) { earnPoints(input: { idempotencyKey: "literal", memberId: $id, asset: "points", amount: "7", availableAt: "2999-01-01T00:00:00+08:00", reference: { type: "a", id: "b" } }) { operation { entries { amount status availableAt } } userErrors { code } } }',
      {},
    ],
    [
      'a literal moment',
      'query($id: ID!) { member(id: $id) { ledger(asset: "points") { balance(at: "2026-01-01T00:00:00Z") { available } expiring(within: "P1Y") { amount } } } }',
      {},
    ],
    [
      'variables in an input',
      'mutation($id: ID!, $amount: Points!, $type: String = "a") { earnPoints(input: { idempotencyKey: "mixed", memberId: $id, asset: "points", amount: $amount, reference: { type: $type, id: "1" } }) { operation { reference { type id } entries { amount } } userErrors { code } } }',
      { amount: '9' },
    ],
    [
      'defaults of every scalar',
      'mutation($id: ID!, $amount: Points! = "8", $at: DateTime = "2999-01-01T00:00:00Z") { earnPoints(input: { idempotencyKey: "defaults", memberId: $id, asset: "points", amount: $amount, availableAt: $at }) { operation { entries { amount availableAt } } userErrors { code } } }',
      {},
    ],
    [
      'a default moment',
      'query($id: ID!, $at: DateTime = "2026-01-01T00:00:00+08:00", $soon: Duration = "P1Y") { member(id: $id) { ledger(asset: "points") { balance(at: $at) { available } expiring(within: $soon) { amount } } } }',
      {},
    ],
    ['what is missing', '{ member(id: "mem_1") { id } node(id: "x") { id } }', {}],
    [
      'an error in a nullable field',
      'query($id: ID!) { member(id: $id) { id ledger(asset: "points") { balance(at: "2999-01-01T00:00:00Z") { held } } } }',
      {},
    ],
    [
      'an error in one of two',
      'query($id: ID!) { a: member(id: $id) { ledger(asset: "points") { entries(first: 1, after: "x") { edges { cursor } } } } b: member(id: $id) { id } }',
      {},
    ],
    [
      'a required variable with a default',
      'query($id: ID!, $first: Int! = 1) { member(id: $id) { ledger(asset: "points") { entries(first: $first) { edges { node { version } } } } } }',
      {},
    ],
    [
      'a refused mutation',
      'mutation($id: ID!) { redeemPoints(input: { idempotencyKey: "no", memberId: $id, asset: "points", amount: "999999" }) { operation { id } ledger { id } userErrors { code field message } } }',
      {},
    ],
    [
      'two mutations in a row',
      'mutation($id: ID!) { a: earnPoints(input: { idempotencyKey: "row-1", memberId: $id, asset: "token", amount: "1" }) { ledger { version } } b: redeemPoints(input: { idempotencyKey: "row-2", memberId: $id, asset: "token", amount: "1" }) { ledger { version } } }',
      {},
    ],
    [
      'the schema',
      '{ __schema { types { name kind fields { name args { name defaultValue } } } directives { name } } __type(name: "Member") { interfaces { name } } }',
      {},
    ],
  ])('%s', async (_, query, variables) => {
    const [compiled, interpreted] = await bothWays(
      query,
      query.includes('$id') ? { id: memberId, ...variables } : variables,
    );
    expect(compiled).toEqual(interpreted);
    expect(compiled.data).not.toBeUndefined();
  });
});

it('where a whole list is lost, compiled code tells more of the reasons', async () => {
  const query =
    'query($id: ID!) { member(id: $id) { ledgers { version entries(first: 1, after: "x") { edges { cursor } } } } }';
  const [compiled, interpreted] = await bothWays(query, { id: memberId });
  expect(compiled.data).toEqual({ member: null });
  expect(interpreted.data).toEqual(compiled.data);
  expect(compiled.errors).toEqual(expect.arrayContaining(interpreted.errors));
});

it('members read themselves the same, compiled and interpreted', async () => {
  const query =
    '{ member(id: "ID") { id ledger(asset: "points") { entries(first: 5) { edges { node { operation { entries { id } } } } } } } }'.replace(
      'ID',
      memberId,
    );
  const context = contextOf('MEMBER');
  const admitted = guard.admit({ query }, context.request.caller);
  const interpreted = await interpret({
    schema,
    document: admitted.document,
    contextValue: contextOf('MEMBER'),
  });
  const compiled = await executor.run(admitted, context);
  expect(JSON.parse(JSON.stringify(compiled))).toEqual(JSON.parse(JSON.stringify(interpreted)));
});
