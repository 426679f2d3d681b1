import {
  answers,
  type CallContext,
  definePlugin,
  type MemberUpdateInput,
  memberUpdate,
} from '../../src/extension/index.ts';
import { expectNothingWritten } from '../support/contents.ts';
import { type Json, startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { type OwnTenant, ownTenant } from '../support/own-tenant.ts';

// What extensions make of a change of a member: refuse it, or add to it.

type Asked = { plugin: string; input: MemberUpdateInput; context: Omit<CallContext, 'signal'> };

/** What the plugins were asked, in order, and what they answer now. */
const asked: Asked[] = [];
const APPROVE = { decision: 'APPROVE' };
let answering: Record<string, () => Json> = {};

function plugin(id: string, priority: number, onFailure: 'FAIL_CLOSED' | 'FAIL_OPEN') {
  return definePlugin({
    ...{ id, version: 3, priority, onFailure, deadlineMs: 10_000, description: 'Answers what a test says.' },
    answers: [
      answers(memberUpdate, (input, { signal: _, ...context }): Json => {
        asked.push({ plugin: id, input, context });
        return answering[id]?.() ?? APPROVE;
      }),
    ],
  });
}

/** One answer, whatever is asked. */
function give(id: string, output: Json): void {
  answering = { ...answering, [id]: () => output };
}

let gateway: TestGateway;
let tenant: OwnTenant;
let memberId: string;
beforeAll(async () => {
  const plugins = [plugin('second', 20, 'FAIL_OPEN'), plugin('first', 10, 'FAIL_CLOSED')];
  gateway = await startTestGateway({ plugins });
  tenant = await ownTenant(gateway);
});
afterAll(() => gateway.close());
beforeEach(async () => {
  answering = {};
  // What `gateway.sql` sees, and so whether anything was written.
  await gateway.sql(`select set_config('app.tenant_id', $1, false)`, [tenant.tenantKey]);
  memberId = await enrol(tenant, {
    ...{ profile: { displayName: 'Lin', locale: 'zh-CN', region: 'CN-31' }, tags: ['own', 'vip'] },
    attributes: { crm: 7, both: 'own' },
  });
  asked.length = 0;
});

const MEMBER = 'member { id displayName locale region attributes status tags { code } identities { kind } }';
const act = (mutation: string, more: Json): Promise<Json> =>
  tenant.act(mutation, { idempotencyKey: newRequestKey(), memberId, ...more }, MEMBER);
const change = (more: Json) => act('updateMember', more);
const retag = (more: Json) => act('changeTags', more);
const tagsOf = ({ member }: Json): string[] => member.tags.map(({ code }: Json) => code);

/** What happened to the member, as their events tell. */
async function eventsOf(work: () => Promise<Json>): Promise<Json[]> {
  const text = `select type, detail from feed_event where tenant_id = $1 and stream = 'members' order by position`;
  const before = (await gateway.sql(text, [tenant.tenantKey])).length;
  await work();
  return (await gateway.sql(text, [tenant.tenantKey])).slice(before);
}

describe('a change of a member', () => {
  it('is told as it is asked for, with the member as they are', async () => {
    const identity = newIdentity();
    const idempotencyKey = newRequestKey();
    await change({
      ...{ idempotencyKey, profile: { region: 'CN-11', birthday: null }, addIdentities: [identity] },
      ...{
        consents: [{ purpose: 'MARKETING', granted: true }],
        attributes: { crm: 8 },
        tags: ['new', 'vip'],
      },
    });
    expect(asked.map(({ plugin: id }) => id)).toEqual(['first', 'second']);
    expect(asked[0]?.input).toMatchObject({
      member: { id: memberId, region: 'CN-31', tags: ['own', 'vip'], attributes: { crm: 7 } },
      change: {
        ...{ profile: { region: 'CN-11', birthday: null }, addIdentities: [{ kind: identity.kind }] },
        ...{ consents: [{ purpose: 'MARKETING', granted: true }], attributes: { crm: 8 } },
        ...{ tags: { add: ['new'], remove: ['own'] }, status: null },
      },
    });
    expect(asked[0]?.context).toMatchObject({ mode: 'LIVE', idempotencyKey, tenant: tenant.code });
  });

  it('is refused with the reason: nothing is written, and nobody later is asked', async () => {
    give('first', { decision: 'REFUSE', reason: 'not their region' });
    const idempotencyKey = newRequestKey();
    const profile = { region: 'CN-11' };
    const { member, userErrors } = await expectNothingWritten(gateway, () =>
      change({ idempotencyKey, profile }),
    );
    expect([member, userErrors]).toEqual([
      null,
      [{ code: 'EXTENSION_REFUSED', field: null, message: 'not their region' }],
    ]);
    expect(asked.map(({ plugin: id }) => id)).toEqual(['first']);
    // A refusal binds no key.
    answering = {};
    expect((await change({ idempotencyKey, profile })).member.region).toBe('CN-11');
  });

  it('is added to by several: what they add is written on top, the later wins', async () => {
    give('first', {
      ...{ ...APPROVE, profile: { displayName: '林小满', locale: 'en' }, attributes: { both: 1, first: 1 } },
      tags: { add: ['moved', 'gone'], remove: ['own'] },
    });
    give('second', {
      ...{ ...APPROVE, profile: { locale: 'fr' }, attributes: { both: 2 } },
      tags: { remove: ['gone'] },
    });
    const sent = { idempotencyKey: newRequestKey(), profile: { region: 'CN-11' } };
    const answer = await change(sent);
    expect(answer.member).toMatchObject({
      ...{ displayName: '林小满', locale: 'fr', region: 'CN-11' },
      attributes: { crm: 7, both: 2, first: 1 },
    });
    expect(tagsOf(answer)).toEqual(['vip', 'moved']);
    asked.length = 0;
    expect(await change(sent)).toEqual(answer);
    expect(asked).toEqual([]);
  });

  it('is added to as it is when it is written, whatever others did meanwhile', async () => {
    let changes = 1;
    answering = {
      first: async () => {
        if (changes-- > 0) await change({ attributes: { meanwhile: true } });
        return { ...APPROVE, attributes: { added: true } };
      },
    } as Record<string, () => Json>;
    const { member } = await change({ profile: { region: 'CN-11' } });
    expect(member.attributes).toEqual({ meanwhile: true, added: true });
  });

  it('is told of in the member’s events with what was added', async () => {
    give('first', { ...APPROVE, profile: { locale: 'en' }, tags: { add: ['vip'] } });
    expect(await eventsOf(() => change({ profile: { region: 'CN-11' } }))).toEqual([
      { type: 'UPDATED', detail: { changed: ['locale', 'region'] } },
    ]);
  });

  it('is only worked out in a dry run', async () => {
    give('first', { ...APPROVE, tags: { add: ['moved'] } });
    const answer = await expectNothingWritten(gateway, () =>
      change({ dryRun: true, profile: { region: 'CN-11' } }),
    );
    expect([tagsOf(answer), asked[0]?.context.mode]).toEqual([['own', 'vip', 'moved'], 'DRY_RUN']);
  });

  it.each<[string, Json, string]>([
    ['a stranger', { memberId: 'mem_01jdb4g8vse3aaaaaaaaaaaaaa' }, 'MEMBER_NOT_FOUND'],
    ['a bad birthday', { profile: { birthday: '2999-01-01' } }, 'BIRTHDAY_INVALID'],
    ['a bad identity', { addIdentities: [{ kind: 'EMAIL', value: 'x' }] }, 'IDENTITY_INVALID'],
  ])('that could not be is refused before anybody is asked: %s', async (_what, input, code) => {
    const { userErrors } = await expectNothingWritten(gateway, () => change(input));
    expect(userErrors).toMatchObject([{ code }]);
    expect(asked).toEqual([]);
  });

  it('may become too much together: the extension with which it becomes so could not be heard', async () => {
    give('first', { ...APPROVE, attributes: { first: 'x'.repeat(5_000) } });
    give('second', { ...APPROVE, attributes: { second: 'x'.repeat(5_000) } });
    const { userErrors } = await expectNothingWritten(gateway, () =>
      change({ profile: { region: 'CN-11' } }),
    );
    expect(userErrors).toMatchObject([
      { code: 'EXTENSION_UNAVAILABLE', message: expect.stringContaining('second') },
    ]);
  });
});

describe('a change of tags', () => {
  it('is asked about like any other, and may be refused', async () => {
    give('second', { decision: 'REFUSE', reason: 'not this tag' });
    const { userErrors } = await expectNothingWritten(gateway, () =>
      retag({ add: ['black'], remove: ['vip'] }),
    );
    expect(userErrors).toEqual([{ code: 'EXTENSION_REFUSED', field: null, message: 'not this tag' }]);
    expect(asked[0]?.input.change).toEqual({
      ...{ profile: {}, addIdentities: [], consents: [], attributes: null, status: null },
      tags: { add: ['black'], remove: ['vip'] },
    });
  });

  it('is written with what is added', async () => {
    give('first', {
      ...{ ...APPROVE, tags: { add: ['also'], remove: ['new'] } },
      ...{ profile: { locale: 'en' }, attributes: { both: 'added' } },
    });
    const told = await eventsOf(async () => {
      const answer = await retag({ add: ['new', 'newer'], remove: ['vip'] });
      expect(tagsOf(answer)).toEqual(['own', 'newer', 'also']);
      expect(answer.member).toMatchObject({ locale: 'en', attributes: { crm: 7, both: 'added' } });
      const { data } = await tenant.ask(`query($id: ID!) { member(id: $id) { locale tags { code } } }`, {
        id: memberId,
      });
      expect(data?.member).toEqual({ locale: 'en', tags: answer.member.tags });
      return answer;
    });
    expect(told.map(({ type }) => type).sort()).toEqual(['TAGS_CHANGED', 'UPDATED']);
  });
});

describe.each([
  ['of another decision', { decision: 'USE_EXISTING' }],
  ['with a birthday to come', { ...APPROVE, profile: { birthday: '2999-01-01' } }],
  ['with a tag that is no code', { ...APPROVE, tags: { add: ['Not A Code'] } }],
  ['with attributes that are too large', { ...APPROVE, attributes: { big: 'x'.repeat(9_000) } }],
  ['with a text that can’t be kept', { ...APPROVE, profile: { displayName: 'a\0b' } }],
  ['with something else', { ...APPROVE, status: 'BLOCKED' }],
])('an answer %s', (_what, output) => {
  it('is no answer: nothing is changed where it fails closed', async () => {
    give('first', output);
    const { userErrors } = await expectNothingWritten(gateway, () =>
      change({ profile: { region: 'CN-11' } }),
    );
    expect(userErrors).toMatchObject([{ code: 'EXTENSION_UNAVAILABLE', field: null }]);
  });

  it('is as if it weren’t there where it fails open', async () => {
    give('second', output);
    const { member } = await change({ profile: { region: 'CN-11' } });
    expect(member).toMatchObject({ displayName: 'Lin', region: 'CN-11', attributes: { crm: 7 } });
  });
});
