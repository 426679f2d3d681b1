import { MAX_POINTS, MIN_POINTS } from '../../kernel/points.ts';
import {
  checkAmount,
  checkCondition,
  compileAmount,
  compileCondition,
  type ExpressionFacts,
  type Rounding,
  restoreFacts,
  scopeOf,
  storeFacts,
} from './index.ts';

const facts: ExpressionFacts = {
  member: {
    id: 'm1',
    enrolledAt: new Date('2024-01-01T00:00:00Z'),
    daysEnrolled: 486n,
    birthday: '1990-05-01',
    age: 35n,
    isBirthday: true,
    isBirthMonth: true,
    gender: 'FEMALE',
    tags: ['vip', 'tea-lover'],
    channel: 'app',
    store: 's1',
    region: 'SH',
    locale: 'zh-CN',
    attributes: {
      colour: 'red',
      visits: 3,
      ratio: 0.5,
      huge: 1e300,
      digits: '42',
      isStaff: true,
      yes: 'true',
      nothing: null,
      scores: [1, 2, 3],
      mixed: [1, 'two'],
      pets: [{ kind: 'dog', age: 3 }, { kind: 'cat' }],
      address: { city: '上海', geo: { x: { y: { z: 1 } } } },
    },
  },
  activity: {
    type: 'purchase',
    occurredAt: new Date('2025-05-01T03:04:05.678Z'),
    localDate: '2025-05-01',
    localHour: 11n,
    localWeekday: 4n,
    channel: 'web',
    store: 's2',
    amount: 23_800n,
  },
  order: {
    number: 'A-1',
    total: 23_800n,
    quantity: 3n,
    lines: [
      { sku: 'green', category: 'tea', quantity: 2n, amount: 15_000n },
      { sku: 'mug', category: 'ware', quantity: 1n, amount: 8_800n },
    ],
  },
  tier: { code: 'gold', rank: 2n },
  now: new Date('2025-05-01T03:04:06Z'),
};
const scope = scopeOf(facts);

const holds = (source: string, of = scope) => compileCondition(source).evaluate(of);
const amountOf = (source: string, rounding: Rounding = 'DOWN', of = scope) =>
  compileAmount(source, rounding).evaluate(of);

/** The facts with other attributes. */
function withAttributes(attributes: Record<string, unknown>) {
  return scopeOf({ ...facts, member: { ...facts.member, attributes } });
}

