import {
  answers,
  type CallContext,
  definePlugin,
  type MemberCreateInput,
  memberCreate,
  type PointsRuleInput,
  pointsRule,
} from '../../src/extension/index.ts';
import { auditLedgers } from '../support/audit.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { applyProgram, type OwnTenant, ownTenant } from '../support/own-tenant.ts';

// What extensions make of an enrolment: refuse it, name whom it really is, or add to it.

/** What the plugins were asked, in order, and what they answer now. */
const asked: { plugin: string; input: MemberCreateInput; context: Omit<CallContext, 'signal'> }[] = [];
const told: PointsRuleInput[] = [];
let answering: Record<string, () => Json> = {};

function plugin(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    ...{ id, version: 3, priority, onFailure, deadlineMs: 10_000, description: 'Answers what a test says.' },
    answers: [
      answers(memberCreate, (input, { signal: _, ...context }): Json => {
        asked.push({ plugin: id, input, context });
        return answering[id]?.() ?? { decision: 'APPROVE' };
      }),
      answers(pointsRule, (input) => {
        if (id === 'second') told.push(input);
        return { postings: [] };
      }),
    ],
  });
}

function give(id: string, output: Json): void {
  answering = { ...answering, [id]: () => output };
}

let gateway: TestGateway;
let tenant: OwnTenant;
beforeAll(async () => {
  const plugins = [plugin('second', 20, 'FAIL_OPEN'), plugin('first', 10, 'FAIL_CLOSED')];
  gateway = await startTestGateway({ plugins });
});
afterAll(async () => {
  expect(await auditLedgers(gateway.database.adminUrl)).toEqual([]);
  await gateway.close();
});
beforeEach(async () => {
  answering = {};
  tenant = await ownTenant(gateway);
  // What `gateway.sql` sees, and so whether anything was written.
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  asked.length = 0;
  told.length = 0;
});

const MEMBER = `id displayName locale attributes tags { code } tier { code }
  points: ledger(asset: "points") { balance { available } }
  token: ledger(asset: "token") { balance { available } }`;
const OPERATIONS = `operations { id kind reason explanation { rule { code } extension { name version } outcome }
  entries { amount asset { code } } }`;

async function create(more: Record<string, unknown> = {}): Promise<Json> {
  const input = { idempotencyKey: newRequestKey(), identities: [newIdentity()], ...more };
  return await tenant.act('createMember', input, `member { ${MEMBER} } ${OPERATIONS}`);
}

async function signIn(more: Record<string, unknown> = {}): Promise<Json> {
  const own = { idempotencyKey: newRequestKey(), identity: newIdentity(), enrolIfUnknown: true };
  const input = { ...own, type: 'sign_in', ...more };
  return await tenant.act('recordActivity', input, `activity { id } member { ${MEMBER} } ${OPERATIONS}`);
}

async function countMembers(): Promise<number> {
  const [row] = await gateway.sql('select count(*)::int as count from member where tenant_id = $1', [
    tenant.tenantKey,
  ]);
  return row?.count;
}

const gave = ({ operations }: Json): string[] =>
  operations.map(({ explanation, entries: [entry] }: Json) => {
    const giver = explanation.rule?.code ?? explanation.extension?.name;
    return `${entry.asset.code} ${entry.amount} ${giver} ${explanation.outcome}`;
  });

