import { expectNothingWritten } from '../support/contents.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { enrol, newIdentity, newRequestKey } from '../support/members.ts';
import { execute } from '../support/typed-client.ts';
import {
  AdjustDocument,
  CreateMemberDocument,
  type CreateMemberInput,
  type CreateMemberMutation,
  EarnDocument,
  MemberByIdentityDocument,
  RecordDocument,
  RedeemDocument,
  UpdateMemberDocument,
  type UpdateMemberInput,
  type UpdateMemberMutation,
} from './generated/graphql.ts';

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await startTestGateway();
});
afterAll(() => gateway.close());

type Created = CreateMemberMutation['createMember'];
type Updated = UpdateMemberMutation['updateMember'];

async function create(input: Partial<CreateMemberInput>, headers?: Record<string, string>): Promise<Created> {
  const whole = { idempotencyKey: newRequestKey(), identities: [newIdentity()], ...input };
  return (await execute(gateway, CreateMemberDocument, { input: whole }, headers)).createMember;
}

async function update(memberId: string, input: Partial<UpdateMemberInput>): Promise<Updated> {
  const whole = { idempotencyKey: newRequestKey(), memberId, ...input };
  return (await execute(gateway, UpdateMemberDocument, { input: whole })).updateMember;
}

const refused = (code: string, field: string[] | null) => ({
  member: null,
  userErrors: [{ code, field, message: expect.any(String) }],
});

