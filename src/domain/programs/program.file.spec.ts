import { readdirSync } from 'node:fs';
import { asJsonb, definitionOf, exampleText } from '../../../test/ledger/programs.ts';
import { projectPath } from '../../persistence/index.ts';
import { formatProgram, parseProgram } from './program.file.ts';
import { fromStored, type ProgramDefinition } from './program.schema.ts';

const examples = readdirSync(projectPath('docs', 'examples', 'programs')).map((file) =>
  file.replace(/\.yaml$/, ''),
);
const demo = exampleText('demo');

/** The number of the first line of a text that holds another one. */
function lineOf(text: string, part: string): number {
  return text.split('\n').findIndex((line) => line.includes(part)) + 1;
}

/** The demo program with a change that must find its place. */
function demoWith(part: string, other: string): string {
  expect(demo).toContain(part);
  return demo.replace(part, other);
}

describe.each(examples)('the example program "%s"', (name) => {
  const definition = definitionOf(exampleText(name));
  const exported = formatProgram(definition);

  it('is the same text when it is exported, applied and exported again', () => {
    expect(formatProgram(definitionOf(exported))).toBe(exported);
    expect(definitionOf(exported)).toEqual(definition);
  });

  it('is the same text when it comes back from the database, which shuffles the keys', () => {
    const stored = asJsonb(definition);
    expect(JSON.stringify(stored)).not.toBe(JSON.stringify(definition));
    expect(formatProgram(stored)).toBe(exported);
  });
});

describe('an exported program', () => {
  it('keeps amounts that no number holds, and texts that YAML would read as something else', () => {
    const source = demoWith('amount: 100 }', 'amount: "9007199254740993" }').replace(
      'en: Tea tokens',
      'en: "no"',
    );
    const definition = definitionOf(source);
    expect(definition.rules[0]?.postings[0]?.amount).toBe('9007199254740993');
    expect(definitionOf(formatProgram(definition))).toEqual(definition);
    expect(definition.assets[2]?.name.en).toBe('no');
  });

  it('uses neither anchors nor folded lines', () => {
    const shared = { en: 'A name that goes on. '.repeat(9).trim() };
    const definition: ProgramDefinition = { ...definitionOf(demo), name: shared };
    definition.rules = definition.rules.map((rule) => ({ ...rule, name: shared }));
    const text = formatProgram(definition);
    expect(text).not.toMatch(/[&*]a\d/);
    expect(text.split('\n').filter((line) => line.includes(shared.en))).toHaveLength(
      1 + definition.rules.length,
    );
  });
});

