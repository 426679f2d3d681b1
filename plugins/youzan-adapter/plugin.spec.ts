import {
  type BenefitRuleInput,
  benefitRule,
  type CallContext,
  memberCreate,
  pointsExpire,
  pointsHold,
  pointsRedeem,
  pointsRelease,
  pointsReverse,
  pointsRule,
} from '../../src/extension/index.ts';
import { readSource } from '../../test/architecture/sources.ts';
import { type AskedPlugin, askPlugin } from '../../test/support/plugins.ts';
import { faultsOf, METHODS, succeeded } from '../../test/support/youzan.ts';
import { plugin } from './plugin.ts';
import { METHODS as ASKED, configuration as schema } from './settings.ts';

const paths = Object.fromEntries(ASKED.map((method) => [method, `/${method}`]));
const logFields = { reference: 'no', amount: 'points', occurredAt: 'at' };
const SETTINGS = { baseUrl: 'https://scrm.example.com/ext/', kdtId: 42_001, paths, logFields };
const MEMBER = { ...benefitRule.example.input.member, attributes: {} };
const NAMED = { youzanAccount: { accountId: '13800138000', accountType: 'Mobile' } };

let asked: { url: string; request: unknown; headers: Readonly<Record<string, string>> }[];
let answer: unknown;
beforeEach(() => {
  asked = [];
  answer = succeeded({ success: true, postageFreeFlag: true, data: true, isSuccess: true });
});

const post: CallContext['post'] = async (url, { body, headers = {} }) => {
  const method = url.replace('https://scrm.example.com/ext/', '');
  const request: unknown = JSON.parse(body);
  expect(faultsOf(METHODS[method] ?? '', request)).toEqual([]);
  asked.push({ url, request, headers });
  return answer;
};

const enrol = (
  input: AskedPlugin<Record<string, unknown>>['input'] = {},
  configuration: object = {},
  mode: CallContext['mode'] = 'LIVE',
) => askPlugin(plugin, memberCreate, { input, configuration: { ...SETTINGS, ...configuration }, mode, post });
const decide = (input: Partial<BenefitRuleInput> = {}, configuration: object = {}) =>
  askPlugin(plugin, benefitRule, {
    input: {
      benefit: { code: 'free-shipping', kind: 'FREE_SHIPPING', value: null },
      member: { ...MEMBER, attributes: NAMED },
      ...input,
    },
    configuration: { ...SETTINGS, ...configuration },
    mode: 'TEST',
    post,
  });
const earn = (amounts: readonly string[], mode: CallContext['mode'] = 'LIVE', attributes: object = NAMED) =>
  askPlugin(plugin, pointsRule, {
    input: {
      member: { ...MEMBER, attributes: { ...attributes } },
      proposed: amounts.map((amount) => ({ rule: 'spend', asset: 'points', amount })),
    },
    ...{ configuration: SETTINGS, mode, post },
  });

