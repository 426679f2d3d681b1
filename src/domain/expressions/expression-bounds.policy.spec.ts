import { checkAmount, checkCondition, compileAmount, compileCondition } from './index.ts';

const found = (source: string) => {
  const finding = checkCondition(source);
  return finding && [finding.offset, finding.message];
};

const TOO_LONG = 'This may take too long: it goes through too many items too often.';
const TOO_LARGE = 'The expression is too large, or too much of it lies inside each other.';

describe('a condition is refused, with the place of what is wrong,', () => {
  it.each<[string, number, string]>([
    ['', 0, 'The expression ends too early.'],
    ['true && ', 8, 'The expression ends too early.'],
    ['(true', 5, 'The expression ends too early.'],
    ['tier.rank = 2', 10, '"=" is not expected here.'],
    ['tier.rank == 2 3', 15, '"3" is not expected here.'],
    ['tier.rank > }', 12, '"}" is not expected here.'],
    ['true and false', 5, '"and" is not expected here.'],
    ['"茶" == "茶" 😀', 11, '"😀" is not expected here.'],
    ['"😀" == "茶" && x', 15, 'There is no variable "x".'],
    ['"abc', 0, 'Unterminated string.'],
    ['tier.code == "foo(', 13, 'Unterminated string.'],
    ['"""abc"" == ""', 0, 'Unterminated triple-quoted string.'],
    ['member.tgas == 1', 7, 'There is no field "tgas".'],
    ['order.lines[0].prize > 1', 15, 'There is no field "prize".'],
    ['order.lines.all(l, l.prize > 1)', 21, 'There is no field "prize".'],
    ['membr.tags', 0, 'There is no variable "membr".'],
    ['string == 1', 0, 'There is no variable "string".'],
    ['tier.rank > 1 && cel == 1', 17, 'There is no variable "cel".'],
    ['optional', 0, 'There is no variable "optional".'],
    ['order.lines.all(l, true) && l.amount > 1', 28, 'There is no variable "l".'],
    ['tier.rank == "gold"', 0, 'There is no operation int == string.'],
    ['true && tier.rank + true > 1', 8, 'There is no operation int + bool.'],
    [
      '[1, "a"].size() == 2',
      4,
      "List elements must have the same type, expected type 'int' but found 'string'.",
    ],
    ['min(1, "a") == 1', 0, 'There is no function min(int, string).'],
    ['tier.rank.size() == 1', 0, 'There is no function int.size().'],
    ['tier.rank ? true : false', 5, "Ternary condition must be bool, got 'int'."],
    [
      'order.lines.filter(l, l.amount).size() == 1',
      24,
      "Filter(var, predicate) predicate must return bool, got 'int'.",
    ],
    ['order.lines.all(1, true)', 16, 'All(var, predicate) invalid predicate iteration variable.'],
    ['order.lines.all(order, true)', 16, '"order" is a fact: give the items another name.'],
    [
      'tier.rank.all(x, true)',
      5,
      "Expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic).",
    ],
    ['tier', 0, 'A condition must be of type bool, and this is of type Tier.'],
    ['tier.rank', 0, 'A condition must be of type bool, and this is of type int.'],
    ['member.attributes.vip', 0, 'A condition must be of type bool, and this is of type dyn.'],
    ['tier.rank > 9223372036854775808', 12, 'This number needs more than 64 bits.'],
    ['tier.rank > -9223372036854775809', 13, 'This number needs more than 64 bits.'],
    ['tier.rank > 5u', 12, 'Neither bytes nor unsigned numbers are known here.'],
    ['b"a" == b"a"', 0, 'Neither bytes nor unsigned numbers are known here.'],
    [
      'order.lines[0].amount * 1.5 > 1',
      0,
      'A fraction can be compared, but not calculated with: write mulDiv.',
    ],
    [
      '[1.5].exists(x, x + x > 1.0)',
      16,
      'A fraction can be compared, but not calculated with: write mulDiv.',
    ],
    ['-1.5 * 2 > 1', 0, 'A fraction can be compared, but not calculated with: write mulDiv.'],
    [
      'member.attributes.a * member.attributes.b == 1',
      0,
      'Write int() around attributes that are calculated with.',
    ],
    ['"a" + "b" == "ab"', 0, 'Texts and lists cannot be calculated with, or joined.'],
    ['member.attributes.a + "b" == "ab"', 0, 'Texts and lists cannot be calculated with, or joined.'],
    ['member.tags + ["a"] == []', 0, 'Texts and lists cannot be calculated with, or joined.'],
    ['[member.tags, []].size() + [1] == 2', 0, 'Texts and lists cannot be calculated with, or joined.'],
    ['member["id"] == "m1"', 7, 'A field is asked for with a dot and its name.'],
    ['member[tier.code] == "m1"', 7, 'A field is asked for with a dot and its name.'],
    ['{"a": 1}[[1]] == 1', 9, 'An index is a number or a text.'],
    ['{tier.code: 1}["a"] == 1', 1, 'A key is written down as a text or a whole number.'],
    ['has(member.tgas)', 4, 'has() asks for what is in member.attributes.'],
    ['has(member.attributes)', 4, 'has() asks for what is in member.attributes.'],
    ['has(order.lines[0].sku)', 4, 'has() asks for what is in member.attributes.'],
    ['has(now)', 4, 'has() asks for what is in member.attributes.'],
    ['order.lines.all(l, has(l.sku))', 23, 'has() asks for what is in member.attributes.'],
    ['has(other.thing)', 4, 'There is no variable "other".'],
    [
      'now > timestamp("2025-01-01T00:00:00")',
      16,
      'A moment is written as timestamp("2026-01-31T00:00:00+08:00").',
    ],
    [
      'now > timestamp("2025-02-30T00:00:00Z")',
      16,
      'A moment is written as timestamp("2026-01-31T00:00:00+08:00").',
    ],
    ['now > timestamp(tier.code)', 16, 'A moment is written as timestamp("2026-01-31T00:00:00+08:00").'],
    ['now - now > duration("1 day")', 21, 'A duration is written as duration("36h"), of h, m, s and ms.'],
    ['now - now > duration(tier.code)', 21, 'A duration is written as duration("36h"), of h, m, s and ms.'],
    ['mulDiv(1, 2, 3) > 0', 0, 'mulDiv belongs to amounts, where the rule says how to round.'],
    ['(true) ? member.attributes.a : member.tags', 31, 'This is of another kind.'],
  ])('%s', (source, offset, message) => {
    expect(found(source)).toEqual([offset, message]);
    expect(() => compileCondition(source)).toThrow(`${message} (at ${offset})`);
  });
});

