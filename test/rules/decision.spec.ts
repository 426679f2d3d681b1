import fc from 'fast-check';
import { definitionOf, exampleText, pinned } from '../ledger/programs.ts';
import { ask, MEMBER } from './asked.ts';

/** The demo program with other rules. */
function withRules(rules: string) {
  const head = exampleText('demo').split('rules:\n')[0] ?? '';
  return pinned(definitionOf(`${head}rules:\n${rules}`), 3);
}

/** A rule of one line that gives points for purchases. */
function ruleOf(code: string, rest: string): string {
  return `  - { code: ${code}, name: { en: ${code} }, trigger: purchase, ${rest} }\n`;
}

const purchase = { trigger: 'purchase', amount: 23_800n };
const fixed = (amount: number | string) => `postings: [{ asset: points, amount: ${amount} }]`;

describe('a rule’s condition', () => {
  it.each([
    ['activity.amount >= 23800', 'APPLIED'],
    ['activity.amount > 23800', 'NOT_MATCHED'],
    ['order.lines.exists(l, l.category == "tea")', 'APPLIED'],
    ['order.lines.all(l, l.quantity > 2)', 'NOT_MATCHED'],
    ['order.total == 23800 && order.quantity == 2', 'APPLIED'],
    ['tier.code == "gold" && tier.rank == 3', 'APPLIED'],
    ['member.gender == "FEMALE" && "regular" in member.tags', 'APPLIED'],
    ['member.isBirthday', 'APPLIED'],
    ['member.age == 36', 'APPLIED'],
    ['member.daysEnrolled == 323', 'APPLIED'],
    ['activity.localWeekday == 5 && activity.localHour == 12', 'APPLIED'],
    ['activity.localDate == "2026-11-20"', 'APPLIED'],
    ['activity.channel == "POS"', 'APPLIED'],
    ['member.attributes.score == "high"', 'NOT_MATCHED'],
    ['now > member.enrolledAt', 'APPLIED'],
  ])('%s: %s', (when, outcome) => {
    const program = withRules(ruleOf('own', `when: '${when}', ${fixed(5)}`));
    const lines = [{ sku: 'TEA-01', category: 'tea', quantity: 2, amount: 23_800n }];
    const happening = { channel: 'POS', orderNumber: '1', lines };
    const { outcomes } = ask(program, purchase, { tier: { code: 'gold', rank: 3 }, happening });
    expect(outcomes).toEqual([`own ${outcome}`]);
  });

  it('that can’t be worked out gives nothing, and says so in both languages', () => {
    const program = withRules(ruleOf('own', `when: 'member.attributes.score == "high"', ${fixed(5)}`));
    const [explanation] = ask(program, purchase).explanations;
    expect(explanation?.summary.en).toMatch(/^own: it could not be worked out \(.+\)$/);
    expect(explanation?.summary['zh-CN']).toMatch(/^own：无法计算（.+）$/);
  });
});

describe('a rule’s amount', () => {
  it.each([
    ['DOWN', 'mulDiv(activity.amount, 3, 10000)', 7n],
    ['HALF_UP', 'mulDiv(activity.amount, 3, 10000)', 7n],
    ['UP', 'mulDiv(activity.amount, 3, 10000)', 8n],
    ['DOWN', 'sum(order.lines.map(l, l.amount)) / 100', 238n],
    ['DOWN', 'tier.rank * 10', 30n],
    ['DOWN', 'max(1, min(activity.amount, 500))', 500n],
  ])('rounded %s, of %s: %s', (rounding, expression, amount) => {
    const postings = `postings: [{ asset: points, amount: { expression: '${expression}' } }]`;
    const program = withRules(ruleOf('own', `rounding: ${rounding}, ${postings}`));
    const lines = [{ sku: 'A', category: null, quantity: 1, amount: 23_800n }];
    const { credits } = ask(program, purchase, { tier: { code: 'gold', rank: 3 }, happening: { lines } });
    expect(credits.map((credit) => credit.amount)).toEqual([amount]);
  });

  it.each([
    ['DOWN', 20n],
    ['HALF_UP', 20n],
    ['UP', 30n],
  ])('counts parts of “each” rounded %s', (rounding, amount) => {
    const postings = 'postings: [{ asset: points, amount: { each: "100.00", gives: 10 } }]';
    const program = withRules(ruleOf('own', `rounding: ${rounding}, ${postings}`));
    expect(ask(program, purchase).credits[0]?.amount).toBe(amount);
    expect(ask(program, { ...purchase, amount: 25_000n }).credits[0]?.amount).toBe(
      rounding === 'DOWN' ? 20n : 30n,
    );
  });

  it.each(['activity.amount - 23800', 'activity.amount - 99999'])(
    'of nothing or less is nothing: %s',
    (less) => {
      const postings = `postings: [{ asset: points, amount: { expression: '${less}' } }]`;
      expect(ask(withRules(ruleOf('own', postings)), purchase).outcomes).toEqual(['own ZERO']);
    },
  );
});