describe('member.create', () => {
  it('asks for the customer, then for the member, and keeps what names them', async () => {
    const output = await enrol({}, { stores: { 'shanghai-01': 42_002 } });
    expect(output).toEqual({ decision: 'APPROVE', attributes: NAMED });
    const customerIdentifyDTO = {
      ...{ accountId: '13800138000', accountType: 'Mobile', kdtId: 42_001, mobile: '13800138000' },
      nodeKdtId: 42_002,
    };
    const profile = {
      ...{ registerMobile: '13800138000', name: '林小满', gender: 0, birthday: '1995-05-20' },
      ascriptionKdtId: 42_002,
    };
    expect(asked.map(({ url, request }) => [url.split('/').at(-1), request])).toEqual([
      ['CreateCustomerExtPoint.execute', { customerIdentifyDTO, customerProfileCreateDTO: profile }],
      [
        'CreateMemberExtPoint.execute',
        {
          customerIdentifyDTO,
          memberProfileCreateDTO: { ...profile, countryCode: '+86', memberSourceKdtId: 42_002 },
        },
      ],
    ]);
  });

  it.each<[kinds: string[], configuration: object, accountType: string]>([
    [['PHONE', 'WECHAT_UNIONID', 'WECHAT_OPENID'], {}, 'WxOpenId'],
    [['PHONE', 'WECHAT_OPENID'], { accounts: ['Mobile', 'WxOpenId'] }, 'Mobile'],
    [['WECHAT_UNIONID'], {}, 'WxUnionId'],
    [['PHONE', 'EXTERNAL'], {}, 'Mobile'],
    [['PHONE', 'EXTERNAL'], { externalIsYzOpenId: true }, 'YouZanAccount'],
  ])('of %j and %j names them by %s', async (kinds, configuration, accountType) => {
    const identities = kinds.map((kind) => ({
      kind,
      value: kind === 'PHONE' ? '+85251234567' : `a-${kind}`,
    }));
    const { attributes } = await enrol({ identities }, configuration);
    expect(attributes).toMatchObject({ youzanAccount: { accountType } });
  });

  it('fails where nothing names them there', async () => {
    await expect(enrol({ identities: [{ kind: 'EMAIL', value: 'a@example.com' }] })).rejects.toThrow(
      'WxOpenId',
    );
    expect(asked).toEqual([]);
  });

  it('refuses whom the endpoint refuses, with its message', async () => {
    answer = { success: false, code: '40001', message: '该手机号已被列入黑名单', data: null };
    expect(await enrol()).toEqual({ decision: 'REFUSE', reason: '该手机号已被列入黑名单' });
    expect(asked).toHaveLength(1);
    answer = { success: true, code: '200', message: null, data: { success: false } };
    expect(await enrol()).toEqual({ decision: 'REFUSE' });
  });

  it('fails where the endpoint says that it failed, or says something else', async () => {
    answer = { success: false, code: '50000', message: 'busy' };
    await expect(enrol({}, { failureCodes: ['50000'] })).rejects.toThrow('50000');
    for (const [wrong, at] of [
      ['ok', '"."'],
      [{ success: 'true' }, 'success'],
      [{ success: true, data: null }, 'data'],
      [{ success: true, data: { success: 1 } }, 'data.success'],
    ]) {
      answer = wrong;
      await expect(enrol()).rejects.toThrow(String(at));
    }
  });

  it.each(['DRY_RUN', 'SHADOW', 'TEST'] as const)(
    'tells an endpoint that acts nothing of a %s',
    async (mode) => {
      expect(await enrol({}, {}, mode)).toEqual({ decision: 'APPROVE', attributes: NAMED });
      expect(asked).toEqual([]);
    },
  );

  it('signs what it sends, and adds what is configured', async () => {
    const signing = { secret: 'not-so-secret-secret', header: 'x-scrm-signature' };
    await enrol({}, { headers: { authorization: 'Bearer tea' }, signing });
    expect(asked[0]?.headers).toEqual({
      authorization: 'Bearer tea',
      'x-scrm-signature': expect.stringMatching(/^[0-9a-f]{64}$/),
    });
  });
});

describe('benefit.rule', () => {
  it('gives free shipping where the endpoint says so', async () => {
    const effect = { kind: 'FREE_SHIPPING', value: '' };
    expect(await decide()).toEqual({ eligible: true, effect });
    expect(asked.map(({ request }) => request)).toEqual([{ kdtId: 42_001, ...NAMED.youzanAccount }]);
    expect(await decide({ grant: null })).toEqual({ eligible: true });
  });

  it('refuses where it says no, in the member’s language', async () => {
    answer = succeeded({ postageFreeFlag: false, levelAlias: 'gold', levelBenefitFlag: true });
    expect(await decide()).toEqual({ eligible: false, reason: '该会员不享受包邮。' });
    const member = { ...MEMBER, locale: 'en', attributes: NAMED };
    expect(await decide({ member })).toMatchObject({ reason: expect.stringContaining('price') });
  });

  it('leaves other benefits alone, unless they are named', async () => {
    const benefit = { code: 'card', kind: 'ACCESS', value: 'door' } as const;
    expect(await decide({ benefit })).toEqual({ eligible: true });
    expect(asked).toEqual([]);
    const effect = { kind: 'FREE_SHIPPING', value: '' };
    expect(await decide({ benefit }, { benefits: ['card'] })).toEqual({ eligible: true, effect });
  });

  it('fails for a member of whom nothing is kept', async () => {
    await expect(decide({ member: MEMBER })).rejects.toThrow('"youzanAccount"');
  });
});

