import {
  type CallContext,
  growthRead,
  memberRead,
  pointsChange,
  pointsHold,
  pointsRead,
  pointsRedeem,
  pointsRelease,
  pointsReverse,
  pointsRule,
} from '../../src/extension/index.ts';
import { askPlugin } from '../../test/support/plugins.ts';
import { faultsOf, METHODS, succeeded } from '../../test/support/youzan.ts';
import { plugin } from './plugin.ts';
import { METHODS as ASKED } from './settings.ts';

// What an enterprise keeps itself: the adapter changes it and reads it by its endpoints.

const without = (...methods: string[]) => ({
  paths: Object.fromEntries(ASKED.filter((one) => !methods.includes(one)).map((one) => [one, `/${one}`])),
});
const logFields = { reference: 'no', amount: 'points', occurredAt: 'at', reason: 'why' };
const SETTINGS = { baseUrl: 'https://scrm.example.com/ext', kdtId: 42_001, logFields, ...without() };
const MEMBER = { ...pointsChange.example.input.member, attributes: {} };
const NAMED = { youzanAccount: { accountId: '13800138000', accountType: 'Mobile' } };
const OPEN_ID = { youzanAccount: { accountId: 'yz-1', accountType: 'YouZanAccount' } };

let asked: { method: string; request: unknown }[];
/** What every method answers, or what a function makes of the request. */
let answer: unknown;
beforeEach(() => {
  asked = [];
  answer = succeeded({ data: true });
});

const post: CallContext['post'] = async (url, { body }) => {
  const method = url.replace('https://scrm.example.com/ext/', '');
  const request: unknown = JSON.parse(body);
  expect(faultsOf(METHODS[method] ?? '', request)).toEqual([]);
  asked.push({ method, request });
  return typeof answer === 'function' ? answer(request) : answer;
};