describe('a new member', () => {
  it('comes back with all that was sent, normalised, and with what enrolling gives', async () => {
    const { member, operations, userErrors } = await create({
      identities: [
        { kind: 'PHONE', value: '+86 138-0013-8000', verified: true },
        { kind: 'EMAIL', value: ' Xiaoman@Example.COM ' },
      ],
      profile: {
        displayName: ' 林小满 ',
        gender: 'FEMALE',
        birthday: '1992-03-08',
        locale: 'zh-CN',
        region: 'CN-31',
      },
      source: { channel: 'MINI_PROGRAM', store: 'SH-001' },
      consents: [
        { purpose: 'MARKETING', granted: true },
        { purpose: 'PROFILING', granted: false },
      ],
      attributes: { favourite: { tea: ['jasmine'] } },
      tags: ['vip', 'tea', 'vip'],
    });
    expect(userErrors).toEqual([]);
    expect(member).toMatchObject({
      id: expect.stringMatching(/^mem_/),
      displayName: '林小满',
      status: 'ACTIVE',
      gender: 'FEMALE',
      birthday: '1992-03-08',
      locale: 'zh-CN',
      region: 'CN-31',
      source: { channel: 'MINI_PROGRAM', store: 'SH-001' },
      consents: [
        { purpose: 'MARKETING', granted: true, at: member?.enrolledAt },
        { purpose: 'PROFILING', granted: false, at: member?.enrolledAt },
      ],
      // The note is the plugin's.
      attributes: { favourite: { tea: ['jasmine'] }, welcomeNote: '欢迎你，林小满！' },
      tags: [
        { code: 'tea', name: 'tea' },
        { code: 'vip', name: 'vip' },
      ],
      identities: [
        { kind: 'PHONE', value: '+8613800138000', verified: true },
        { kind: 'EMAIL', value: 'xiaoman@example.com', verified: false },
      ],
      updatedAt: member?.enrolledAt,
      tier: { code: 'bronze', name: '青铜', rank: 1 },
    });
    expect(
      member?.ledgers.map(({ asset, balance, version }) => [asset.code, balance.available, version]),
    ).toEqual([
      ['points', '100', '1'],
      ['growth', '0', '0'],
      ['token', '10', '1'],
    ]);
    expect(
      operations.map(({ kind, reason, explanation, entries }) => [
        kind,
        reason,
        explanation?.rule?.code,
        entries[0]?.amount,
      ]),
    ).toEqual([
      ['EARN', 'enrolment', 'enrolment-bonus', '100'],
      ['EARN', 'enrolment', 'enrolment-bonus', '10'],
    ]);
  });

  it('is found by any spelling of an identity, and nobody by others', async () => {
    const { member } = await create({ identities: [{ kind: 'PHONE', value: '+86 139 0013 9000' }] });
    const find = async (kind: 'PHONE' | 'EMAIL', value: string) =>
      (await execute(gateway, MemberByIdentityDocument, { identity: { kind, value } })).memberByIdentity?.id;
    expect(await find('PHONE', '+8613900139000')).toBe(member?.id);
    expect(await find('PHONE', '+86(139)0013-9000')).toBe(member?.id);
    expect(await find('PHONE', '+8613900139001')).toBeUndefined();
    expect(await find('PHONE', '13900139000')).toBeUndefined();
    expect(await find('EMAIL', '+8613900139000')).toBeUndefined();
  });

  it.each([
    [{ kind: 'PHONE', value: '+8613700137000' } as const, '***7000'],
    [{ kind: 'EMAIL', value: 'somebody@example.com' } as const, 's***@example.com'],
  ])('without a name is called by %o masked', async (identity, name) => {
    const { member } = await create({ identities: [identity] });
    expect(member).toMatchObject({ displayName: name, attributes: {} });
  });

  it.each<[string, Partial<CreateMemberInput>, string[], string]>([
    ['no identity', { identities: [] }, ['identities'], 'IDENTITY_REQUIRED'],
    [
      'too many identities',
      { identities: Array.from({ length: 17 }, (_, index) => ({ kind: 'CARD', value: `many-${index}` })) },
      ['identities'],
      'IDENTITY_REQUIRED',
    ],
    [
      'a phone without a country',
      { identities: [{ kind: 'PHONE', value: '13800138000' }] },
      ['identities', '0', 'value'],
      'IDENTITY_INVALID',
    ],
    [
      'an email without a host',
      { identities: [{ kind: 'EMAIL', value: 'a@b' }] },
      ['identities', '0', 'value'],
      'IDENTITY_INVALID',
    ],
    [
      'a card with a line break',
      { identities: [{ kind: 'CARD', value: 'a\r\nb' }] },
      ['identities', '0', 'value'],
      'IDENTITY_INVALID',
    ],
    [
      'one identity twice',
      {
        identities: [
          { kind: 'CARD', value: 'twice' },
          { kind: 'CARD', value: ' twice' },
        ],
      },
      ['identities', '1'],
      'IDENTITY_REPEATED',
    ],
    [
      'a name of 201 characters',
      { profile: { displayName: 'x'.repeat(201) } },
      ['profile', 'displayName'],
      'TEXT_TOO_LONG',
    ],
    [
      'a day that no calendar has',
      { profile: { birthday: '1992-02-30' } },
      ['profile', 'birthday'],
      'BIRTHDAY_INVALID',
    ],
    [
      'a birthday to come',
      { profile: { birthday: '2999-01-01' } },
      ['profile', 'birthday'],
      'BIRTHDAY_INVALID',
    ],
    [
      'a channel of 65 characters',
      { source: { channel: 'x'.repeat(65) } },
      ['source', 'channel'],
      'TEXT_TOO_LONG',
    ],
    [
      'a purpose of 65 characters',
      { consents: [{ purpose: 'x'.repeat(65), granted: true }] },
      ['consents', '0', 'purpose'],
      'TEXT_TOO_LONG',
    ],
    ['a tag that is no code', { tags: ['fine', 'Not Fine'] }, ['tags', '1'], 'TAG_INVALID'],
    [
      'attributes one byte above 8 kB',
      { attributes: { text: 'x'.repeat(8_192 - 10) } },
      ['attributes'],
      'ATTRIBUTES_INVALID',
    ],
    [
      'attributes five levels deep',
      { attributes: { a: { b: { c: [{}] } } } },
      ['attributes'],
      'ATTRIBUTES_INVALID',
    ],
    ['attributes that are a list', { attributes: [] }, ['attributes'], 'ATTRIBUTES_INVALID'],
    ['attributes that are a text', { attributes: 'tea' }, ['attributes'], 'ATTRIBUTES_INVALID'],
    ['an empty key', { idempotencyKey: '' }, ['idempotencyKey'], 'IDEMPOTENCY_KEY_INVALID'],
  ])('is refused with %s', async (_, input, field, code) => {
    const answer = await expectNothingWritten(gateway, () => create(input));
    expect(answer).toEqual({ ...refused(code, field), operations: [] });
  });

  it('may bring attributes of just 8 kB and four levels', async () => {
    const large = { text: 'x'.repeat(8_192 - 11) };
    const deep = { a: { b: { c: { d: 1 } } } };
    expect((await create({ attributes: large })).member?.attributes).toEqual(large);
    expect((await create({ attributes: deep })).member?.attributes).toEqual(deep);
  });

  it('can’t take another’s identity, and nothing of them is written', async () => {
    const taken = newIdentity();
    await create({ identities: [taken] });
    const alsoTaken = newIdentity();
    await create({ identities: [alsoTaken] });
    const answer = await expectNothingWritten(gateway, () =>
      create({ identities: [newIdentity(), taken, newIdentity(), alsoTaken] }),
    );
    expect(answer).toEqual({
      member: null,
      operations: [],
      userErrors: [
        { code: 'IDENTITY_TAKEN', field: ['identities', '1'], message: expect.any(String) },
        { code: 'IDENTITY_TAKEN', field: ['identities', '3'], message: expect.any(String) },
      ],
    });
  });

  it('is one of many that want the same identity at once', async () => {
    const identities = [newIdentity()];
    const answers = await Promise.all(Array.from({ length: 8 }, () => create({ identities })));
    expect(answers.filter(({ member }) => member !== null)).toHaveLength(1);
    const codes = answers.flatMap(({ userErrors }) => userErrors.map(({ code }) => code));
    expect(codes).toEqual(Array(7).fill('IDENTITY_TAKEN'));
  });
});

