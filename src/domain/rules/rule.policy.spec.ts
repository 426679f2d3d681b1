import { definitionOf, exampleText, pinned } from '../../../test/ledger/programs.ts';
import { ask } from '../../../test/rules/asked.ts';
import { MAX_POINTS } from '../../kernel/points.ts';

const program = pinned(definitionOf(exampleText('demo')), 7);

/** The demo program with other purchase rules. */
function withRules(rules: string, currency = 'CNY') {
  const head = exampleText('demo').split('rules:\n')[0] ?? '';
  return pinned(definitionOf(`${head.replace('CNY', currency)}rules:\n${rules}`), 3);
}

function ruleOf(code: string, amount: string, trigger = 'purchase'): string {
  return `  - { code: ${code}, name: { en: ${code} }, trigger: ${trigger}, postings: [{ asset: points, amount: ${amount} }] }\n`;
}

const given = (amount: bigint | null, trigger = 'purchase') =>
  ask(program, { trigger, amount }).credits.map((credit) => [credit.asset, credit.amount]);

describe('the points of a purchase', () => {
  it.each([
    ['99.99', 9_999n, 0n],
    ['100.00', 10_000n, 10n],
    ['100.01', 10_001n, 10n],
    ['199.99', 19_999n, 10n],
    ['200.00', 20_000n, 20n],
    ['238.00', 23_800n, 20n],
    ['0.01', 1n, 0n],
    ['0.00', 0n, 0n],
    ['9999999999999999.99', 999_999_999_999_999_999n, 999_999_999_999_990n],
  ])('for ¥%s, 10 for every full ¥100', (_text, minor, points) => {
    const { credits, explanations } = ask(program, { trigger: 'purchase', amount: minor });
    const amounts = credits.filter(({ asset }) => asset === 'points').map(({ amount }) => amount);
    expect(amounts).toEqual(points === 0n ? [] : [points]);
    expect(explanations[0]?.outcome).toBe(points === 0n ? 'ZERO' : 'APPLIED');
  });

  it('come to nothing for less than nothing, and for what has no amount', () => {
    expect(given(-10_000n)).toEqual([]);
    expect(given(null)).toEqual([]);
  });

  it('fall due as the rule says', () => {
    const { credits } = ask(program, { trigger: 'purchase', amount: 23_800n });
    expect(credits.map(({ asset, availableAfter }) => [asset, availableAfter])).toEqual([
      ['points', 'P1D'],
      ['growth', null],
    ]);
  });

  it('never leave the range of 64 bits', () => {
    const huge = withRules(
      ruleOf('fits', '{ each: "0.01", gives: 1 }') +
        ruleOf('overflows', `{ each: "0.01", gives: "${MAX_POINTS}" }`) +
        ruleOf('fixed', `"${MAX_POINTS}"`),
    );
    const { credits, explanations } = ask(huge, { trigger: 'purchase', amount: MAX_POINTS });
    expect(credits.map(({ amount }) => amount)).toEqual([MAX_POINTS, MAX_POINTS]);
    expect(explanations.map(({ rule }) => rule?.code)).toEqual(['fits', 'overflows', 'fixed']);
    expect(explanations.map(({ outcome }) => outcome)).toEqual(['APPLIED', 'NOT_MATCHED', 'APPLIED']);
  });

  it.each([
    ['JPY', '100', 238n, 20n],
    ['KWD', '1.000', 2_380n, 20n],
  ])('count in the minor units of %s', (currency, each, amount, points) => {
    const other = withRules(ruleOf('own', `{ each: "${each}", gives: 10 }`), currency);
    expect(ask(other, { trigger: 'purchase', amount }).credits).toMatchObject([{ amount: points }]);
  });
});

describe('the rules of a program', () => {
  it('answer to their own trigger alone', () => {
    expect(given(null, 'enrolment')).toEqual([
      ['points', 100n],
      ['token', 10n],
    ]);
    expect(ask(program, { trigger: 'review', amount: 23_800n })).toMatchObject({
      credits: [],
      explanations: [],
    });
  });

  it('are each told of, also those that gave nothing', () => {
    for (const amount of [0n, 99n, 9_999n, 23_800n, null]) {
      const { explanations } = ask(program, { trigger: 'purchase', amount });
      expect(explanations.map(({ rule }) => rule)).toEqual([
        { code: 'purchase-points', version: 7 },
        { code: 'purchase-growth', version: 7 },
      ]);
      expect(explanations.every(({ extension }) => extension === null)).toBe(true);
    }
  });

  it('say in both languages what they gave', () => {
    const { credits, explanations } = ask(program, { trigger: 'enrolment', amount: null });
    expect(explanations).toMatchObject([
      {
        outcome: 'APPLIED',
        summary: {
          en: 'Enrolment bonus: +100 Points, +10 Tea tokens',
          'zh-CN': '入会礼：+100 积分，+10 茶券',
        },
      },
    ]);
    expect(credits[1]?.explanation.summary).toEqual({
      en: 'Enrolment bonus: +10 Tea tokens',
      'zh-CN': '入会礼：+10 茶券',
    });
  });

  it('say in both languages that they gave nothing', () => {
    const { explanations } = ask(program, { trigger: 'purchase', amount: 9_999n });
    expect(explanations[0]).toMatchObject({
      outcome: 'ZERO',
      summary: { en: 'Points for purchases: the amount is too small', 'zh-CN': '消费积分：金额未达到要求' },
    });
  });

  it('are called by their code where they have no name in a language', () => {
    const { explanations } = ask(withRules(ruleOf('bonus', '5')), { trigger: 'purchase', amount: null });
    expect(explanations[0]?.summary).toEqual({ en: 'bonus: +5 Points', 'zh-CN': 'bonus：+5 积分' });
  });
});