describe('what extensions add', () => {
  it('is merged, the later wins, and what they post comes on top of what the rules give', async () => {
    give('first', {
      ...{ decision: 'APPROVE', tags: ['from-crm', 'vip'], attributes: { crm: 1, both: 'first' } },
      profile: { displayName: '林小满', locale: 'zh-CN' },
      postings: [{ asset: 'points', amount: '50', reason: 'welcome back' }],
    });
    give('second', {
      ...{ decision: 'APPROVE', tags: ['vip'], attributes: { both: 'second' }, profile: { locale: 'en' } },
      postings: [
        { asset: 'points', amount: '5', reason: 'a present' },
        { asset: 'token', amount: '1', reason: 'a present' },
      ],
    });
    const idempotencyKey = newRequestKey();
    const identities = [newIdentity()];
    const sent = { idempotencyKey, identities, tags: ['own'], attributes: { own: true, both: 'own' } };
    const answer = await create(sent);
    expect(answer.member).toMatchObject({
      ...{ displayName: '林小满', locale: 'en', attributes: { own: true, crm: 1, both: 'second' } },
      tags: [{ code: 'from-crm' }, { code: 'own' }, { code: 'vip' }],
      ...{ points: { balance: { available: '155' } }, token: { balance: { available: '11' } } },
    });
    expect(gave(answer)).toEqual([
      ...['points 100 enrolment-bonus APPLIED', 'token 10 enrolment-bonus APPLIED'],
      ...['points 50 first APPLIED', 'points 5 second APPLIED', 'token 1 second APPLIED'],
    ]);
    expect(answer.operations.map(({ reason }: Json) => reason)).toEqual([
      ...['enrolment', 'enrolment', 'welcome back', 'a present', 'a present'],
    ]);
    asked.length = 0;
    expect(await create(sent)).toEqual(answer);
    expect(asked).toEqual([]);
  });

  it('is given to who enrols by an activity, too', async () => {
    give('first', { decision: 'APPROVE', postings: [{ asset: 'points', amount: '50', reason: 'hello' }] });
    const answer = await signIn();
    expect(gave(answer)).toEqual([
      ...['points 100 enrolment-bonus APPLIED', 'token 10 enrolment-bonus APPLIED'],
      ...['points 50 first APPLIED', 'points 2 daily-sign-in APPLIED'],
    ]);
    expect(answer.member.points.balance.available).toBe('152');
  });

  it('is only worked out in a dry run', async () => {
    give('first', { decision: 'APPROVE', tier: 'gold' });
    const answer = await expectNothingWritten(gateway, () => create({ dryRun: true }));
    expect([answer.member.tier, asked[0]?.context.mode]).toEqual([{ code: 'gold' }, 'DRY_RUN']);
  });

  it('may together be too much: the extension with which it becomes so could not be heard', async () => {
    give('first', { decision: 'APPROVE', attributes: { first: 'x'.repeat(5_000) } });
    give('second', { decision: 'APPROVE', attributes: { second: 'x'.repeat(5_000) } });
    const answer = await expectNothingWritten(gateway, () => create());
    expect(answer.userErrors).toMatchObject([
      { code: 'EXTENSION_UNAVAILABLE', message: expect.stringContaining('second') },
    ]);
  });
});

describe('a tier that an extension gives', () => {
  const STANDING = `tier { code } tierStatus { until } tierHistory(first: 5) { edges { node {
    ladder cause reason until from { code } to { code } } } } grants(first: 5) { edges { node { source
    benefit { code } } } }`;

  async function standing(id: string): Promise<Json> {
    const { data } = await tenant.ask(`query($id: ID!) { member(id: $id) { ${STANDING} } }`, { id });
    return data?.member;
  }

  it('is theirs from the beginning, as one that was set by hand, with its benefits', async () => {
    give('first', { decision: 'APPROVE', tier: 'silver' });
    give('second', { decision: 'APPROVE', tier: 'gold' });
    const sent = { idempotencyKey: newRequestKey(), identities: [newIdentity()] };
    const answer = await create(sent);
    expect(answer.member.tier).toEqual({ code: 'gold' });
    expect(await create(sent)).toEqual(answer);
    const held = await standing(answer.member.id);
    expect(held.tier).toEqual({ code: 'gold' });
    expect(held.tierHistory.edges).toEqual([
      {
        node: {
          ...{ ladder: 'tea-friends', cause: 'BY_HAND', reason: 'extension second', until: null },
          ...{ from: { code: 'bronze' }, to: { code: 'gold' } },
        },
      },
    ]);
    expect(held.grants.edges.map(({ node }: Json) => `${node.source} ${node.benefit.code}`).sort()).toEqual([
      ...['TIER free-shipping', 'TIER gold-discount'],
    ]);
    // The review keeps it, though nothing has been reached.
    await gateway.application.jobs.tiers.review(tenant.tenantKey);
    expect((await standing(answer.member.id)).tier).toEqual({ code: 'gold' });
  });

  it('is left behind by what they reach in the same act, and kept by less', async () => {
    give('first', { decision: 'APPROVE', tier: 'silver' });
    const amount = (value: string) => ({ type: 'purchase', amount: { value, currency: 'CNY' } });
    expect((await signIn(amount('300.00'))).member.tier).toEqual({ code: 'silver' });
    const { member } = await signIn(amount('2500.00'));
    expect(member.tier).toEqual({ code: 'gold' });
    const { tierHistory } = await standing(member.id);
    expect(tierHistory.edges.map(({ node }: Json) => [node.cause, node.to.code])).toEqual([
      ['REACHED', 'gold'],
      ['BY_HAND', 'silver'],
    ]);
  });

  it('below what their tags reach is kept, too', async () => {
    await applyProgram(
      tenant,
      `name: { en: Tags }
timeZone: UTC
currency: EUR
assets: [{ code: points, kind: POINTS, name: { en: Points } }, { code: token, kind: TOKEN, name: { en: T } }]
tags: [{ code: vip, name: { en: VIP } }]
ladders:
  - code: main
    name: { en: Main }
    metric: tags:vip
    tiers:
      - { code: low, name: { en: Low }, threshold: "0" }
      - { code: high, name: { en: High }, threshold: "1" }
rules: []`,
    );
    give('first', { decision: 'APPROVE', tier: 'low', tags: ['vip'] });
    const { member } = await create();
    expect((await standing(member.id)).tierHistory.edges).toMatchObject([
      { node: { from: { code: 'high' }, to: { code: 'low' } } },
    ]);
    expect(member.tier).toEqual({ code: 'low' });
  });
});