describe('a function is unknown', () => {
  it.each<[string, number, string]>([
    ['member.id.matches("(a+)+$")', 10, 'matches'],
    ['cel.bind(x, [1], x == x)', 4, 'bind'],
    ['(member.id) // matches\n . matches("a")', 26, 'matches'],
    ['matches("a")', 0, 'matches'],
    ['["a"].join(",") == "a"', 6, 'join'],
    ['"a,b".split(",") == []', 6, 'split'],
    ['"a".indexOf("a") == 0', 4, 'indexOf'],
    ['double(1) > 0.5', 0, 'double'],
    ['uint(1) == uint(1)', 0, 'uint'],
    ['bytes("a") == bytes("a")', 0, 'bytes'],
    ['dyn(1) == 1', 0, 'dyn'],
    ['type(1) == type(2)', 0, 'type'],
    ['optional.of(1).hasValue()', 9, 'of'],
    ['now.getDayOfYear() == 1', 4, 'getDayOfYear'],
    ['true && toString (1)', 8, 'toString'],
    ['constructor("a")', 0, 'constructor'],
    ['tier.code.min(1, 2) == 1', 10, 'min'],
    ['startsWith("a")', 0, 'startsWith'],
  ])('in %s', (source, offset, name) => {
    const message = `There is no function ${name} here.`;
    expect(found(source)).toEqual([offset, message]);
    expect(checkAmount(source)).toEqual({ offset, message });
  });

  it.each<[string, number, string]>([
    ['now.getHours("Asia/Shanghai") == 1', 4, 'There is no function getHours of 1 arguments here.'],
    ['(now) .getHours("UTC") == 1', 7, 'There is no function getHours of 1 arguments here.'],
    ['min(1) == 1', 0, 'There is no function min of 1 arguments here.'],
    ['has(member.attributes.a, 1)', 0, 'There is no function has of 2 arguments here.'],
    ['order.lines.exists(l)', 12, 'There is no function exists of 1 arguments here.'],
  ])('with so many arguments, in %s', (source, offset, message) => {
    expect(found(source)).toEqual([offset, message]);
  });
});

describe('an amount is refused', () => {
  it.each<[string, number, string]>([
    ['1.5', 0, 'An amount must be of type int, and this is of type double.'],
    ['true', 0, 'An amount must be of type int, and this is of type bool.'],
    ['"5"', 0, 'An amount must be of type int, and this is of type string.'],
    ['member.attributes.bonus', 0, 'An amount must be of type int, and this is of type dyn.'],
    [
      'tier.rank > 1 ? 5 : member.attributes.bonus',
      0,
      'An amount must be of type int, and this is of type dyn.',
    ],
    ['order.lines.map(l, l.amount)', 0, 'An amount must be of type int, and this is of type list<int>.'],
    ['order.lines[0].amount * 1.5', 0, 'A fraction can be compared, but not calculated with: write mulDiv.'],
    ['mulDiv(1, 2)', 0, 'There is no function mulDiv of 2 arguments here.'],
    ['mulDiv(1, 2, 0.5)', 0, 'There is no function mulDiv(int, int, double).'],
    ['now', 0, 'An amount must be of type int, and this is of type Timestamp.'],
  ])('for %s', (source, offset, message) => {
    expect(checkAmount(source)).toEqual({ offset, message });
    expect(() => compileAmount(source, 'UP')).toThrow(message);
  });
});