describe('points.rule', () => {
  it('asks before points are given, and adds none of its own', async () => {
    expect(await earn(['200', '68'])).toEqual({ postings: [] });
    expect(asked.map(({ request }) => request)).toEqual([
      {
        extCustomerInfoDTO: NAMED.youzanAccount,
        ...{ amount: 268, description: 'purchase', eventType: 101, operationType: 101, bizValue: 'a-key' },
        ...{ extraInfo: { orderNumber: 'SO-20261111-0001' }, kdtId: 42_001, nodeId: 42_001 },
      },
    ]);
  });

  it('gives nothing where the endpoint doesn’t want it', async () => {
    answer = succeeded({ data: false });
    expect(await earn(['268'])).toEqual({ postings: [], replace: true });
    answer = { success: false, code: '1', message: 'no' };
    expect(await earn(['268'])).toEqual({ postings: [], replace: true });
  });

  it('asks nothing about nothing, nor of a dry run', async () => {
    expect([await earn([]), await earn(['268'], 'DRY_RUN')]).toEqual([{ postings: [] }, { postings: [] }]);
    expect(asked).toEqual([]);
  });

  it('fails where JSON’s numbers end, and for a member of whom nothing is kept', async () => {
    await expect(earn(['9007199254740993'])).rejects.toThrow('large');
    await expect(earn(['1'], 'LIVE', {})).rejects.toThrow('youzanAccount');
    expect(asked).toEqual([]);
  });
});

