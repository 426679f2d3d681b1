import { answers, definePlugin, memberRead } from '../../src/extension/index.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { follow } from '../support/following.ts';
import { type Answer, type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol } from '../support/members.ts';
import { type OwnTenant, tenantWith } from '../support/own-tenant.ts';
import { statementsOf } from '../support/read-statements.ts';
import { act, register } from '../support/registered.ts';
import { TEA_PROGRAM } from '../support/tea-program.ts';

// Profiles that another system keeps: shown where somebody selects them, and never written.

const NOW = '2026-11-20T04:00:00Z';
const STRANGER = 'mem_01jdb4g8vse3aaaaaaaaaaaaaa';
const asked: { plugin: string; tenant: string; ids: string[]; input: Json; key: string }[] = [];

/** What a plugin says: something of each member, or all that it answers. */
let answering: Record<string, (ids: string[], tenant: string) => Json> = {};
const called =
  (name: string) =>
  (ids: string[]): Json => ({
    profiles: ids.map((memberId) => ({ memberId, profile: { displayName: name } })),
  });

function plugin(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    ...{ id, version: 3, priority, onFailure, deadlineMs: 10_000, description: 'Answers what a test says.' },
    answers: [
      answers(memberRead, (input, { tenant: code, idempotencyKey: key }): Json => {
        const ids = input.members.map(({ member }) => member.id);
        asked.push({ plugin: id, tenant: code, ids, input, key });
        return answering[id]?.(ids, code) ?? { profiles: [] };
      }),
    ],
  });
}

let gateway: TestGateway;
let tenant: OwnTenant;
let memberId: string;
beforeAll(async () => {
  gateway = await startTestGateway({
    plugins: [plugin('open', 10, 'FAIL_OPEN'), plugin('closed', 20, 'FAIL_CLOSED')],
  });
});
afterAll(() => gateway.close());
beforeEach(async () => {
  answering = {};
  // Each with a tenant of its own, so that nobody's failures are counted together.
  tenant = await tenantWith(gateway, TEA_PROGRAM, NOW);
  // What `gateway.sql` sees, and so whether anything was written.
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  memberId = await enrol(tenant);
  asked.length = 0;
});

const PROFILE = `profile { displayName gender birthday locale region email address avatarUrl attributes
  origin asOf }`;

const read = (id = memberId, { ask }: Pick<OwnTenant, 'ask'> = tenant): Promise<Answer<Json>> =>
  ask(`query($id: ID!) { member(id: $id) { id displayName updatedAt ${PROFILE} } }`, { id });
async function profileOf(id = memberId, by?: Pick<OwnTenant, 'ask'>): Promise<Json> {
  const { data, errors } = await read(id, by);
  expect(errors).toEqual([]);
  return data.member.profile;
}

it('is what another system says over what is kept, with from where and as of when; nothing is written', async () => {
  const profile = { gender: 'FEMALE', region: 'CN-11', birthday: '1995-05-20' };
  await act(tenant, 'updateMember', { memberId, profile, attributes: { a: 1, b: 1 } }, 'member { id }');
  const supplied = {
    ...{ displayName: '林小满', region: null, email: 'lin@example.com', attributes: { b: 2 } },
    avatarUrl: 'https://img.example.com/c-2041.jpg',
  };
  answering = { open: (ids) => ({ profiles: [{ memberId: ids[0], profile: supplied }] }) };
  const { data } = await expectNothingWritten(gateway, () => read());
  expect(data.member.profile).toEqual({
    ...{ ...supplied, gender: 'FEMALE', birthday: '1995-05-20', locale: null, address: null },
    ...{ attributes: { a: 1, b: 2 }, origin: 'OUTSIDE', asOf: expect.stringMatching(/^2026-11-20T04:0/) },
  });
  // What rules and filters see is what is kept.
  expect(data.member.displayName).not.toBe('林小满');
  expect(asked).toMatchObject([
    {
      ids: [memberId],
      input: {
        members: [
          { member: { region: 'CN-11', tier: { code: 'bronze' } }, identities: [{ kind: 'EXTERNAL' }] },
        ],
      },
    },
  ]);
});