describe('points.change', () => {
  const { operation: SPENT } = pointsChange.example.input;
  const DONE = { decision: 'DONE', reference: { type: 'youzan', id: SPENT.id } };
  const GROWTH = { asset: 'growth', operation: { ...SPENT, kind: 'ADJUST' } };
  const as = (kind: string, amount: string, more: object = {}) => ({
    ...{ operation: { ...SPENT, kind, ...more }, amount },
  });
  const book = (input: object = {}, configuration: object = {}, mode: CallContext['mode'] = 'LIVE') =>
    askPlugin(plugin, pointsChange, {
      input: { member: { ...MEMBER, attributes: OPEN_ID }, ...input },
      configuration: { ...SETTINGS, records: { points: 'points', growth: 'growth' }, ...configuration },
      ...{ mode, post },
    });

  it.each<[input: object, configuration: object, method: string, told: object]>([
    [as('EARN', '20'), {}, 'Increase', { amount: 20, eventType: 101, operationType: 101 }],
    [as('ADJUST', '20', { reference: null }), {}, 'Increase', { amount: 20, operationType: 301 }],
    [{}, { consumeTypes: { order: 102 } }, 'Consume', { amount: 120, consumeType: 102 }],
    [{}, without('ConsumePointsExtPoint.invoke'), 'Decrease', { amount: 120 }],
    [as('ADJUST', '-7', { reference: null }), {}, 'Decrease', { amount: 7, eventType: 100 }],
    [
      ...([as('REVERSE', '-7', { reverses: 'op_1' }), {}, 'Decrease'] as const),
      { extraInfo: { requestId: SPENT.id, orderNumber: 'SO-20261111-0001', reverses: 'op_1' } },
    ],
  ])('books points under the operation’s id, case %#', async (input, configuration, method, told) => {
    expect(await book(input, configuration)).toEqual(DONE);
    expect(asked.map(({ method: one }) => one)).toEqual([`${method}PointsExtPoint.invoke`]);
    expect(asked[0]?.request).toMatchObject({
      ...{ extCustomerInfoDTO: { ...OPEN_ID.youzanAccount, yzOpenId: 'yz-1' }, bizValue: SPENT.id },
      ...{ kdtId: 42_001, nodeId: 42_001, description: 'a pot of tea', ...told },
    });
  });

  it.each([
    ['25', 'Increase'],
    ['-25', 'Decrease'],
  ])('books growth: %s', async (amount, method) => {
    answer = succeeded(true);
    expect(await book({ ...GROWTH, amount })).toEqual(DONE);
    expect(asked.map(({ method: one }) => one)).toEqual([`${method}GrowthExtPoint.invoke`]);
    expect(asked[0]?.request).toEqual({
      ...{ kdtId: 42_001, nodeKdtId: 42_001, yzOpenId: 'yz-1', amount: 25, bizValue: SPENT.id },
      ...{ description: 'a pot of tea', eventType: 101 },
    });
  });

  it('refuses where the endpoint does, with its message', async () => {
    answer = { success: false, code: '40002', message: '积分不足', data: null };
    expect(await book()).toEqual({ decision: 'REFUSE', reason: '积分不足' });
    answer = succeeded({ data: false });
    expect(await book()).toEqual({ decision: 'REFUSE' });
    answer = succeeded(false);
    expect(await book(GROWTH)).toEqual({ decision: 'REFUSE' });
  });

  it('fails, to be asked again, where nothing is known of what the endpoint did', async () => {
    for (const wrong of ['ok', succeeded({}), succeeded(true), { success: false, code: '50000' }]) {
      answer = wrong;
      await expect(book({}, { failureCodes: ['50000'] })).rejects.toThrow('ConsumePoints');
    }
    answer = succeeded({ data: true });
    await expect(book(GROWTH)).rejects.toThrow('"data"');
  });

  it.each<[why: string, input: object, configuration: object, at: string]>([
    ['an asset that isn’t kept there', { asset: 'token' }, {}, '"token"'],
    ['no path', {}, { paths: {} }, 'no path'],
    ['a member of whom nothing is kept', { member: MEMBER }, {}, 'youzanAccount'],
    [
      ...([
        'growth of who is named by a number',
        { ...GROWTH, member: { ...MEMBER, attributes: NAMED } },
      ] as const),
      ...([{}, 'YouZanAccount'] as const),
    ],
    ['more than JSON’s numbers hold', { amount: '9007199254740993' }, {}, 'large'],
  ])('fails and asks nothing of %s', async (_why, input, configuration, at) => {
    await expect(book(input, configuration)).rejects.toThrow(at);
    expect(asked).toEqual([]);
  });

  it.each(['SHADOW', 'TEST'] as const)('tells the endpoint nothing of a %s', async (mode) => {
    expect(await book({}, {}, mode)).toEqual({ decision: 'REFUSE', reason: `Not asked in ${mode}.` });
    expect(asked).toEqual([]);
  });

  it('is not doubled by gates', async () => {
    const told = { configuration: { ...SETTINGS, records: { points: 'points' } }, post };
    const input = { member: { ...MEMBER, attributes: NAMED } };
    const given = { ...input, proposed: [{ rule: 'spend', asset: 'points', amount: '5' }] };
    expect(await askPlugin(plugin, pointsRule, { ...told, input: given })).toEqual(pointsRule.neutral);
    for (const point of [pointsRedeem, pointsHold, pointsRelease, pointsReverse])
      expect(await askPlugin(plugin, point as typeof pointsHold, { ...told, input })).toEqual(point.neutral);
    expect(asked).toEqual([]);
  });
});