/** What is wrong, the change that makes it so, a part of the line to be named, and the path to be named. */
const BAD: [what: string, part: string, other: string, line: string, path: string, message: RegExp][] = [
  ['a wrong type', 'spendable: false', 'spendable: maybe', 'maybe', 'assets.1.spendable', /boolean/],
  ['a missing list', '    kind: TOKEN\n', '', '- code: token', 'assets.2.kind', /Invalid option/],
  ['an unknown kind', 'kind: TOKEN', 'kind: COIN', 'COIN', 'assets.2.kind', /POINTS/],
  ['a code in capitals', 'code: silver', 'code: Silver', 'Silver', 'ladders.0.tiers.1.code', /lower-case/],
  [
    ...(['an unknown asset in a rule', 'asset: token,', 'asset: coins,', 'asset: coins'] as const),
    ...(['rules.0.postings.1.asset', /"coins"/] as const),
  ],
  ['an unknown metric', 'metric: growth', 'metric: height', 'height', 'ladders.0.metric', /"height"/],
  [
    ...(['a rule’s code twice', 'code: purchase-growth', 'code: purchase-points  # 2', '# 2'] as const),
    ...(['rules.2.code', /"purchase-points"/] as const),
  ],
  [
    ...([
      'an asset’s code twice',
      'ladders:',
      '  - { code: token, kind: TOKEN, name: { en: T } }\nladders:',
    ] as const),
    ...(['en: T }', 'assets.3.code', /"token"/] as const),
  ],
  [
    ...(['a tier’s code twice', 'code: gold\n', 'code: silver #2\n', '#2'] as const),
    ...(['ladders.0.tiers.2.code', /"silver"/] as const),
  ],
  ['equal thresholds', '"2000"', '"500" #2', '#2', 'ladders.0.tiers.2.threshold', /tier before/],
  ['falling thresholds', '"10000"', '"1999"', '"1999"', 'ladders.0.tiers.3.threshold', /tier before/],
  ['a threshold with a point', '"500"', '"500.5"', '"500.5"', 'ladders.0.tiers.1.threshold', /whole/],
  ['a zone that there isn’t', 'Asia/Shanghai', 'Asia/Atlantis', 'Atlantis', 'timeZone', /IANA/],
  ['a mere offset', 'Asia/Shanghai', '"+08:00"', '+08:00', 'timeZone', /IANA/],
  ['a currency that there isn’t', 'CNY', 'XYZ', 'XYZ', 'currency', /ISO 4217/],
  ['a currency in small letters', 'CNY', 'cny', 'cny', 'currency', /ISO 4217/],
  ['a duration in words', 'P12M', 'a year', 'a year', 'assets.0.expiry.after', /ISO 8601/],
  ['a duration without end', 'P12M', 'P99999999Y', 'P99999999Y', 'assets.0.expiry.after', /ISO 8601/],
  ['an amount of 1.5', 'amount: 100 ', 'amount: 1.5 ', '1.5', 'rules.0.postings.0.amount', /./],
  ['an amount of 0', 'amount: 100 ', 'amount: 0 ', 'amount: 0', 'rules.0.postings.0.amount', /above zero/],
  ['an amount below 0', 'amount: 100 ', 'amount: -1 ', '-1', 'rules.0.postings.0.amount', /above zero/],
  [
    ...(['an amount of 2^63', 'amount: 100 ', 'amount: "9223372036854775808" ', '"922'] as const),
    ...(['rules.0.postings.0.amount', /whole amount/] as const),
  ],
  [
    ...(['an amount for half a cent', '"100.00"', '"0.005"', '"0.005"'] as const),
    ...(['rules.1.postings.0.amount.each', /minor unit/] as const),
  ],
  [
    ...(['an amount for nothing', '"100.00"', '"0.00"', '"0.00"'] as const),
    ...(['rules.1.postings.0.amount.each', /above zero/] as const),
  ],
  [
    ...(['a rolling window without days', '    windowDays: 365\n', '', 'window: ROLLING_DAYS'] as const),
    ...(['ladders.0.window', /"windowDays"/] as const),
  ],
  [
    ...(['days of a window that doesn’t roll', 'ROLLING_DAYS', 'LIFETIME', 'windowDays'] as const),
    ...(['ladders.0.windowDays', /"windowDays"/] as const),
  ],
  [
    ...(['a percentage above all', 'percent: 80', 'percent: 101', 'percent: 101'] as const),
    ...(['ladders.0.retention.percent', /100/] as const),
  ],
  [
    ...(['a tier’s benefit that there isn’t', '[free-shipping]', '[free-tea]', '[free-tea]'] as const),
    ...(['ladders.0.tiers.1.benefits.0', /"free-tea"/] as const),
  ],
  [
    ...([
      'a rule’s benefit that there isn’t',
      'grants: [birthday-gift]',
      'grants: [cake]',
      '[cake]',
    ] as const),
    ...(['rules.4.grants.0', /"cake"/] as const),
  ],
  [
    ...([
      'a rule that does nothing',
      '    postings:\n      - { asset: points, amount: 2 }\n',
      '',
      'code: daily-sign-in',
    ] as const),
    ...(['rules.3', /"postings", "tags" or "grants"/] as const),
  ],
  [
    ...(['a refund that gives', 'trigger: sign_in', 'trigger: refund', 'trigger: refund'] as const),
    ...(['rules.3.trigger', /gives nothing/] as const),
  ],
  [
    ...([
      'a cap of what it doesn’t give',
      '    grants: [birthday-gift]',
      '    grants: [birthday-gift]\n    caps: [{ asset: points, per: member, window: day, most: 5 }]',
      'caps:',
    ] as const),
    ...(['rules.4.caps.0.asset', /no posting/] as const),
  ],
  [
    ...(['a window that there isn’t', 'window: day', 'window: hour', 'window: hour'] as const),
    ...(['rules.3.once.window', /"day"/] as const),
  ],
  [
    ...(['a percentage in words', 'value: "10"', 'value: "ten"', '"ten"'] as const),
    ...(['benefits.2.value', /percentage/] as const),
  ],
  [
    ...([
      'a condition that isn’t one',
      'trigger: sign_in',
      'trigger: sign_in\n    when: activity.amount + 1',
      'when:',
    ] as const),
    ...(['rules.3.when', /bool.* \(at character 1\)/] as const),
  ],
  [
    ...([
      'a condition about what there isn’t',
      'trigger: sign_in',
      'trigger: sign_in\n    when: tier.rank > 1 && member.tgas == []',
      'when:',
    ] as const),
    ...(['rules.3.when', /tgas.* \(at character 25\)/] as const),
  ],
  [
    ...([
      'an amount in floats',
      'amount: 2 }',
      'amount: { expression: "activity.amount * 1.5" } }',
      '1.5',
    ] as const),
    ...(['rules.3.postings.0.amount.expression', / \(at character \d+\)/] as const),
  ],
  ['a nameless asset', '{ en: Points, zh-CN: 积分 }', '{}', '{}', 'assets.0.name', /"en", "zh-CN"/],
  [
    'a bracket that never closes',
    'currency: CNY',
    'currency: [CNY',
    'backdating',
    '',
    /must .*end with a \]/,
  ],
  ['a key twice', 'currency: CNY', 'currency: CNY\ncurrency: USD', 'currency: USD', '', /unique/],
  ['two documents', 'assets:', '---\nassets:', '---', '', /multiple documents/],
];