it('is what is kept where nobody says anything; only who selects it asks', async () => {
  const { data } = await tenant.ask('query($id: ID!) { member(id: $id) { displayName attributes } }', {
    id: memberId,
  });
  expect(asked).toEqual([]);
  const { displayName, origin } = await profileOf();
  expect([displayName, origin]).toEqual([data.member.displayName, 'OWN']);
  expect(asked.map(({ plugin: id }) => id)).toEqual(['open', 'closed']);
});

it('is asked once a request and for some seconds, but anew once the member was changed', async () => {
  answering = { open: called('Lin') };
  // What was said some seconds ago is forgotten on a machine that takes as long: then it is tried again.
  for (let round = 0; round < 5 && asked.length !== 1; round += 1) {
    memberId = await enrol(tenant);
    asked.length = 0;
    await profileOf();
    await profileOf();
  }
  expect(asked).toHaveLength(1);
  asked.length = 0;
  memberId = await enrol(tenant);
  const twice = `query($id: ID!) { a: member(id: $id) { ${PROFILE} } b: member(id: $id) { ${PROFILE} } }`;
  const { data } = await tenant.ask(twice, { id: memberId });
  expect([data.a.profile.displayName, data.b]).toEqual(['Lin', data.a]);
  expect(asked).toHaveLength(1);
  await act(tenant, 'updateMember', { memberId, attributes: { a: 1 } }, 'member { id }');
  expect(await profileOf()).toMatchObject({ displayName: 'Lin', attributes: { a: 1 } });
  expect(asked).toHaveLength(2);
});

it('costs nothing where nobody answers', async () => {
  for (const id of ['open', 'closed'])
    await register(tenant, { point: 'member.read', runtime: 'IN_PROCESS', plugin: { id } });
  const without = 'query($id: ID!) { member(id: $id) { displayName } }';
  const few = await statementsOf(() => tenant.ask(without, { id: memberId }));
  // Who is registered is remembered for a second, and then looked up anew.
  let many = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 20 && many > few; round += 1) many = await statementsOf(() => profileOf());
  expect(many).toBe(few);
  expect(asked).toEqual([]);
});

describe('of a list', () => {
  const LIST = `{ members(first: 100) { edges { node { id profile { displayName origin } } } } }`;
  const list = async (): Promise<Map<string, Json>> => {
    const { data, errors } = await tenant.ask(LIST);
    expect(errors).toEqual([]);
    return new Map(data.members.edges.map(({ node }: Json) => [node.id, node.profile]));
  };
  const enrolMany = async (count: number): Promise<void> => {
    for (let index = 0; index < count; index += 1) await enrol(tenant);
    asked.length = 0;
  };

  it('is asked about twenty at once, each batch by a key of its own, and each gets their own', async () => {
    await enrolMany(21);
    answering = {
      open: (ids) => ({ profiles: ids.map((id) => ({ memberId: id, profile: { region: id } })) }),
    };
    const { data } = await tenant.ask('{ members(first: 100) { edges { node { id profile { region } } } } }');
    for (const { node } of data.members.edges) expect(node.profile.region).toBe(node.id);
    expect(asked.map(({ ids }) => ids.length).sort()).toEqual([2, 20]);
    expect(new Set(asked.map(({ key }) => key)).size).toBe(2);
  });

  it('takes of each member the first who names them', async () => {
    await enrolMany(2);
    answering = { open: (ids) => called('open')(ids.slice(0, 1)), closed: called('closed') };
    expect([...(await list()).values()].map(({ displayName }) => displayName).sort()).toEqual([
      ...['closed', 'closed', 'open'],
    ]);
  });

  it('is asked one by one while a filter or a canary chooses', async () => {
    await enrolMany(11);
    await act(tenant, 'changeTags', { memberId, add: ['vip'] }, 'member { id }');
    const registered = {
      ...{ point: 'member.read', runtime: 'IN_PROCESS', plugin: { id: 'open' }, deadlineMs: 10_000 },
      ...{ filter: "'vip' in member.tags && activity.type == 'member_read'", stage: 'LIVE' },
    };
    const { id: extensionId } = await register(tenant, registered);
    answering = { open: called('from outside') };
    const outside = async (): Promise<string[]> =>
      [...(await list())].flatMap(([id, { origin }]) => (origin === 'OUTSIDE' ? [id] : []));
    expect(await outside()).toEqual([memberId]);
    await act(tenant, 'setExtensionStage', { extensionId, stage: 'RETIRED' });
    await register(tenant, { ...registered, filter: null, stage: 'CANARY', canaryPercent: 50 });
    await enrolMany(24);
    const drawn = (await outside()).length;
    expect(drawn).toBeGreaterThan(0);
    expect(drawn).toBeLessThan(36);
    expect(Math.max(...asked.map(({ ids }) => ids.length))).toBe(1);
  });
});