describe('acts in a ledger', () => {
  const ACTS = { redeem: pointsRedeem, hold: pointsHold, release: pointsRelease, reverse: pointsReverse };
  type Act = keyof typeof ACTS;
  const CAPTURED = { ...pointsRelease.example.input.hold };
  const { operation: SPENT } = pointsReverse.example.input;
  const EARNED = { ...SPENT, kind: 'EARN', amount: '20' };
  const without = (...methods: string[]) => ({
    paths: Object.fromEntries(ASKED.filter((one) => !methods.includes(one)).map((one) => [one, `/${one}`])),
  });
  const act = (
    what: Act,
    input: object = {},
    configuration: object = {},
    mode: CallContext['mode'] = 'LIVE',
  ) =>
    askPlugin<(typeof ACTS)[Act]['input'], (typeof ACTS)[Act]['output']>(plugin, ACTS[what], {
      input: { member: { ...MEMBER, attributes: NAMED }, ...input },
      ...{ configuration: { ...SETTINGS, ...configuration }, mode, post },
    });

  it.each<[what: Act, input: object, configuration: object, method: string, told: object]>([
    ['redeem', {}, {}, 'Consume', { amount: 120, bizValue: 'SO-20261111-0001' }],
    ['redeem', { reference: null }, {}, 'Consume', { amount: 120, bizValue: 'a-key' }],
    ['redeem', {}, { consumeTypes: { order: 102 } }, 'Consume', { consumeType: 102 }],
    [
      'redeem',
      {},
      without('ConsumePointsExtPoint.invoke'),
      'Decrease',
      { eventType: 101, operationType: 101 },
    ],
    ['redeem', { hold: CAPTURED, amount: null }, {}, 'Freeze', { amount: -80, bizValue: 'B-0042' }],
    [
      ...(['redeem', { hold: CAPTURED, reference: null }, without('FreezePointsExtPoint.invoke')] as const),
      ...(['Consume', { amount: 120, bizValue: 'a-key' }] as const),
    ],
    ['hold', {}, {}, 'Freeze', { amount: 120, bizValue: 'SO-20261111-0001' }],
    ['release', {}, {}, 'Unfreeze', { bizValue: 'B-0042', description: 'order cancelled' }],
    ['reverse', {}, {}, 'Revert', { bizValue: 'SO-20261111-0001', eventType: 101 }],
    ['reverse', { amount: '20' }, {}, 'Increase', { amount: 20, bizValue: 'a-key', operationType: 101 }],
    ['reverse', {}, without('RevertPointsExPoint.invoke'), 'Increase', { amount: 120 }],
    ['reverse', { operation: { ...SPENT, kind: 'CAPTURE' } }, {}, 'Increase', { amount: 120 }],
    ['reverse', { operation: { ...SPENT, reference: null } }, {}, 'Increase', { operationType: 301 }],
    ['reverse', { operation: EARNED }, {}, 'Decrease', { amount: 20, eventType: 101 }],
  ])('%s, case %#', async (what, input, configuration, method, told) => {
    const output = await act(what, input, configuration);
    expect(asked.map(({ url }) => url.split('/').at(-1)?.split('Points')[0])).toEqual([method]);
    expect(asked[0]?.request).toMatchObject({
      ...{ extCustomerInfoDTO: NAMED.youzanAccount, kdtId: 42_001, extraInfo: { requestId: 'a-key' } },
      ...told,
    });
    const number = { type: 'youzan', id: Object(asked[0]?.request).bizValue };
    expect(output).toEqual({ decision: 'APPROVE', reference: number });
  });

  it('are refused where the endpoint says no', async () => {
    answer = { success: false, code: '40002', message: '积分不足' };
    for (const what of Object.keys(ACTS) as Act[])
      expect(await act(what)).toEqual({ decision: 'REFUSE', reason: '积分不足' });
    answer = succeeded({ data: false, isSuccess: false });
    for (const what of Object.keys(ACTS) as Act[]) expect(await act(what)).toEqual({ decision: 'REFUSE' });
  });

  it('fail where the answer is another method’s', async () => {
    answer = succeeded({ data: true });
    await expect(act('hold')).rejects.toThrow('data.isSuccess');
    answer = succeeded({ isSuccess: true });
    await expect(act('redeem')).rejects.toThrow('data.data');
  });

  it.each<[why: string, what: Act, input: object, configuration: object, mode: CallContext['mode']]>([
    ['of another asset', 'redeem', { asset: 'token', amount: '9007199254740993' }, {}, 'LIVE'],
    ['of a dry run', 'hold', {}, {}, 'DRY_RUN'],
    ['without a path', 'release', {}, { paths: {} }, 'LIVE'],
    ['of what was adjusted', 'reverse', { operation: { ...SPENT, kind: 'ADJUST' } }, {}, 'LIVE'],
  ])('tell nothing %s', async (_why, what, input, configuration, mode) => {
    expect(await act(what, input, configuration, mode)).toEqual({ decision: 'APPROVE' });
    expect(asked).toEqual([]);
  });

  it('fail where the endpoint knows no number of a hold, and where JSON’s numbers end', async () => {
    const hold = { ...CAPTURED, reference: null };
    await expect(act('release', { hold })).rejects.toThrow('no number');
    await expect(act('redeem', { hold })).rejects.toThrow('no number');
    await expect(act('hold', { amount: '9007199254740993' })).rejects.toThrow('large');
    expect(asked).toEqual([]);
  });
});