describe('the rules of an exclusive group', () => {
  const group = (first: string, second: string) =>
    withRules(
      ruleOf('second', `exclusive: best, order: 2, ${second}`) +
        ruleOf('first', `exclusive: best, order: 1, ${first}`) +
        ruleOf('apart', fixed(1)),
    );

  it('apply once: the first in their order that gives something', () => {
    const program = group(fixed(7), fixed(5));
    expect(ask(program, purchase).outcomes).toEqual(['apart APPLIED', 'first APPLIED', 'second NOT_MATCHED']);
  });

  it('leave the turn to the next one when the first doesn’t match, or has nothing left', () => {
    const unmatched = group(`when: 'false', ${fixed(7)}`, fixed(5));
    expect(ask(unmatched, purchase).outcomes.slice(1)).toEqual(['first NOT_MATCHED', 'second APPLIED']);
    const once = group(`once: { per: member, window: day }, ${fixed(7)}`, fixed(5));
    const used = { 'rule:first:once:day': 1n };
    expect(ask(once, purchase, { used }).outcomes.slice(1)).toEqual(['first CAPPED', 'second APPLIED']);
  });
});

describe('the limits of a rule', () => {
  const capped = withRules(
    ruleOf('own', `caps: [{ asset: points, per: member, window: month, most: 50 }], ${fixed(30)}`),
  );
  const cap = 'rule:own:points:member:month';

  it.each([
    [0n, 'APPLIED', 30n],
    [20n, 'APPLIED', 30n],
    [21n, 'CAPPED', 29n],
    [49n, 'CAPPED', 1n],
    [50n, 'CAPPED', 0n],
    [60n, 'CAPPED', 0n],
  ])('leave what isn’t used up: %s used', (used, outcome, amount) => {
    const answer = ask(capped, purchase, { used: { [cap]: used } });
    expect(answer.outcomes).toEqual([`own ${outcome}`]);
    expect(answer.credits.map((credit) => credit.amount)).toEqual(amount === 0n ? [] : [amount]);
    expect(answer.taken).toEqual(amount === 0n ? [[cap, 0n]] : [[cap, amount]]);
  });

  it('of the whole program are its budget', () => {
    const budget = 'caps: [{ asset: points, per: program, window: lifetime, most: 100 }]';
    const program = withRules(ruleOf('own', `${budget}, ${fixed(30)}`));
    const subject = 'rule:own:points:program:lifetime';
    expect(ask(program, purchase, { used: { [subject]: 100n } }).outcomes).toEqual(['own BUDGET_EXHAUSTED']);
    expect(ask(program, purchase, { used: { [subject]: 90n } }).credits[0]?.amount).toBe(10n);
  });

  it('hold together for all postings of a rule in one asset', () => {
    const two = 'postings: [{ asset: points, amount: 30 }, { asset: points, amount: 30 }]';
    const caps = 'caps: [{ asset: points, per: member, window: month, most: 50 }]';
    const { credits } = ask(withRules(ruleOf('own', `${caps}, ${two}`)), purchase);
    expect(credits.map(({ amount }) => amount)).toEqual([30n, 20n]);
  });

  it('count an occasion only when something was given', () => {
    const both = withRules(
      ruleOf(
        'own',
        `once: { per: member, window: day }, caps: [{ asset: points, per: member, window: month, most: 5 }], ${fixed(5)}`,
      ),
    );
    const full = { 'rule:own:points:member:month': 5n };
    expect(ask(both, purchase, { used: full }).taken).not.toContainEqual(['rule:own:once:day', 1n]);
    expect(ask(both, purchase).taken).toContainEqual(['rule:own:once:day', 1n]);
  });
});

/** Rules that look at what happened, and give or give not. */
const independent = [
  ruleOf('a', fixed(5)),
  ruleOf('b', `when: 'activity.amount > 5000', ${fixed(7)}`),
  ruleOf('c', 'postings: [{ asset: points, amount: { each: "1.00", gives: 3 } }]'),
  ruleOf('d', `once: { per: member, window: day }, ${fixed(11)}`),
  ruleOf(
    'e',
    `caps: [{ asset: token, per: member, window: day, most: 2 }], postings: [{ asset: token, amount: 9 }]`,
  ),
  ruleOf('f', `postings: [{ asset: growth, amount: { expression: 'activity.amount / 7' } }]`),
];

describe('independent rules', () => {
  it('give the same in any order', () => {
    const amounts = fc.bigInt({ min: 0n, max: 10n ** 12n });
    void fc.assert(
      fc.property(fc.shuffledSubarray(independent, { minLength: 1 }), amounts, (rules, amount) => {
        const answer = ask(withRules(rules.join('')), { trigger: 'purchase', amount });
        const sorted = ask(withRules([...rules].sort().join('')), { trigger: 'purchase', amount });
        const gist = ({ credits, outcomes }: ReturnType<typeof ask>) => ({
          outcomes: [...outcomes].sort(),
          credits: credits.map((credit) => `${credit.rule} ${credit.asset} ${credit.amount}`).sort(),
        });
        expect(gist(answer)).toEqual(gist(sorted));
      }),
    );
  });

  it('are the same for the same facts', () => {
    const program = withRules(independent.join(''));
    const gist = () => ask(program, purchase, { member: MEMBER }).explanations;
    expect(gist()).toEqual(gist());
  });
});
