import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readExampleProgram } from '../../src/boot/index.ts';
import { COMPREHENSIONS, FUNCTIONS, METHODS } from '../../src/domain/expressions/expression-functions.ts';
import { checkAmount, checkCondition, toFacts } from '../../src/domain/expressions/index.ts';
import { ExplanationOutcome } from '../../src/domain/ledgers/index.ts';
import { type Metric, parseMetric, parseProgram, TIER_WINDOWS } from '../../src/domain/programs/index.ts';
import { definitionSchema, LIMIT_WINDOWS } from '../../src/domain/programs/program.schema.ts';
import { projectPath } from '../../src/persistence/index.ts';
import { followGuide } from './follow-guide.ts';
import { deadLinksIn, namesIn, tableOf } from './guide-blocks.ts';
import { keysOf, OPTIONAL, REQUIRED } from './program-keys.ts';

const FOLDER = projectPath('docs', 'guides');
const read = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');
const english = read('design-a-program.md');
const chinese = read('design-a-program.zh-CN.md');
const demo = await readExampleProgram('demo');
const guides = [
  { language: 'English', guide: english, required: 'required', optional: 'none' },
  { language: 'Chinese', guide: chinese, required: '必填', optional: '无' },
];

describe('the guide, step by step', () => {
  const run = followGuide(english, { tenant: 'teashop', clock: '2026-03-10T12:00:00+08:00' });

  it('ends with the program of the demo tenant', () => {
    expect(parseProgram(run().program).definition).toEqual(demo);
  });
});

/** How each type of fact is asked for, so that the checker itself says that it is one. */
const TYPE_CHECKS: Record<string, (fact: string) => unknown> = {
  int: (fact) => checkAmount(fact),
  bool: (fact) => checkCondition(fact),
  string: (fact) => checkCondition(`${fact} == ''`),
  timestamp: (fact) => checkCondition(`${fact} <= now`),
  'list of strings': (fact) => checkCondition(`'a' in ${fact}`),
  'list of lines': (fact) => checkCondition(`${fact}.exists(line, line.quantity > 0)`),
  map: (fact) => checkCondition(`has(${fact}.anything)`),
};

const inLine = (fact: string): string => fact.replace('order.lines[].', 'order.lines[0].');

it.each(guides)('has what each of its links leads to, in $language', ({ guide }) => {
  expect(deadLinksIn(guide, FOLDER)).toEqual([]);
});

describe.each(guides)('the tables, in $language', ({ guide, required, optional }) => {
  it('name every key of a program file, in its order, with what holds without it and its words', () => {
    const keys = keysOf(definitionSchema);
    const rows = tableOf(guide, 'keys');
    expect(namesIn(rows)).toEqual(keys.map(({ path }) => path));
    const otherwise = keys.map(({ otherwise: value }) => {
      if (value === REQUIRED) return required;
      return value === OPTIONAL
        ? optional
        : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
    });
    expect(rows.map(([name, , column]) => [name, column])).toEqual(
      rows.map(([name], index) => [name, otherwise[index]]),
    );
    const untold = keys.flatMap(({ path, words }, index) =>
      words.filter((word) => rows[index]?.[1]?.includes(`\`${word}\``) !== true).map((word) => [path, word]),
    );
    expect(untold).toEqual([]);
  });

  it('name every fact, with its type', () => {
    const rows = tableOf(guide, 'facts');
    expect(namesIn(rows)).toEqual(factNames());
    for (const [name = '', type = ''] of rows) {
      const check = TYPE_CHECKS[type.replaceAll('`', '')];
      expect([name, check?.(inLine(name.replaceAll('`', '')))]).toEqual([name, null]);
    }
  });

  it('name every function', () => {
    const shown = tableOf(guide, 'functions').flatMap(([cell = '']) =>
      [...cell.matchAll(/(\w+)\(/g)].map(([, name]) => name),
    );
    const allowed = [FUNCTIONS, METHODS, COMPREHENSIONS].flatMap((table) => [...table.keys()]);
    const names = new Set([...allowed.map((signature) => signature.replace(/\/\d$/, '')), 'has']);
    expect([...new Set(shown)].sort()).toEqual([...names].sort());
  });

  it('name every metric and window', () => {
    const metrics = namesIn(tableOf(guide, 'metrics')).map((name) => {
      return parseMetric(name.replace('<type>', 'share').replace('<code>,<code>…', 'a,b'), demo)?.of;
    });
    expect(metrics).toEqual(['ASSET', 'SPEND', 'ORDERS', 'ACTIVITIES', 'TAGS'] satisfies Metric['of'][]);
    expect(namesIn(tableOf(guide, 'tier windows')).sort()).toEqual([...TIER_WINDOWS].sort());
    expect(namesIn(tableOf(guide, 'limit windows'))).toEqual([...LIMIT_WINDOWS]);
  });

  it('name every outcome', () => {
    expect(namesIn(tableOf(guide, 'outcomes')).sort()).toEqual(Object.values(ExplanationOutcome).sort());
  });
});

/** The names of all facts, from facts themselves. */
function factNames(): string[] {
  const member = {
    ...{ memberKey: '', birthday: null, gender: null, locale: null, region: null },
    ...{ channel: null, store: null, tagCodes: [], attributes: {}, enrolledAt: null },
  };
  const line = { sku: '', category: null, quantity: 1, amount: 0n };
  const happening = {
    ...{ trigger: 'purchase', amount: null, occurredAt: null, channel: null, store: null },
    ...{ orderNumber: null, lines: [line] },
  };
  const facts = toFacts({ member, publicId: '', happening, tier: null }, new Date(0), 'UTC');
  return Object.entries(facts).flatMap(([variable, fields]) => {
    if (fields instanceof Date) return [variable];
    return Object.entries(fields as object).flatMap(([field, value]: [string, unknown]) => {
      const own = `${variable}.${field}`;
      if (variable !== 'order' || !Array.isArray(value)) return [own];
      return [own, ...Object.keys(value[0] as object).map((key) => `${own}[].${key}`)];
    });
  });
}