/** Lists of ten lists of ten lists: a few lines that stand for ten thousand million texts. */
const BOMB = Array.from({ length: 10 }, (_, depth) => {
  const items = Array.from({ length: 10 }, () => (depth === 0 ? 'x' : `*a${depth - 1}`));
  return `k${depth}: &a${depth} [${items.join(', ')}]\n`;
}).join('');

/** The demo program with so many slow rules for one trigger. */
function demoWithSlowRules(count: number): string {
  const when = 'order.lines.exists(l, member.tags.exists(t, l.sku == t))';
  const rules = Array.from({ length: count }, (_, index) => ({
    ...{ code: `slow-${index}`, name: { en: 'Slow' }, trigger: 'purchase', when },
    postings: [{ asset: 'points', amount: 1 }],
  }));
  return `${demo.split('rules:\n')[0]}rules: ${JSON.stringify(rules)}\n`;
}

describe('many rules that are slow at their worst', () => {
  it('are refused where they become too many for one trigger', () => {
    expect(parseProgram(demoWithSlowRules(5)).findings).toEqual([]);
    const { findings } = parseProgram(demoWithSlowRules(200));
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ message: expect.stringMatching(/"purchase" may take too long/) });
  });
});

describe('a bad program file', () => {
  it.each(BAD)('is refused for %s', (_what, part, other, line, path, message) => {
    const source = demoWith(part, other);
    const { definition, findings } = parseProgram(source);
    expect(definition).toBeNull();
    expect(findings).toEqual([
      { line: lineOf(source, line), path, message: expect.stringMatching(message) as string },
    ]);
  });

  it.each([
    ['nothing', ''],
    ['a comment alone', '# later\n'],
    ['a text', 'hello'],
    ['a list', '- name: x'],
  ])('is refused when it holds %s', (_what, source) => {
    expect(parseProgram(source)).toMatchObject({ definition: null, findings: [{ line: 1, path: '' }] });
  });

  it('is told of every fault at once', () => {
    const source = demoWith('CNY', 'XYZ').replace('spendable: false', 'spendable: 1').replace('P12M', 'x');
    expect(
      parseProgram(source)
        .findings.map(({ path }) => path)
        .sort(),
    ).toEqual(['assets.0.expiry.after', 'assets.1.spendable', 'currency']);
  });

  it('is told of a key that nobody knows', () => {
    const { definition, findings } = parseProgram(demoWith('spendable: false', 'spendible: false'));
    expect(definition).toBeNull();
    expect(findings).toMatchObject([
      { path: 'assets.1.spendible', message: expect.stringContaining('"spendible"') },
    ]);
  });

  it('is told where a key stands that nobody knows', () => {
    const source = demoWith('spendable: false', 'spendible: false');
    expect(parseProgram(source).findings[0]?.line).toBe(lineOf(source, 'spendible'));
  });

  it.each([
    ['an alias bomb', BOMB],
    ['an alias of nothing', 'name: *nobody\n'],
  ])('is refused, not thrown, for %s', (_what, source) => {
    expect(parseProgram(source)).toMatchObject({ definition: null, findings: [{ line: 1 }] });
  });

  it('names no prototype', () => {
    const { definition } = parseProgram(demoWith('currency: CNY', '__proto__: { currency: CNY }'));
    expect(definition).toBeNull();
    expect(({} as { currency?: unknown }).currency).toBeUndefined();
  });
});