describe('the size of an expression', () => {
  it.each<[string, string, number, string]>([
    ['2,001 characters', `${' '.repeat(1_997)}true`, 2_000, 'An expression has at most 2000 characters.'],
    [
      'a very long text',
      `"${'x'.repeat(5_000_000)}" == ""`,
      2_000,
      'An expression has at most 2000 characters.',
    ],
    ['100,000 parentheses', '('.repeat(100_000), 2_000, 'An expression has at most 2000 characters.'],
    ['2,000 parentheses', '('.repeat(2_000), 32, TOO_LARGE],
    ['33 closed parentheses', `${'('.repeat(33)}true${')'.repeat(33)}`, 32, TOO_LARGE],
    ['2,000 brackets', '['.repeat(2_000), 32, TOO_LARGE],
    ['2,000 braces', '{'.repeat(2_000), 32, TOO_LARGE],
    ['a long chain', `member.attributes${'.a'.repeat(40)} == 1`, 77, TOO_LARGE],
    ['many terms', `${'1+'.repeat(600)}1 > 1`, 0, TOO_LARGE],
    ['many calls', `${'min(1,'.repeat(300)}1`, 190, TOO_LARGE],
  ])('is not that of %s', (_what, source, offset, message) => {
    expect(found(source)).toEqual([offset, message]);
  });

  it.each([
    ['2,000 characters', `${' '.repeat(1_996)}true`],
    ['31 parentheses', `${'('.repeat(31)}true${')'.repeat(31)}`],
    ['250 terms', `${'1+'.repeat(248)}1 > 1`],
    ['499 negations', `${'!'.repeat(499)}true`],
  ])('may be that of %s', (_what, source) => {
    expect(found(source)).toBeNull();
    expect(compileCondition(source).reads.size).toBe(0);
  });

  it('ends the parser early in 2,000 signs as well', () => {
    for (const sign of ['!', '-', '.', '?', '"', "'", '\\', '\u0000', '&&', '//', 'b"', '"""', '😀']) {
      const finding = checkCondition(sign.repeat(2_000 / sign.length));
      expect(finding?.message).toMatch(/^[^\p{Cc}]{5,200}$/u);
    }
  });
});

describe('the work of an expression', () => {
  it.each<[string, string, number, string]>([
    ['lines times lines', 'order.lines.all(l, order.lines.all(m, l.sku != m.sku))', 12, TOO_LONG],
    [
      'attributes times attributes',
      'member.attributes.a.all(a, member.attributes.a.all(b, a == b))',
      47,
      TOO_LONG,
    ],
    ['attributes times lines', 'member.attributes.a.all(a, order.lines.all(l, l.sku == a))', 20, TOO_LONG],
    ['a list in a list of attributes', 'member.attributes.a.all(a, a.all(b, b == 1))', 20, TOO_LONG],
    [
      'lines times a comparison of attributes',
      'order.lines.all(l, member.attributes.a == member.attributes.b)',
      12,
      TOO_LONG,
    ],
    ['lines times a search in attributes', 'order.lines.all(l, l.sku in member.attributes.a)', 12, TOO_LONG],
    ['lines times a long text', 'order.lines.all(l, order.lines.all(m, size("x") > 1))', 12, TOO_LONG],
    [
      'lines times tags times forgiven errors',
      'order.lines.all(l, member.tags.all(t, int(t) == 1))',
      12,
      TOO_LONG,
    ],
    ['lines times sums', 'order.lines.all(l, sum(order.lines.map(m, m.amount)) > 1)', 12, TOO_LONG],
    [
      'three comprehensions',
      '[1].all(a, [1].all(b, [1].all(c, true)))',
      26,
      'At most two comprehensions may lie inside each other.',
    ],
    [
      'three mappings',
      '[1].map(a, [1].map(b, [1].filter(c, true))) == []',
      26,
      'At most two comprehensions may lie inside each other.',
    ],
    ['lists that lie deep', '[[[[1]]]].size() == 1', 0, 'Lists lie too deep inside each other here.'],
    [
      'maps that lie deep',
      '{"a": [{"b": [1]}]}.size() == 1',
      0,
      'Lists lie too deep inside each other here.',
    ],
    [
      'lists that grow deep',
      '[1].map(a, [a]).map(a, [a]).map(a, [a]) == []',
      28,
      'Lists lie too deep inside each other here.',
    ],
  ])('is too much for %s', (_what, source, offset, message) => {
    expect(found(source)).toEqual([offset, message]);
  });

  it.each([
    'order.lines.all(l, member.tags.all(t, t != l.sku))',
    'member.tags.all(t, order.lines.all(l, l.sku != t))',
    'member.tags.all(t, member.tags.all(u, t == u || t < u || t > u))',
    'order.lines.all(l, ["tea", "ware"].exists(c, l.category == c))',
    'order.lines.all(l, l.category in ["tea", "ware"] && l.amount * l.quantity > 100)',
    'order.lines.filter(l, l.category == "tea").map(l, l.amount).filter(a, a > 100).size() > 2',
    'member.attributes.pets.exists(p, p.kind == "dog" && p.age > 3)',
    'member.attributes.a == member.attributes.b',
    'tier.code in member.attributes.tiers',
  ])('is little enough in %s', (source) => {
    expect(found(source)).toBeNull();
  });
});