describe('a condition', () => {
  it.each([
    'member.id == "m1"',
    'member.enrolledAt == timestamp("2024-01-01T08:00:00+08:00")',
    'member.daysEnrolled >= 365',
    'member.birthday.startsWith("1990")',
    'member.age == 35',
    'member.isBirthday',
    'member.isBirthMonth && !false',
    'member.gender == "FEMALE"',
    '"vip" in member.tags',
    'member.channel != activity.channel',
    'member.store == "s1" && member.region == "SH" && member.locale == "zh-CN"',
    'activity.type == "purchase"',
    'activity.occurredAt < now',
    'activity.localDate == "2025-05-01" && activity.localDate < "2025-06-01"',
    'activity.localHour >= 11 && activity.localHour < 14',
    'activity.localWeekday in [4, 6, 7]',
    'activity.channel == "web" && activity.store == "s2"',
    'activity.amount >= 10000',
    'order.number == "A-1" && order.total == 23800 && order.quantity == 3',
    'order.lines[0].sku == "green" && order.lines[1].category == "ware"',
    'order.lines.map(l, l.quantity) == [2, 1]',
    'tier.code == "gold" && tier.rank >= 2',
    '{"silver": 100, "gold": 50}[tier.code] <= 50',
    'tier.code in {"gold": true}',
    '{"a": 1, "b": 2}.exists(key, key == "b")',
    'now - member.enrolledAt > duration("1h30m")',
    'now - duration("1000ms") < now && now + duration("-1s") < now',
    'tier.rank > -9223372036854775808',
    '(tier.rank > 1 ? "high" : "low") == "high"',
    '// a remark with matches(\n tier.rank > 1',
    `activity.type != 'x("' && activity.type != """bind("""`,
  ])('%s', (source) => {
    expect(checkCondition(source)).toBeNull();
    expect(holds(source)).toEqual({ value: true });
  });

  it.each([
    'size(order.lines) == 2 && order.lines.size() == 2 && size("茶") == 1 && "茶叶".size() == 2',
    'size(member.tags) == 2 && size({"a": 1}) == 1',
    'int("7") == 7 && int(7) == 7 && int(1.9) == 1',
    'bool("true") && bool(member.attributes.yes)',
    'string(activity.amount) == "23800" && string(true) == "true"',
    'min(1, 2) == 1 && min(2, 1) == 1 && max(1, 2) == 2 && max(-1, -2) == -1',
    'sum([1, 2, 3]) == 6 && sum([]) == 0',
    '"tea-lover".contains("a-l") && "tea".startsWith("t") && "tea".endsWith("a")',
    '"TeA".lowerAscii() == "tea" && "TeA".upperAscii() == "TEA" && " tea ".trim() == "tea"',
    '"tea".substring(1) == "ea" && "tea".substring(0, 1) == "t"',
    'now.getFullYear() == 2025 && now.getMonth() == 4 && now.getDate() == 1 && now.getDayOfMonth() == 0',
    'now.getDayOfWeek() == 4 && now.getHours() == 3 && now.getMinutes() == 4 && now.getSeconds() == 6',
    'activity.occurredAt.getMilliseconds() == 678 && duration("2h").getMinutes() == 120',
    'order.lines.all(l, l.amount > 0) && order.lines.exists(l, l.category == "tea")',
    'order.lines.exists_one(l, l.category == "tea") && order.lines.filter(l, l.quantity > 1).size() == 1',
    'order.lines.map(l, l.quantity > 1, l.sku) == ["green"]',
    'order.lines.exists(l, member.tags.exists(t, t.startsWith(l.category)))',
  ])('may call %s', (source) => {
    expect(checkCondition(source)).toBeNull();
    expect(holds(source)).toEqual({ value: true });
  });

  it('reads what it names, and not what its items are called', () => {
    const { reads } = compileCondition(
      'order.lines.exists(l, l.sku == tier.code) && has(member.attributes.a)',
    );
    expect([...reads].sort()).toEqual(['member', 'order', 'tier']);
    expect([...compileCondition('now > activity.occurredAt').reads].sort()).toEqual(['activity', 'now']);
    expect(compileCondition('true').reads.size).toBe(0);
  });

  it('says the same of the same, however often it is asked', () => {
    const tea = compileCondition(
      'order.lines.exists(l, l.category == "tea") && member.attributes.visits == 3',
    );
    const none = scopeOf({ ...facts, order: { ...facts.order, lines: [] } });
    for (const asked of [scope, none, scope, scope, none])
      expect(tea.evaluate(asked)).toEqual({ value: asked === scope });
    expect(tea.evaluate(scopeOf(restoreFacts(storeFacts(facts))))).toEqual({ value: true });
  });

  it('does not see what becomes of the facts after they were prepared', () => {
    const tags = ['vip'];
    const attributes: Record<string, unknown> = { colour: 'red' };
    const before = scopeOf({ ...facts, member: { ...facts.member, tags, attributes } });
    tags.push('new');
    attributes.colour = 'blue';
    expect(holds('"new" in member.tags || member.attributes.colour == "blue"', before)).toEqual({
      value: false,
    });
  });
});