describe('an answer', () => {
  const ofMember =
    (profile: Json) =>
    (ids: string[]): Json => ({ profiles: [{ memberId: ids[0], profile }] });

  it.each<[string, (ids: string[]) => Json]>([
    ['about somebody else', () => called('x')([STRANGER])],
    ['about somebody twice', (ids) => called('x')([...ids, ...ids])],
    ['with a birthday that is ahead', ofMember({ birthday: '2030-01-01' })],
    ['with a name that is too long', ofMember({ displayName: 'x'.repeat(201) })],
    ['with too many attributes', ofMember({ attributes: { a: 'x'.repeat(9_000) } })],
    ['with a picture that is a script', ofMember({ avatarUrl: 'javascript:alert(1)' })],
    ['with something else', ofMember({ balance: '7' })],
    ['that is no object', () => 'nothing'],
  ])('%s is none: what is kept is shown, and marked; the next one asks again', async (_what, answer) => {
    answering = { open: answer };
    const { displayName, updatedAt } = (await read()).data.member;
    expect(await profileOf()).toMatchObject({ displayName, origin: 'FALLBACK', asOf: updatedAt });
    expect(asked.filter(({ plugin: id }) => id === 'open')).toHaveLength(2);
  });

  it('that doesn’t come leaves the rest of the member, where it fails closed', async () => {
    answering = {
      closed: () => {
        throw new Error('The CRM is away.');
      },
    };
    const { data, errors } = await read();
    expect(data.member).toMatchObject({ id: memberId, profile: null });
    expect(errors).toMatchObject([
      { path: ['member', 'profile'], extensions: { code: 'EXTENSION_UNAVAILABLE' } },
    ]);
  });

  it('of the registration stands for one that doesn’t come', async () => {
    await register(tenant, {
      ...{ point: 'member.read', runtime: 'IN_PROCESS', plugin: { id: 'open' }, stage: 'LIVE' },
      ...{ onFailure: 'DEFAULT', defaultOutput: { profiles: [] } },
    });
    answering = { open: () => 'nothing' };
    expect((await profileOf()).origin).toBe('FALLBACK');
  });
});

it('stays with its member and its tenant', async () => {
  answering = { open: (ids, code) => called(`${code} ${ids[0]}`)(ids) };
  const other = await tenantWith(gateway, TEA_PROGRAM, NOW);
  const theirs = await enrol(other);
  for (let round = 0; round < 2; round += 1) {
    expect((await profileOf()).displayName).toBe(`${tenant.code} ${memberId}`);
    expect((await profileOf(theirs, other)).displayName).toBe(`${other.code} ${theirs}`);
  }
  expect((await read(theirs)).data).toEqual({ member: null });
  const mine = await enrol(gateway);
  const headers = await gateway.asMember(mine);
  const asMember = { ask: (query: string, variables = {}) => gateway.ask(query, variables, headers) };
  expect((await profileOf(mine, asMember as OwnTenant)).displayName).toMatch(mine);
  expect((await read(gateway.demo.memberId, asMember as OwnTenant)).data).toEqual({ member: null });
});

it('is what is kept in subscriptions, which ask nobody', async () => {
  answering = { open: called('Lin') };
  const query = `subscription { programPointEvents { ledger { member { profile { displayName origin } } } } }`;
  const following = follow(gateway, { query, variables: {} }, { 'x-api-key': tenant.key });
  try {
    const next = following.event();
    const earn = (): Promise<Json> =>
      act(
        tenant,
        'earnPoints',
        { memberId, asset: 'points', amount: '1', reason: 'a test' },
        'operation { id }',
      );
    // Whether the subscription stands isn't told: something happens until it is heard.
    let isHeard = false;
    const hear = (): void => {
      isHeard = true;
    };
    next.then(hear, hear);
    while (!isHeard) await earn();
    expect((await next).ledger.member.profile.origin).toBe('OWN');
    expect(asked).toEqual([]);
  } finally {
    await following.stop();
  }
});