describe('an asset', () => {
  const points = (lines: string) => demoWith('kind: POINTS\n', `kind: POINTS\n    ${lines}\n`);

  it.each([
    ['reversal: { shortfall: GO_NEGATIVE }', 'assets.0.reversal.shortfall', /"floor" below zero/],
    ['maturity: { event: order_completed }', 'assets.0.maturity', /"after" or "date"/],
    ['maturity: { after: P1D, date: 2027-01-01 }', 'assets.0.maturity', /one of them/],
    ['floor: 5', 'assets.0.floor', /zero, a whole amount below/],
    ['rate: { amount: 100, money: "0.001" }', 'assets.0.rate.money', /no finer than its minor unit/],
    ['storedValue: { spendFirst: PAID }', 'assets.0.storedValue', /only of an asset of kind STORED_VALUE/],
    ['limits: { earn: { perDay: 0 } }', 'assets.0.limits.earn.perDay', /above zero/],
  ])('that says "%s" is refused', (lines, path, message) => {
    const [finding] = parseProgram(points(lines)).findings;
    expect(finding).toMatchObject({ path, message: expect.stringMatching(message) });
  });

  it.each([
    ['scale: 0', 'scale', /2, the digits of CNY/],
    ['rate: { amount: 100, money: "1.00" }', 'rate', /CNY itself/],
    ['storedValue: { payBack: ALL, forfeitBonus: true }', 'storedValue.forfeitBonus', /payBack: PAID/],
    ['storedValue: { spendFirst: PRO_RATA }', 'storedValue.spendFirst', /"PAID"\|"BONUS"/],
  ])('of stored value that says "%s" is refused', (lines, path, message) => {
    const source = demoWith('kind: POINTS\n', `kind: STORED_VALUE\n    ${lines}\n`);
    const [finding] = parseProgram(source).findings;
    expect(finding).toMatchObject({ path: `assets.0.${path}`, message: expect.stringMatching(message) });
  });

  it.each([
    ['{ on: 2027-03-31, after: P6M }', 'assets.0.expiry.after', /day of every year/],
    ['{ on: "02-30" }', 'assets.0.expiry', /inactive/],
  ])('that expires %s is refused', (expiry, path, message) => {
    const source = demoWith('expiry: { after: P12M, until: END_OF_MONTH }', `expiry: ${expiry}`);
    const [finding] = parseProgram(source).findings;
    expect(finding).toMatchObject({ path, message: expect.stringMatching(message) });
  });

  it('of an older release may go negative as it might then', () => {
    const stored = asJsonb(definitionOf(demo)) as unknown as { assets: Record<string, unknown>[] };
    const old = stored.assets.map(({ floor: _floor, scale: _scale, ...rest }, index) => {
      return { ...rest, mayGoNegative: index === 0 };
    });
    const { assets } = fromStored({ ...stored, assets: old });
    expect(assets[0]).toMatchObject({ floor: 'NONE', reversal: { shortfall: 'GO_NEGATIVE' } });
    expect(assets[1]).toMatchObject({ floor: '0' });
  });

  it('whose rule waits for an event says when it falls due without one', () => {
    const waiting = (rest: string) =>
      parseProgram(demo.replace('amount: 100 }', `amount: 100, availableOn: order_completed${rest} }`));
    expect(waiting('').findings[0]?.path).toMatch(/availableOn$/);
    expect(waiting(', availableAfter: P30D').findings).toEqual([]);
  });
});