describe('points.expire', () => {
  const { entry } = pointsExpire.example.input;
  const tell = (
    configuration: object = {},
    input: object = {},
    mode: CallContext['mode'] = 'LIVE',
    attributes: object = NAMED,
  ) =>
    askPlugin(plugin, pointsExpire, {
      input: { member: { ...MEMBER, attributes: { ...attributes } }, ...input },
      ...{ configuration: { ...SETTINGS, ...configuration }, mode, post },
    });

  it.each<[configuration: object, expiredAt: number]>([
    [{}, 1_798_732_800_000],
    [{ moments: 'SECONDS' }, 1_798_732_800],
  ])('tells what expired, by the entry’s id: %j', async (configuration, expiredAt) => {
    expect(await tell(configuration)).toEqual({ reference: { type: 'youzan', id: entry } });
    expect(asked.map(({ request }) => request)).toEqual([
      {
        ...{ extCustomerInfoDTO: NAMED.youzanAccount, kdtId: 42_001, nodeId: 42_001 },
        ...{ amount: 120, expiredAt, bizValue: entry },
      },
    ]);
  });

  it('takes a refusal for heard, and fails, to be told again, where nothing is known', async () => {
    for (const refused of [succeeded({ data: false }), { success: false, message: '查无此人' }]) {
      answer = refused;
      expect(await tell()).toEqual({});
    }
    answer = succeeded({});
    await expect(tell()).rejects.toThrow('data.data');
  });

  it.each<[why: string, ...Parameters<typeof tell>]>([
    ['without a path', { paths: {} }],
    ['of another asset', {}, { asset: 'token' }],
    ['in a TEST', {}, {}, 'TEST'],
    ['of a member of whom nothing is kept', {}, {}, 'LIVE', {}],
  ])('tells nothing %s', async (_why, ...told) => {
    expect(await tell(...told)).toEqual({});
    expect(asked).toEqual([]);
  });
});

it('does nothing without a configuration', async () => {
  expect(await askPlugin(plugin, memberCreate, { post })).toEqual(memberCreate.neutral);
  expect(await askPlugin(plugin, pointsRule, { post })).toEqual(pointsRule.neutral);
  expect(await askPlugin(plugin, benefitRule, { post })).toEqual(benefitRule.neutral);
  for (const point of [pointsRedeem, pointsHold, pointsRelease, pointsReverse])
    expect(await askPlugin(plugin, point as typeof pointsHold, { post })).toEqual(point.neutral);
  expect(asked).toEqual([]);
});

it.each<[what: string, configuration: object]>([
  ['paths without a base', { ...SETTINGS, baseUrl: null }],
  ['paths without a shop', { ...SETTINGS, kdtId: null }],
  ['a log of which nobody says how it reads', { ...SETTINGS, logFields: null }],
  ['a method that isn’t asked', { ...SETTINGS, paths: { 'SetLevelExtPoint.invoke': '/level' } }],
  ['a path that leads elsewhere', { ...SETTINGS, paths: { 'CreateMemberExtPoint.execute': '@evil' } }],
  ['a base of another scheme', { ...SETTINGS, baseUrl: 'file:///etc' }],
  ['a header of the connection', { ...SETTINGS, headers: { host: 'inside' } }],
  ['a header with a line break in its name', { ...SETTINGS, headers: { 'x-a\r\nb': '1' } }],
  ['a short secret', { ...SETTINGS, signing: { secret: 'short', header: 'x-signature' } }],
  ['a key that was spelt wrongly', { baseURL: 'https://scrm.example.com' }],
])('refuses %s', (_what, configuration) => {
  expect(plugin.configuration?.safeParse(configuration).success).toBe(false);
});

describe('its manual', () => {
  const manual = readSource('plugins/youzan-adapter/README.md');

  it('shows a configuration that is taken', () => {
    const shown = /```json\n([\s\S]+?)```/.exec(manual)?.[1] ?? '';
    expect(schema.parse(JSON.parse(shown))).toMatchObject({ kdtId: 42_001 });
  });

  it('names every key, and no other', () => {
    const [, behind = ''] = manual.split('| key |');
    const keys = (behind.split('\n\n')[0] ?? '').match(/^\| `\w+`/gm) ?? [];
    expect(keys.map((key) => key.replace(/\W/g, '')).sort()).toEqual(Object.keys(schema.shape).sort());
  });
});