describe('an existing member whom an extension names', () => {
  let existing: string;
  beforeEach(async () => {
    existing = await enrol(tenant);
    asked.length = 0;
  });

  it('is the answer: nothing is written, and a replay answers the same', async () => {
    give('first', { decision: 'APPROVE', tags: ['not-theirs'], tier: 'gold' });
    give('second', { decision: 'USE_EXISTING', memberId: existing });
    const sent = { idempotencyKey: newRequestKey(), identities: [newIdentity()] };
    const answer = await create(sent);
    expect(answer).toMatchObject({
      member: { id: existing, tags: [], tier: { code: 'bronze' }, points: { balance: { available: '100' } } },
      ...{ operations: [], userErrors: [] },
    });
    expect(await countMembers()).toBe(1);
    expect(await create(sent)).toEqual(answer);
    expect(asked.map(({ plugin: id }) => id)).toEqual(['first', 'second']);
    const { userErrors } = await create({ ...sent, tags: ['other'] });
    expect(userErrors).toMatchObject([{ code: 'IDEMPOTENCY_CONFLICT' }]);
  });

  it('writes nothing at all in a dry run', async () => {
    give('first', { decision: 'USE_EXISTING', memberId: existing });
    const answer = await expectNothingWritten(gateway, () => create({ dryRun: true }));
    expect(answer.member.id).toBe(existing);
  });

  it('is whose activity it is', async () => {
    give('first', { decision: 'USE_EXISTING', memberId: existing });
    const idempotencyKey = newRequestKey();
    const identity = newIdentity();
    const answer = await signIn({ idempotencyKey, identity });
    expect(answer.member).toMatchObject({ id: existing, points: { balance: { available: '102' } } });
    expect(gave(answer)).toEqual(['points 2 daily-sign-in APPLIED']);
    expect(told[0]?.member).toMatchObject({ id: existing, tier: { code: 'bronze', rank: 1 } });
    expect(await countMembers()).toBe(1);
    expect(await signIn({ idempotencyKey, identity })).toEqual(answer);
  });

  it('is whose activities they are, when many are recorded together with their own', async () => {
    give('first', { decision: 'USE_EXISTING', memberId: existing });
    const identity = newIdentity();
    const named = [{ identity, enrolIfUnknown: true }, { memberId: existing }, { identity: newIdentity() }];
    const inputs = [...named, { identity, enrolIfUnknown: true }].map((one) => ({
      ...{ idempotencyKey: newRequestKey(), type: 'purchase', amount: { value: '100.00', currency: 'CNY' } },
      ...one,
    }));
    const { activities } = gateway.application.services;
    const caller = { role: 'STAFF', memberKey: null, subject: 'test', expiresAt: null } as const;
    const ctx = { requestId: 'test', tenantKey: tenant.tenantKey, caller, language: 'en' } as const;
    const refusals = await activities.recordAll(ctx, inputs as never);
    expect(refusals.map((refusal) => refusal?.reasons[0]?.code ?? null)).toEqual([
      ...[null, null, 'MEMBER_NOT_FOUND', null],
    ]);
    const counts = await gateway.sql(
      'select count(*)::int as count from activity where tenant_id = $1 group by member_id',
      [tenant.tenantKey],
    );
    expect(counts).toEqual([{ count: 3 }]);
  });

  describe.each([
    ['malformed', async () => 'mem_x'],
    ['missing', async () => undefined],
    ['of another kind', async () => existing.replace('mem', 'act')],
    ['nobody’s', async () => existing.replace(/....$/, 'zzzz')],
    [
      'of a member of another tenant',
      async () => {
        const other = await ownTenant(gateway);
        return await enrol(other);
      },
    ],
    [
      'of a member who is blocked',
      async () => {
        const input = { idempotencyKey: newRequestKey(), memberId: existing, status: 'BLOCKED' };
        await tenant.act('updateMember', input, 'member { id }');
        return existing;
      },
    ],
  ])('by an id that is %s', (_what, idOf) => {
    it('is no answer: it follows the extension’s failure policy', async () => {
      const memberId = await idOf();
      give('first', { decision: 'USE_EXISTING', memberId });
      const answer = await expectNothingWritten(gateway, () => create());
      expect(answer.userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE' }]);
      answering = {};
      give('second', { decision: 'USE_EXISTING', memberId });
      const { member, userErrors } = await create();
      expect(userErrors).toEqual([]);
      expect(member.id).not.toBe(existing);
    });
  });
});

it('a refusal goes before everything, with its reason', async () => {
  const existing = await enrol(tenant);
  give('first', { decision: 'USE_EXISTING', memberId: existing });
  give('second', { decision: 'REFUSE', reason: 'not this one' });
  const answer = await expectNothingWritten(gateway, () => create());
  expect(answer).toMatchObject({ member: null, userErrors: [{ code: 'EXTENSION_REFUSED' }] });
  expect(answer.userErrors[0].message).toBe('not this one');
  expect(await expectNothingWritten(gateway, () => signIn())).toMatchObject({
    ...{ activity: null, userErrors: [{ code: 'EXTENSION_REFUSED', message: 'not this one' }] },
  });
});

describe.each([
  ['an unknown tier', { tier: 'platinum' }],
  ['an unknown asset', { postings: [{ asset: 'gold', amount: '1', reason: 'x' }] }],
  ['attributes that are too large', { attributes: { text: 'x'.repeat(9_000) } }],
  ['attributes that are too deep', { attributes: { a: { b: { c: { d: { e: 1 } } } } } }],
  ['attributes that can’t be kept', { attributes: { text: 'a\0b' } }],
  ['a birthday to come', { profile: { birthday: '2999-01-01' } }],
  ['a birthday long ago', { profile: { birthday: '1812-01-01' } }],
  ['a name that can’t be kept', { profile: { displayName: 'half \ud83d' } }],
])('an answer with %s', (_what, output) => {
  it('is no answer, whatever the caller sent', async () => {
    give('first', { decision: 'APPROVE', ...output });
    const answer = await expectNothingWritten(gateway, () => create());
    expect(answer.userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE', field: null }]);
    answering = {};
    give('second', { decision: 'APPROVE', ...output });
    expect((await create()).userErrors).toEqual([]);
  });
});

it('a caller’s own mistake stays the caller’s', async () => {
  give('first', { decision: 'APPROVE', profile: { locale: 'en' } });
  const { userErrors } = await create({ profile: { birthday: '2999-01-01' } });
  expect(userErrors).toMatchObject([{ code: 'BIRTHDAY_INVALID', field: ['profile', 'birthday'] }]);
});