describe('an attribute', () => {
  it.each([
    ['member.attributes.colour == "red"', true],
    ['member.attributes["colour"] == "red"', true],
    ['"red" == member.attributes.colour', true],
    ['member.attributes.colour == 1', false],
    ['member.attributes.visits == 3', true],
    ['member.attributes.visits * 2 == 6', true],
    ['int(member.attributes.visits) >= 3', true],
    ['int(member.attributes.digits) == 42', true],
    ['string(member.attributes.visits) == "3"', true],
    ['member.attributes.ratio < 0.75', true],
    ['member.attributes.visits > 2.5', true],
    ['member.attributes.isStaff == true', true],
    ['member.attributes.isStaff && tier.rank == 2', true],
    ['member.attributes.nothing == null', true],
    ['member.attributes.colour == null', false],
    ['2 in member.attributes.scores', true],
    ['sum(member.attributes.scores) == 6', true],
    ['member.attributes.scores[2] == 3', true],
    ['member.attributes.scores == [1, 2, 3]', true],
    ['member.attributes.pets.exists(p, p.kind == "dog" && p.age > 2)', true],
    ['member.attributes.pets.filter(p, has(p.age)).size() == 1', true],
    ['member.attributes.address.city == "上海"', true],
    ['member.attributes.address == {"city": "x"}', false],
    ['has(member.attributes.colour)', true],
    ['has(member.attributes.color)', false],
    ['has(member.attributes.address.city)', true],
    ['has(member.attributes.address.street)', false],
    ['has(member.attributes.nothing)', true],
    ['has(member.attributes.address.geo.x.y.z)', true],
    ['"colour" in member.attributes && !("color" in member.attributes)', true],
    ['has(member.attributes.color) && member.attributes.color == "red"', false],
    ['member.attributes.color == "red" || tier.rank == 2', true],
  ])('%s: %s', (source, value) => {
    expect(checkCondition(source)).toBeNull();
    expect(holds(source)).toEqual({ value });
  });

  it.each([
    ['member.attributes.color == "red"', 'There is no value under "color".'],
    ['member.attributes["a\\u0000b"] == "red"', 'There is no value under "a b".'],
    ['member.attributes.colour.length == 1', 'There is no value under "length".'],
    ['has(member.attributes.a.b)', 'There is no value under "a".'],
    ['member.attributes.scores[3] == 1', 'The list has no item at this index.'],
    ['member.attributes.scores[-1] == 1', 'The list has no item at this index.'],
    ['int(member.attributes.colour) == 1', 'A value is no whole number of 64 bits.'],
    ['sum(member.attributes.mixed) == 1', 'A value is no whole number of 64 bits.'],
    ['sum(member.attributes.visits) == 1', 'There is no function sum(int).'],
    ['bool(member.attributes.colour)', 'A value is neither true nor false.'],
    ['member.attributes.colour > 3', 'There is no operation string > int.'],
    ['member.attributes.ratio * 2 == 1', 'There is no operation double * int.'],
    ['member.attributes.visits && true', "Logical operator requires bool operands, got 'int'."],
    ['member.attributes.scores.startsWith("a")', 'There is no function list.startsWith(string).'],
    ['"tea".substring(9) == ""', 'The text does not reach that far.'],
    [
      '{1: 2}[{"toString": 1}["toString"]] == 2 && {"a": 1}["toString"] == 1',
      'There is no value under "toString".',
    ],
    ['{"gold": 1}["silver"] == 1', 'There is no value under "silver".'],
  ])('%s fails: %s', (source, failure) => {
    expect(checkCondition(source)).toBeNull();
    expect(holds(source)).toEqual({ failure });
  });

  it('reaches nothing but the tenant’s JSON', () => {
    const hostile = withAttributes({
      ...JSON.parse('{"own": {"__proto__": {"isStaff": true}, "constructor": "mine"}}'),
      text: 'x',
      list: [1],
      call: () => 1,
      moment: new Date(0),
      undefined: undefined,
    });
    const names = ['constructor', '__proto__', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'then'];
    const places = ['member.attributes', 'member.attributes.text', 'member.attributes.list'];
    for (const name of names) {
      for (const place of places) {
        const failure = `There is no value under "${name}".`;
        expect(holds(`${place}.${name} == 1`, hostile)).toEqual({ failure });
        expect(holds(`has(${place}.${name})`, hostile)).toEqual({ value: false });
        expect(holds(`${place}["${name}"] == 1`, hostile)).toEqual({ failure });
      }
      expect(holds(`"${name}" in member.attributes`, hostile)).toEqual({ value: false });
      expect(checkCondition(`member.${name} == 1`)?.message).toBe(`There is no field "${name}".`);
    }
    expect(holds('member.attributes.own.constructor == "mine"', hostile)).toEqual({ value: true });
    expect(holds('has(member.attributes.own.isStaff)', hostile)).toEqual({ value: false });
    for (const name of ['call', 'undefined', 'moment.getTime'])
      expect(holds(`has(member.attributes.${name})`, hostile)).toEqual({ value: false });
  });

  it('is missing where it lies too deep', () => {
    const deep = withAttributes({ a: { b: { c: { d: { e: 1 }, list: [[1], 2] } } }, list: [[[[[1]]]]] });
    expect(holds('has(member.attributes.a.b.c.d.e)', deep)).toEqual({ value: true });
    const deeper = withAttributes({ a: { b: { c: { d: { e: {} } } } } });
    expect(holds('has(member.attributes.a.b.c.d.e)', deeper)).toEqual({ value: false });
    expect(holds('member.attributes.list[0][0][0] == [null]', deep)).toEqual({ value: true });
  });

  it('keeps whole numbers exact, and others as they are', () => {
    const numbers = withAttributes({ safe: 2 ** 53 - 1, zero: -0, large: 1e20, small: 1e-7 });
    expect(amountOf('member.attributes.safe + member.attributes.zero * 1', 'DOWN', numbers)).toEqual({
      value: 9_007_199_254_740_991n,
    });
    expect(amountOf('int(member.attributes.large)', 'DOWN', numbers)).toHaveProperty('failure');
    expect(holds('member.attributes.small < 1', numbers)).toEqual({ value: true });
  });
});