describe('points.read and growth.read', () => {
  const told = (configuration: object = {}, attributes: object = OPEN_ID) => ({
    input: { member: { ...MEMBER, attributes: { ...attributes } }, asset: 'miles' },
    configuration: { ...SETTINGS, records: { points: 'miles', growth: 'miles' }, ...configuration },
    ...{ mode: 'SHADOW' as const, post },
  });
  const both = async (configuration?: object, attributes?: object) => [
    await askPlugin(plugin, pointsRead, told(configuration, attributes)),
    await askPlugin(plugin, growthRead, told(configuration, attributes)),
  ];
  const UNKNOWN = [{ available: null }, { current: null }];
  const FOUND = { currentPoints: 1280, totalPoints: 9_000, nearlyExpiredPoints: 5, currentGrowth: 70 };

  it('tell what the endpoints say', async () => {
    answer = succeeded({ ...FOUND, totalGrowth: 90 });
    expect(await both()).toEqual([{ available: '1280' }, { current: '70', total: '90' }]);
    const shop = { kdtId: 42_001 };
    expect(asked).toEqual([
      {
        method: 'GetCustomerPointsExtPoint.invoke',
        request: {
          ...{ extCustomerInfoDTO: { ...OPEN_ID.youzanAccount, yzOpenId: 'yz-1' }, ...shop, nodeId: 42_001 },
        },
      },
      {
        method: 'GetCustomerGrowthExtPoint.invoke',
        request: { ...shop, yzOpenId: 'yz-1', nodeKdtId: 42_001 },
      },
    ]);
    answer = succeeded({ ...FOUND, currentPoints: -3 });
    expect(await both()).toEqual([{ available: '-3' }, { current: '70' }]);
  });

  it('know nobody whom the endpoints don’t know', async () => {
    answer = { success: false, code: '404', message: '查无此人' };
    expect(await both()).toEqual(UNKNOWN);
    expect(asked).toHaveLength(2);
  });

  it.each<[why: string, configuration: object, attributes: object]>([
    ['without paths', { paths: {} }, OPEN_ID],
    ['of what isn’t kept there', { records: {} }, OPEN_ID],
    ['of a member of whom nothing is kept', {}, {}],
  ])('ask nothing %s', async (_why, configuration, attributes) => {
    expect(await both(configuration, attributes)).toEqual(UNKNOWN);
    expect(asked).toEqual([]);
  });

  it('ask nothing of the growth of who is named by a number', async () => {
    expect(await askPlugin(plugin, growthRead, told({}, NAMED))).toEqual({ current: null });
    expect(asked).toEqual([]);
  });

  it('fail where the answer is another method’s, or a failure', async () => {
    for (const wrong of [{}, { ...FOUND, currentPoints: 1.5, currentGrowth: '70' }]) {
      answer = succeeded(wrong);
      await expect(askPlugin(plugin, pointsRead, told())).rejects.toThrow('data.currentPoints');
      await expect(askPlugin(plugin, growthRead, told())).rejects.toThrow('data.currentGrowth');
    }
    answer = { success: false, code: '50000' };
    await expect(askPlugin(plugin, pointsRead, told({ failureCodes: ['50000'] }))).rejects.toThrow('50000');
  });
});