describe('the welcome-note plugin', () => {
  it.each([
    ['zh-CN', '看这里 https://spam.example', '姓名中不能包含链接。'],
    ['en', 'www.spam.example', 'A name can’t contain a link.'],
  ])('refuses a name with a link (%s)', async (locale, displayName, message) => {
    const answer = await expectNothingWritten(gateway, () => create({ profile: { displayName, locale } }));
    expect(answer).toEqual({
      member: null,
      operations: [],
      userErrors: [{ code: 'EXTENSION_REFUSED', field: null, message }],
    });
  });

  it.each([
    ['zh-CN', '欢迎你，小雨！'],
    ['en', 'Welcome, 小雨!'],
  ])('greets the others in the language of their profile (%s)', async (locale, welcomeNote) => {
    const { member } = await create({ profile: { displayName: '小雨', locale }, attributes: { own: 1 } });
    expect(member?.attributes).toEqual({ own: 1, welcomeNote });
  });
});

describe('an update', () => {
  it('changes what is sent, empties what is null, and leaves the rest', async () => {
    const { member: before } = await create({
      profile: {
        displayName: '小雪',
        gender: 'FEMALE',
        birthday: '1990-12-22',
        locale: 'zh-CN',
        region: 'CN-31',
      },
      consents: [
        { purpose: 'MARKETING', granted: true },
        { purpose: 'PROFILING', granted: true },
      ],
      attributes: { tea: 'oolong' },
      tags: ['old'],
    });
    const id = before?.id ?? '';
    await gateway.advanceClock('1 hour');
    const added = newIdentity();
    const { member: after, userErrors } = await update(id, {
      profile: { displayName: '大雪', region: null },
      consents: [{ purpose: 'MARKETING', granted: false }],
      addIdentities: [added],
      tags: ['new'],
    });
    expect(userErrors).toEqual([]);
    expect(after).toEqual({
      ...before,
      ledgers: undefined,
      tier: undefined,
      displayName: '大雪',
      region: null,
      consents: [
        { purpose: 'MARKETING', granted: false, at: after?.updatedAt },
        { purpose: 'PROFILING', granted: true, at: before?.enrolledAt },
      ],
      tags: [{ code: 'new', name: 'new' }],
      identities: [...(before?.identities ?? []), { ...added, verified: false }],
      updatedAt: expect.any(String),
    });
    expect(Date.parse(after?.updatedAt ?? '')).toBeGreaterThan(
      Date.parse(before?.enrolledAt ?? '') + 3_599_000,
    );
    const found = await execute(gateway, MemberByIdentityDocument, { identity: added });
    expect(found.memberByIdentity).toEqual(after);
  });

  it('replaces attributes as a whole', async () => {
    const id = await enrol(gateway, { attributes: { a: 1, b: 2 } });
    expect((await update(id, { attributes: { c: 3 } })).member?.attributes).toEqual({ c: 3 });
    expect((await update(id, {})).member?.attributes).toEqual({ c: 3 });
    expect((await update(id, { attributes: null })).member?.attributes).toEqual({});
  });

  it('keeps a blocked member from earning and spending until they are active again', async () => {
    const memberId = await enrol(gateway);
    expect((await update(memberId, { status: 'BLOCKED' })).member?.status).toBe('BLOCKED');
    const posting = () => ({ idempotencyKey: newRequestKey(), memberId, asset: 'points', amount: '5' });
    const acts = {
      earn: async () => (await execute(gateway, EarnDocument, { input: posting() })).earnPoints.userErrors,
      redeem: async () =>
        (await execute(gateway, RedeemDocument, { input: posting() })).redeemPoints.userErrors,
      adjust: async () =>
        (await execute(gateway, AdjustDocument, { input: { ...posting(), reason: 'test' } })).adjustPoints
          .userErrors,
      record: async () =>
        (
          await execute(gateway, RecordDocument, {
            input: { idempotencyKey: newRequestKey(), memberId, type: 'purchase' },
          })
        ).recordActivity.userErrors,
    };
    for (const act of Object.values(acts)) {
      expect(await expectNothingWritten(gateway, act)).toEqual([
        { code: 'MEMBER_NOT_ACTIVE', field: ['memberId'], message: expect.stringContaining('BLOCKED') },
      ]);
    }
    await update(memberId, { status: 'ACTIVE' });
    for (const act of Object.values(acts)) expect(await act()).toEqual([]);
  });

  it.each<[string, Partial<UpdateMemberInput>, string[], string]>([
    ['a status that comes of itself', { status: 'MERGED' }, ['status'], 'STATUS_NOT_BY_HAND'],
    [
      'a birthday to come',
      { profile: { birthday: '2999-01-01' } },
      ['profile', 'birthday'],
      'BIRTHDAY_INVALID',
    ],
    [
      'attributes too deep',
      { attributes: { a: { b: { c: { d: {} } } } } },
      ['attributes'],
      'ATTRIBUTES_INVALID',
    ],
    [
      'an invalid identity',
      { addIdentities: [{ kind: 'PHONE', value: '1' }] },
      ['addIdentities', '0', 'value'],
      'IDENTITY_INVALID',
    ],
    [
      'an identity of somebody else',
      { addIdentities: [{ kind: 'EXTERNAL', value: 'demo-member' }] },
      ['addIdentities', '0'],
      'IDENTITY_TAKEN',
    ],
    [
      'a member who isn’t there',
      { memberId: 'mem_01jdb4g8vse3aaaaaaaaaaaaaa' },
      ['memberId'],
      'MEMBER_NOT_FOUND',
    ],
    ['an id that is none', { memberId: 'nobody' }, ['memberId'], 'MEMBER_NOT_FOUND'],
  ])('is refused with %s', async (_, input, field, code) => {
    const id = await enrol(gateway);
    const answer = await expectNothingWritten(gateway, () => update(id, input));
    expect(answer).toEqual(refused(code, field));
  });
});