describe('an amount', () => {
  it.each<[string, bigint, bigint, bigint]>([
    ['10, 10, 10', 10n, 10n, 10n],
    ['14, 1, 10', 1n, 1n, 2n],
    ['15, 1, 10', 1n, 2n, 2n],
    ['16, 1, 10', 1n, 2n, 2n],
    ['25, 1, 10', 2n, 3n, 3n],
    ['1, 1, 1000', 0n, 0n, 1n],
    ['0, 1, 10', 0n, 0n, 0n],
    ['-14, 1, 10', -1n, -1n, -2n],
    ['-15, 1, 10', -1n, -2n, -2n],
    ['15, -1, 10', -1n, -2n, -2n],
    ['15, 1, -10', -1n, -2n, -2n],
    ['-15, 1, -10', 1n, 2n, 2n],
    ['-1, 1, 1000', 0n, 0n, -1n],
    ['1, 1, 2', 0n, 1n, 1n],
    ['1, 1, 3', 0n, 0n, 1n],
    ['2, 1, 3', 0n, 1n, 1n],
    ['7, 1, -7', -1n, -1n, -1n],
    [`${MAX_POINTS}, ${MAX_POINTS}, ${MAX_POINTS}`, MAX_POINTS, MAX_POINTS, MAX_POINTS],
    [`${MIN_POINTS}, ${MAX_POINTS}, ${MAX_POINTS}`, MIN_POINTS, MIN_POINTS, MIN_POINTS],
    [`${MAX_POINTS}, 1, 2`, MAX_POINTS / 2n, MAX_POINTS / 2n + 1n, MAX_POINTS / 2n + 1n],
  ])('mulDiv(%s): %s down, %s half up, %s up', (args, down, halfUp, up) => {
    const source = `mulDiv(${args})`;
    expect(checkAmount(source)).toBeNull();
    expect(amountOf(source, 'DOWN')).toEqual({ value: down });
    expect(amountOf(source, 'HALF_UP')).toEqual({ value: halfUp });
    expect(amountOf(source, 'UP')).toEqual({ value: up });
  });

  it.each([
    ['activity.amount', 23_800n],
    ['activity.amount / 100 * 2', 476n],
    ['-7 / 2', -3n],
    ['-7 % 2', -1n],
    ['mulDiv(sum(order.lines.filter(l, l.category == "tea").map(l, l.amount)), 10, 1000)', 150n],
    ['tier.rank >= 2 ? 200 : 100', 200n],
    ['has(member.attributes.bonus) ? int(member.attributes.bonus) : 5', 5n],
    ['min(member.attributes.visits, 2) + max(member.attributes.visits, 5)', 7n],
    ['mulDiv(member.attributes.visits, 10, 3)', 10n],
    ['9223372036854775807', MAX_POINTS],
    ['-9223372036854775808', MIN_POINTS],
    ['9223372036854775806 + 1', MAX_POINTS],
  ])('%s is %s', (source, value) => {
    expect(checkAmount(source)).toBeNull();
    expect(amountOf(source)).toEqual({ value });
  });

  const overflow = 'A result needs more than 64 bits.';
  it.each([
    ['9223372036854775807 + 1', overflow],
    ['-9223372036854775808 - 1', overflow],
    ['9223372036854775807 * activity.amount', overflow],
    ['mulDiv(9223372036854775807, 2, 1)', overflow],
    ['mulDiv(-9223372036854775808, 1, -1)', overflow],
    ['sum([9223372036854775807, 1, -1])', overflow],
    ['-(-9223372036854775808)', 'The result needs more than 64 bits.'],
    ['int(member.attributes.huge)', 'The result needs more than 64 bits.'],
    ['mulDiv(1, 1, 0)', 'It divides by zero.'],
    ['activity.amount / (tier.rank - 2)', 'It divides by zero.'],
    ['activity.amount % (tier.rank - 2)', 'It divides by zero.'],
    ['int(member.attributes.bonus)', 'There is no value under "bonus".'],
    ['int("9223372036854775808")', 'A value is no whole number of 64 bits.'],
    ['order.lines[7].amount', 'The list has no item at this index.'],
  ])('%s fails: %s', (source, failure) => {
    expect(checkAmount(source)).toBeNull();
    expect(amountOf(source)).toEqual({ failure });
  });

  it('needs the rounding of its rule, which a condition does not have', () => {
    expect(checkCondition('mulDiv(1, 2, 3) > 0')?.offset).toBe(0);
  });
});