describe('the log of points.read', () => {
  /** Newest first; half of them by seconds, half by milliseconds. */
  const LINES = Array.from({ length: 250 }, (_, index) => ({
    ...{ no: index % 2 === 0 ? `L-${index}` : 10_000 + index, points: index % 2 === 0 ? 5 : -5, why: 'tea' },
    at: (1_790_000_000 - index) * (index % 3 === 0 ? 1_000 : 1),
  }));
  const NUMBERS = LINES.map(({ no }) => String(no));
  const endpoint =
    (pageSize: number, lines: readonly object[] = LINES) =>
    ({ page = 0 }: { page?: number }) => {
      const logDTOList = lines.slice((page - 1) * pageSize, page * pageSize);
      return succeeded({ currentPoints: 7, logDTOList, total: lines.length });
    };
  const read = async (first: number, after: string | null, configuration: object = {}) =>
    (
      await askPlugin(plugin, pointsRead, {
        input: { member: { ...MEMBER, attributes: OPEN_ID }, asset: 'miles', log: { first, after } },
        configuration: { ...SETTINGS, records: { points: 'miles' }, ...configuration },
        post,
      })
    ).log;
  const numbers = async (...wanted: Parameters<typeof read>) =>
    (await read(...wanted))?.map(({ reference }) => reference);

  it('is told as its fields are configured', async () => {
    answer = endpoint(100);
    expect(await read(2, null)).toEqual([
      { reference: 'L-0', amount: '5', occurredAt: '2026-09-21T14:13:20.000Z', reason: 'tea' },
      { reference: '10001', amount: '-5', occurredAt: '2026-09-21T14:13:19.000Z', reason: 'tea' },
    ]);
    expect(asked.map(({ request }) => request)).toContainEqual({
      extCustomerInfoDTO: { ...OPEN_ID.youzanAccount, yzOpenId: 'yz-1' },
      ...{ page: 1, pageSize: 100, kdtId: 42_001, nodeId: 42_001 },
    });
  });

  it.each([100, 30])('goes on behind a line, whatever a page there holds: %i', async (pageSize) => {
    answer = endpoint(pageSize);
    expect(await numbers(100, null)).toEqual(NUMBERS.slice(0, 100));
    expect(await numbers(100, NUMBERS[99] ?? '')).toEqual(NUMBERS.slice(100, 200));
    expect(await numbers(100, NUMBERS[199] ?? '')).toEqual(NUMBERS.slice(200));
    expect(await numbers(100, NUMBERS[249] ?? '')).toEqual([]);
    expect(await numbers(100, 'gone')).toEqual([]);
  });

  it('ends where it is too long to look through', async () => {
    answer = endpoint(10);
    expect(await numbers(30, NUMBERS[179] ?? '')).toEqual(NUMBERS.slice(180, 200));
    await expect(read(30, NUMBERS[199] ?? '')).rejects.toThrow('newest');
    expect(asked.filter(({ method }) => method.includes('Log'))).toHaveLength(40);
  });

  it('is none where nobody keeps one', async () => {
    answer = endpoint(100);
    expect(await read(5, null, without('GetCustomerPointsLogExtPoint.invoke'))).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  it.each<[field: string, line: object]>([
    ['reference', { no: undefined }],
    ['amount', { points: '5' }],
    ['amount', { points: 1.5 }],
    ['occurredAt', { at: '2026-09-21 14:13' }],
    ['occurredAt', { at: 1e15 }],
    ['reason', { why: 5 }],
  ])('fails where a line has no good %s', async (field, line) => {
    answer = endpoint(100, [{ ...LINES[0], ...line }]);
    await expect(read(1, null)).rejects.toThrow(`"${field}"`);
  });
});

describe('member.read', () => {
  const TWO = ['yz-1', 'yz-2'].map((accountId, index) => ({
    member: {
      ...{ ...MEMBER, id: `mem_${index}` },
      attributes: { youzanAccount: { accountId, accountType: 'YouZanAccount' } },
    },
    identities: [{ kind: 'PHONE', value: '+8613800138000' }],
  }));
  const read = (configuration: object = {}, members: readonly object[] = TWO) =>
    askPlugin(plugin, memberRead, {
      input: { members: [...members] as typeof TWO },
      configuration: { ...SETTINGS, stores: { 'shanghai-01': 42_002 }, ...configuration },
      ...{ mode: 'TEST', post },
    });
  const TOLD = {
    ...{ name: '林小满', gender: 2, birthday: '1995-05-20', isMember: true, email: 'lin@example.com' },
    ...{ contactAddressDTO: { areaCode: '310101', address: '南京东路 1 号' }, attributeList: [] },
    ...{ latestNickName: 'Lin', latestAvatar: 'https://img.example.com/1.jpg' },
  };

  it('shows whom the endpoint knows', async () => {
    answer = ({ accountId }: { accountId?: string }) =>
      accountId === 'yz-1' ? succeeded(TOLD) : { success: false, message: '查无此人' };
    const profile = {
      ...{ displayName: '林小满', gender: 'FEMALE', birthday: '1995-05-20', email: 'lin@example.com' },
      ...{ address: '南京东路 1 号', avatarUrl: 'https://img.example.com/1.jpg' },
    };
    expect(await read()).toEqual({ profiles: [{ memberId: 'mem_0', profile }] });
    const shop = { kdtId: 42_001, nodeKdtId: 42_002, mobile: '13800138000' };
    expect(asked.map(({ request }) => request)).toEqual(
      ['yz-1', 'yz-2'].map((id) => ({
        ...{ accountId: id, accountType: 'YouZanAccount', yzOpenId: id, ...shop },
      })),
    );
  });

  it('leaves out what can’t be shown, so that what is kept is', async () => {
    answer = succeeded({
      name: '',
      gender: 0,
      birthday: '5/20',
      email: 'lin',
      latestAvatar: 'http://a.cn/1',
    });
    expect((await read()).profiles.map(({ profile }) => profile)).toEqual([{}, {}]);
    answer = succeeded({ name: null, latestNickName: 'L'.repeat(201), gender: 1, contactAddressDTO: null });
    const [one] = (await read()).profiles;
    expect(one?.profile).toEqual({ displayName: 'L'.repeat(200), gender: 'MALE' });
  });

  it('asks nothing without a path, nor of who isn’t named there', async () => {
    const [one] = TWO;
    expect(await read({ paths: {} })).toEqual({ profiles: [] });
    expect(await read({}, [{ ...one, member: MEMBER }])).toEqual({ profiles: [] });
    expect(asked).toEqual([]);
  });

  it('fails where the endpoint answers something else', async () => {
    answer = succeeded({ ...TOLD, gender: 'F' });
    await expect(read()).rejects.toThrow('data.gender');
  });
});
